// Streams that keep what a command writes.
import { PassThrough } from "node:stream";
import type { Command } from "commander";

export interface Written {
  out: string;
  err: string;
  /** What the command set; undefined is 0. */
  code: typeof process.exitCode;
}

/** Runs the command that `make` gives over two streams; `isTTY` makes both terminals. */
export async function runCommand(
  make: (screens: { out: PassThrough; err: PassThrough }) => Command,
  args: readonly string[],
  isTTY = false,
): Promise<Written> {
  const written: Written = { out: "", err: "", code: undefined };
  const screen = (name: "out" | "err") => {
    const stream = new PassThrough({ encoding: "utf8" }).on("data", (text: string) => {
      written[name] += text;
    });
    return isTTY ? Object.assign(stream, { isTTY }) : stream;
  };
  const command = make({ out: screen("out"), err: screen("err") });
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await command.parseAsync([...args], { from: "user" });
  } finally {
    written.code = process.exitCode;
    process.exitCode = before;
  }
  return written;
}
