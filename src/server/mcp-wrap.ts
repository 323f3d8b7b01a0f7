// An MCP server that is started over stdio, between its client and this process: its calls go into the trail, and its
// life is this process's.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Config } from "../config/config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { newRequestId } from "../event/ids.ts";
import { StdioSession } from "../gateway/mcp/stdio-session.ts";
import { UNRULED } from "../gateway/rulings.ts";
import { openOwnNode } from "../node/own-node.ts";

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

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Resolves when the server has ended and everything is recorded. Throws `bad_argument` when it cannot be started,
 * `audit_unavailable` in strict mode, `folder_unusable` and the like.
 */
export async function wrapMcpServer(options: WrapOptions): Promise<End> {
  const { config, server, user, stdin, stdout } = options;
  const node = await openOwnNode({ ...config, adopts: false });
  try {
    const child = await started(options.command, options.args);
    const session = new StdioSession({
      server,
      recorder: node.recorder,
      rulings: { decide: () => UNRULED },
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
    await node[Symbol.asyncDispose]();
  }
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
  const kill = () => void child.kill("SIGTERM");
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
