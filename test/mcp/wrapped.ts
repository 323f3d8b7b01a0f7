// `daybook mcp wrap` as a client has it: a real process, spoken to line by line.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { AuditEvent } from "../../src/event/fields.ts";
import { openReader } from "../../src/read/reader.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

const BIN = join(import.meta.dirname, "../../bin/daybook.mjs");
const LINES = join(import.meta.dirname, "line-server.mjs");

/** A busy machine takes its time to start a process. */
const START_MS = 60_000;

export interface WrapOptions {
  readonly yaml?: string;
  readonly home?: string;
  /** Of the wrapped server; line-server.mjs unless said. */
  readonly command?: readonly string[];
}

export async function wrap(t: { after: TestContext["after"] }, options: WrapOptions = {}) {
  const { yaml = "", home = tempFolder(), command = [process.execPath, LINES] } = options;
  writeFileSync(join(home, "daybook.yaml"), yaml);
  const args = [BIN, "mcp", "wrap", "--server", "lines", "--user", "ana", "--", ...command];
  const env = { ...process.env, DAYBOOK_HOME: home };
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  t.after(() => child.kill("SIGKILL"));
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const messages = () =>
    out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { id?: unknown });
  return {
    child,
    home,
    say: (message: unknown) =>
      child.stdin.write(typeof message === "string" ? message : `${JSON.stringify(message)}\n`),
    /** The answer to the request `id`. */
    async heard(id: unknown) {
      await until(() => messages().some((message) => message.id === id), START_MS);
      return messages().find((message) => message.id === id);
    },
    /** So many lines. */
    heardLines: (count: number) => until(() => out.split("\n").length > count, START_MS),
    out: () => out,
    err: () => err,
    /** Tools that the server was called for. */
    called: () => [...err.matchAll(/^called (.*)$/gm)].map(([, name]) => name),
    async end() {
      child.stdin.end();
      const [code, signal] = await exited;
      return { code, signal };
    },
    exited: async () => {
      const [code, signal] = await exited;
      return { code, signal };
    },
    /** What is in the store of the folder, oldest first. */
    async events(): Promise<readonly AuditEvent[]> {
      const reader = await openReader(`sqlite:${join(home, "events.db")}`);
      try {
        const { events } = await reader.query({ where: { kind: ["mcp"] }, limit: 1000 });
        return events.toReversed();
      } finally {
        await reader.close();
      }
    },
  };
}
