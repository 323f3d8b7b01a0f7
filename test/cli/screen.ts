// Runs a command in this process, with streams that keep what is written.
import { PassThrough } from "node:stream";
import type { CommanderError } from "commander";
import { type LogParts, logCommand } from "../../src/cli/log.ts";
import { START } from "../read/trail.ts";

export interface Shown {
  readonly out: string;
  readonly err: string;
}

export interface Terminal {
  readonly columns: number;
}

/** `daybook log` with `args`; `terminal` null is a pipe. */
export async function runLog(
  args: readonly string[],
  given: Partial<LogParts> = {},
  terminal: Terminal | null = null,
): Promise<Shown> {
  const written = { out: "", err: "" };
  const stream = (name: "out" | "err") =>
    new PassThrough({ encoding: "utf8" }).on("data", (text: string) => {
      written[name] += text;
    });
  const out = Object.assign(stream("out"), terminal === null ? {} : { isTTY: true, ...terminal });
  const command = logCommand({
    env: {},
    cwd: "/",
    homedir: "/nowhere",
    out,
    err: stream("err"),
    now: () => START + 60_000,
    lag: async () => null,
    ...given,
  });
  command.configureOutput({ writeErr: () => {} });
  command.exitOverride((error: CommanderError) => {
    throw error;
  });
  await command.parseAsync([...args], { from: "user" });
  return written;
}
