// Sends recorded traffic again, as chat requests of the recorded sizes through a gateway whose `demo` model is
// the simulated provider, and adds up what the answers report. Only sizes were recorded, so prompts are filler.
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type Dispatcher, Pool } from "undici";
import type { ReplayRow } from "./replay-rows.ts";

export interface ReplayOptions {
  readonly rows: readonly ReplayRow[];
  /** The gateway, with or without `/v1`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly model: string;
  /** 2 sends twice as fast as it was recorded; null as fast as it goes. */
  readonly speed: number | null;
  /** Requests at once; a row whose time has come waits for a free one. */
  readonly concurrency: number;
  /** Which rows ask for a stream; `alternate` is every second one. */
  readonly streams: "all" | "none" | "alternate";
  /** Called after each answer with the sums so far, the same object each time. */
  readonly onAnswer?: (tally: ReplayTally) => void;
  /** Ends the replay early: nothing more is sent, and what is under way is cut and counts as failed. */
  readonly signal?: AbortSignal;
}

export interface ReplayTally {
  /** Answers and failures so far. */
  requests: number;
  failed: number;
  /** By status (`429`), network error (`ECONNRESET`), or what was wrong with a 200 (`incomplete`, `no usage`). */
  readonly failures: Map<string, number>;
  /** Sums of what the answers reported. */
  promptTokens: number;
  completionTokens: number;
  elapsedMs: number;
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

const BYTES_PER_TOKEN = 4;
/** Enough for a stream's last events: usage of the largest kind is under 600 bytes. */
const TAIL_LENGTH = 8_192;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A request that did not end in a whole answer with usage; the message is the name it is counted by. */
class Failure extends Error {}

/** Sends every row once, in order; ends when all are answered. Failures are counted, never thrown. */
export async function replay(options: ReplayOptions): Promise<ReplayTally> {
  const { rows, concurrency, speed, onAnswer, signal } = options;
  const tally: ReplayTally = {
    requests: 0,
    failed: 0,
    failures: new Map(),
    promptTokens: 0,
    completionTokens: 0,
    elapsedMs: 0,
  };
  const { origin, pathname } = new URL(options.url);
  const pool = new Pool(origin, { connections: concurrency });
  // A signal of our own: each request under way listens to it, and the caller's need not expect so many.
  const stop = AbortSignal.any(signal ? [signal] : []);
  setMaxListeners(0, stop);
  const path = `${pathname.replace(/(?:\/v1)?\/*$/, "")}/v1/chat/completions`;
  const send = createSender(options, pool, path, stop);
  const start = performance.now();
  const firstMs = rows[0]?.timestamp ?? 0;
  const left = rows.entries();

  // All workers take from the same iterator, so that rows start in order.
  const work = async () => {
    for (const [index, row] of left) {
      if (speed !== null) await until(start + (row.timestamp - firstMs) / speed, stop);
      if (stop.aborted) return;
      try {
        const usage = await send(row, index);
        tally.promptTokens += usage.prompt_tokens;
        tally.completionTokens += usage.completion_tokens;
      } catch (error) {
        const name = failureName(error);
        tally.failed++;
        tally.failures.set(name, (tally.failures.get(name) ?? 0) + 1);
      }
      tally.requests++;
      tally.elapsedMs = performance.now() - start;
      onAnswer?.(tally);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, rows.length) }, work));
  await pool.close();
  return tally;
}

/** Ends at `time` of the monotonic clock, or as soon as `stop` is aborted. */
async function until(time: number, stop: AbortSignal): Promise<void> {
  for (
    let waitMs = time - performance.now();
    waitMs > 0 && !stop.aborted;
    waitMs = time - performance.now()
  ) {
    await sleep(Math.min(waitMs, MAX_TIMER_MS), undefined, { signal: stop }).catch(() => {});
  }
}

type Send = (row: ReplayRow, index: number) => Promise<Usage>;

/** Everything that is the same for all rows is made here, once. */
function createSender(options: ReplayOptions, pool: Pool, path: string, signal: AbortSignal): Send {
  const { rows, apiKey, model, streams } = options;
  const longest = rows.reduce((most, row) => Math.max(most, row.contextTokens), 0);
  const filler = Buffer.alloc(longest * BYTES_PER_TOKEN, "and so on, ");
  const opening = Buffer.from(`{"model":${JSON.stringify(model)},"messages":[{"role":"user","content":"`);
  const asStream = '"stream":true,"stream_options":{"include_usage":true},';
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;

  return async ({ contextTokens, generatedTokens }, index) => {
    const streaming = streams === "all" || (streams === "alternate" && index % 2 === 1);
    const sizes = `"prompt_tokens":${contextTokens},"completion_tokens":${generatedTokens}`;
    const body = Buffer.concat([
      opening,
      filler.subarray(0, contextTokens * BYTES_PER_TOKEN),
      Buffer.from(`"}],${streaming ? asStream : ""}"simulate":{${sizes}}}`),
    ]);
    const answer = await pool.request({ path, method: "POST", headers, body, signal });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Failure(String(answer.statusCode));
    }
    return usageOf(streaming ? await lastEvent(answer.body) : await answer.body.json());
  };
}

/** The last event before `[DONE]`, which is where a stream's usage is. */
async function lastEvent(body: Dispatcher.ResponseData["body"]): Promise<unknown> {
  let tail = "";
  for await (const chunk of body as AsyncIterable<Buffer>)
    tail = (tail + chunk.toString("latin1")).slice(-TAIL_LENGTH);
  const end = tail.lastIndexOf("data: [DONE]");
  if (end < 0) throw new Failure("incomplete");
  const start = tail.lastIndexOf("data: ", end - 1);
  return JSON.parse(tail.slice(start + "data: ".length, end));
}

function usageOf(answer: unknown): Usage {
  const usage = (answer as { usage?: Partial<Usage> | null } | null)?.usage;
  const { prompt_tokens, completion_tokens } = usage ?? {};
  if (!Number.isSafeInteger(prompt_tokens) || !Number.isSafeInteger(completion_tokens))
    throw new Failure("no usage");
  return usage as Usage;
}

/** Never a message: an error of the JSON parser quotes what it read. */
function failureName(error: unknown): string {
  if (error instanceof Failure) return error.message;
  if (error instanceof SyntaxError) return "incomplete";
  if (!(error instanceof Error)) return "unknown";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : error.name;
}
