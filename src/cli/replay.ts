// `daybook replay FILE`: recorded traffic once more, through a running gateway (simulator/replay.ts).
import { readFile } from "node:fs/promises";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import { type ReplayOptions, type ReplayTally, replay } from "../simulator/replay.ts";
import { parseReplayRows, type ReplayRow, ReplayRowError } from "../simulator/replay-rows.ts";

/** Between progress lines where there is no terminal to draw a bar on. */
const LINE_EVERY_MS = 5_000;

interface Flags {
  readonly url: string;
  readonly key?: string;
  readonly model: string;
  /** null is max. */
  readonly speed?: number | null;
  readonly concurrency: number;
  readonly limit?: number;
  readonly stream?: boolean;
}

/** The verb `replay`. Exit code 1 when a request failed or the file was refused, 130 when interrupted. */
export function replayCommand(env: { readonly apiKey: string | undefined }): Command {
  return new Command("replay")
    .description(
      "Send recorded traffic (CSV: TIMESTAMP,ContextTokens,GeneratedTokens) through a running gateway.",
    )
    .argument("<file>", "the CSV file")
    .option("--url <url>", "the gateway", parseUrl, "http://127.0.0.1:4141")
    .option("--key <key>", "API key (default: DAYBOOK_API_KEY)")
    .option("--model <name>", "model to ask for", "demo")
    .option("--speed <n|max>", "times as fast as recorded, or as fast as it goes (default: max)", parseSpeed)
    .option("--concurrency <n>", "requests at once", parseCount, 64)
    .option("--limit <n>", "only the first n rows", parseCount)
    .option("--stream", "all rows as streams (default: every second row)")
    .option("--no-stream", "no row as a stream")
    .action(async (file: string, flags: Flags, command: Command) => {
      const rows = (await readRows(file, command)).slice(0, flags.limit);
      const interrupt = new AbortController();
      const onInterrupt = () => interrupt.abort();
      process.once("SIGINT", onInterrupt);
      const progress = showProgress(rows.length);
      const tally = await replay({
        rows,
        url: flags.url,
        apiKey: flags.key ?? env.apiKey,
        model: flags.model,
        speed: flags.speed ?? null,
        concurrency: flags.concurrency,
        streams: streamsOf(flags.stream),
        onAnswer: progress.update,
        signal: interrupt.signal,
      });
      progress.stop();
      process.off("SIGINT", onInterrupt);
      command.configureOutput().writeOut?.(summary(tally));
      if (interrupt.signal.aborted) process.exitCode = 130;
      else if (tally.failed > 0) process.exitCode = 1;
    });
}

async function readRows(file: string, command: Command): Promise<ReplayRow[]> {
  try {
    return parseReplayRows(await readFile(file, "utf8"));
  } catch (error) {
    if (error instanceof ReplayRowError)
      command.error(`Cannot replay ${file}: ${error.message} Nothing was sent.`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const reason = code === "ENOENT" ? "there is no such file" : code;
    return command.error(`Cannot read ${file}: ${reason}.`);
  }
}

/** A bar on a terminal, else a line every few seconds; both on stderr, so that stdout is the result alone. */
function showProgress(total: number): { update: (tally: ReplayTally) => void; stop: () => void } {
  if (process.stderr.isTTY) {
    const bar = new SingleBar({
      format: "{bar} {value}/{total} requests, {failed} failed, {eta_formatted} left",
    });
    bar.start(total, 0, { failed: 0 });
    return {
      update: (tally) => bar.update(tally.requests, { failed: tally.failed }),
      stop: () => bar.stop(),
    };
  }
  let last: Pick<ReplayTally, "requests" | "failed"> = { requests: 0, failed: 0 };
  const timer = setInterval(() => {
    process.stderr.write(
      `${count(last.requests)} of ${count(total)} requests, ${count(last.failed)} failed\n`,
    );
  }, LINE_EVERY_MS);
  return {
    update: (tally) => {
      last = tally;
    },
    stop: () => clearInterval(timer),
  };
}

function summary(tally: ReplayTally): string {
  const seconds = tally.elapsedMs / 1000;
  const rate = seconds > 0 ? Math.round((10 * tally.requests) / seconds) / 10 : 0;
  const failures = [...tally.failures].map(([name, times]) => `${count(times)} × ${name}`).join(", ");
  return [
    `requests           ${count(tally.requests)}`,
    `failed             ${count(tally.failed)}${failures === "" ? "" : ` (${failures})`}`,
    `prompt tokens      ${count(tally.promptTokens)}`,
    `completion tokens  ${count(tally.completionTokens)}`,
    `rate               ${count(rate)} requests/s for ${seconds.toFixed(1)} s`,
    "",
  ].join("\n");
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function streamsOf(stream: boolean | undefined): ReplayOptions["streams"] {
  if (stream === undefined) return "alternate";
  return stream ? "all" : "none";
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return text;
  throw new InvalidArgumentError("Give an http or https address, such as http://127.0.0.1:4141.");
}

function parseSpeed(text: string): number | null {
  if (text === "max") return null;
  const speed = Number(text);
  if (speed > 0 && speed < Infinity) return speed;
  throw new InvalidArgumentError("Give a number above 0, or max.");
}

function parseCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 1_000_000_000) return value;
  throw new InvalidArgumentError("Give a whole number from 1 on.");
}
