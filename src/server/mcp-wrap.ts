// An MCP server that is started over stdio, between its client and this process: its calls go into the trail, and its
// life is this process's.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Config } from "../config/config.ts";
import { openParts } from "../control/parts.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { newRequestId } from "../event/ids.ts";
import { StdioSession } from "../gateway/mcp/stdio-session.ts";
import type { Rulings } from "../gateway/rulings.ts";
import { Openings } from "../node/openings.ts";
import { openOwnNode } from "../node/own-node.ts";
import { PolicySet } from "../policy/policy-set.ts";

export interface WrapOptions {
  readonly config: Config;
  /** Name of the server in the trail. */
  readonly server: string;
  /** Whose calls these are. */
  readonly user: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly stdin: Readable;
  readonly stdout: Writable;
}

/** How the server ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server that is ended, and does not listen, has so long. */
const KILL_MS = 5000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Resolves when the server has ended and everything is recorded. Throws `bad_argument` when it cannot be started,
 * `audit_unavailable` in strict mode, `folder_unusable` and the like.
 */
export async function wrapMcpServer(options: WrapOptions): Promise<End> {
  const { config, server, user, stdin, stdout } = options;
  const database = join(config.home, "control.db");
  // A folder with control.db is a server's, which looks after those who died.
  const hasServer = existsSync(database);
  const openings = new Openings();
  const node = await openOwnNode({ ...config, adopts: !hasServer });
  openings.add(async () => node[Symbol.asyncDispose]());
  try {
    const rulings = hasServer
      ? await keptRulings(config, database, openings)
      : new PolicySet(config.policies);
    const child = await started(options.command, options.args);
    const session = new StdioSession({
      server,
      recorder: node.recorder,
      rulings,
      profile: config.profile,
      audit: { ...config.audit.mcp, lists: config.mcp.auditLists },
      maxBytes: config.limits.maxBodyBytes,
      facts: { userId: user, sessionId: newRequestId().replace("req_", "stdio_") },
      client: { from: stdin, to: stdout },
      child: { from: child.stdout, to: child.stdin },
    });
    const end = await lived(child, session, stdout);
    session.end();
    return end;
  } finally {
    await openings.close();
  }
}

/** Policies of the file and of control.db, as they are at any time: a server may change them meanwhile. */
async function keptRulings(config: Config, path: string, openings: Openings): Promise<Rulings> {
  const parts = await openParts({ path, clock: Date.now, secretKey: config.secretKey });
  openings.add(() => parts.control.close());
  parts.policies.setFixed(config);
  return { decide: (question, spent) => parts.policies.current.decide(question, spent) };
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Throws `bad_argument` when there is no such command. */
async function started(command: string, args: readonly string[]): Promise<Child> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(child, "spawn");
    return child;
  } catch (error) {
    const why = `Cannot start ${JSON.stringify(command)} (${nativeCode(error)}).`;
    throw new DaybookError("bad_argument", why, { cause: error });
  }
}

/** Resolves when the server has ended and all that it said was passed on. Rejects as `fromServer` does. */
async function lived(child: Child, session: StdioSession, stdout: Writable): Promise<End> {
  const exited = once(child, "exit") as Promise<[End["code"], End["signal"]]>;
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, forward);
  // A client that is gone reads nothing more: the server has no one to serve.
  const kill = () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), KILL_MS);
    child.once("exit", () => clearTimeout(timer));
  };
  stdout.once("error", kill);
  child.stdin.on("error", () => {});
  try {
    void session.fromClient().catch(kill);
    await session.fromServer().catch((error: unknown) => {
      kill();
      throw error;
    });
    const [code, signal] = await exited;
    return { code, signal };
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward);
    stdout.off("error", kill);
  }
}
