// The live feed for clients: frames of one connection after the other, so that whoever iterates sees every event once,
// whatever happens to the connections between. How far it is, is known from what came, not from what was asked.
//
//   connecting ──position──► open ──position, live──► live
//        ▲                     └──── connection lost ───┤
//        └── waits (250 ms to 5 s) ◄────────────────────┘
import { EventSourceParserStream } from "eventsource-parser/stream";
import { FEED_ENDS, type FeedFrame, type FeedGap, parsePosition, writePosition } from "../event/feed.ts";
import type { EventJson } from "../event/json.ts";
import { type Ask, ClientError } from "./ask.ts";

export interface LiveOptions {
  /** Events recorded before, which come first; 100 unless said, none where `after` is given. */
  readonly recent?: number;
  /** Where to go on from: a position that another feed told. */
  readonly after?: string;
  /** How long it waits before it tries again, at first: 250 ms unless said, then longer, up to 5 s. */
  readonly retryMs?: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

/** What a feed yields. */
export type LiveItem =
  /** Recorded one after the other; of those before the feed began, the oldest first. */
  | { readonly type: "events"; readonly events: readonly EventJson[]; readonly position: string }
  /** Events that nobody can be shown any more. */
  | { readonly type: "gap"; readonly gap: FeedGap }
  /** `live`: everything recorded until now was yielded. `offline`: another connection is tried in `retryInMs`. */
  | { readonly type: "live" }
  | { readonly type: "offline"; readonly error: ClientError; readonly retryInMs: number };

/** Opens one connection: its frames, until it ends. Rejects with a ClientError. */
export type Connect = (parameters: URLSearchParams, signal: AbortSignal) => AsyncIterable<FeedFrame>;

const RECENT = 100;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 5000;
/** Daybook speaks at least every 30 s: what is silent for longer is no connection any more. */
const SILENCE_MS = 75_000;
/** Answers that will be the same next time. */
const FINAL = new Set([400, 401, 403, 404, 405]);

/** Never ends by itself, but where Daybook refuses for good: then it rejects with the ClientError. */
export async function* live(
  connect: Connect,
  filter: URLSearchParams,
  { recent, after, retryMs = RETRY_MIN_MS, signal = new AbortController().signal }: LiveOptions,
): AsyncGenerator<LiveItem, void> {
  const progress = new Progress(after ?? null, recent);
  let wait = retryMs;
  while (!signal.aborted) {
    let error = new ClientError("The connection was closed.", { code: "unreachable" });
    const silence = new Silence(signal);
    try {
      for await (const frame of connect(progress.onto(filter), silence.signal)) {
        silence.broken();
        if (frame.type === "error") {
          error = new ClientError(frame.message, { code: frame.code });
          if (FEED_ENDS[frame.code]?.again === false) throw error;
          break;
        }
        wait = retryMs;
        const item = progress.take(frame);
        if (item !== null) yield item;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      if (thrown instanceof ClientError) error = thrown;
      else error = new ClientError("The connection was lost.", { code: "unreachable", cause: thrown });
      const isOver = Object.hasOwn(FEED_ENDS, error.code) && error.status === 0;
      if (FINAL.has(error.status) || (isOver && !FEED_ENDS[error.code as keyof typeof FEED_ENDS].again))
        throw error;
    } finally {
      silence.end();
    }
    if (signal.aborted) return;
    const retryInMs = Math.round(error.retryAfterMs ?? wait * (0.5 + Math.random() / 2));
    yield { type: "offline", error, retryInMs };
    await sleep(retryInMs, signal);
    wait = Math.min(wait * 2, RETRY_MAX_MS);
  }
}

/** How far the feed is, over all its connections. */
class Progress {
  readonly #recent: number;
  #at: Record<string, number> | null;
  /** Events from before the feed began, while it may still have to begin again; null: all of them are here. */
  #seen: Set<string> | null;

  constructor(after: string | null, recent: number | undefined) {
    this.#recent = recent ?? (after === null ? RECENT : 0);
    this.#seen = this.#recent === 0 ? null : new Set();
    this.#at = after === null ? null : { ...parsePosition(after) };
  }

  /** The parameters of the next connection. */
  onto(filter: URLSearchParams): URLSearchParams {
    const parameters = new URLSearchParams(filter);
    parameters.set("batch", "true");
    if (this.#at !== null) parameters.set("after", writePosition(this.#at));
    // What came before the feed began is asked for until all of it is here.
    parameters.set("recent", String(this.#seen === null ? 0 : this.#recent));
    return parameters;
  }

  take(frame: FeedFrame): LiveItem | null {
    switch (frame.type) {
      case "position":
        this.#reach(parsePosition(frame.position) ?? {});
        if (!frame.live) return null;
        this.#seen = null;
        return { type: "live" };
      case "ping":
        this.#reach(parsePosition(frame.position) ?? {});
        return null;
      case "log":
        return this.#events([frame.data]);
      case "logs":
        return this.#events(frame.data);
      case "gap":
        this.#reach({ [frame.data.node_id]: frame.data.to_seq });
        return { type: "gap", gap: frame.data };
      default:
        // Of a newer Daybook.
        return null;
    }
  }

  #events(given: readonly EventJson[]): LiveItem | null {
    const events = given.filter(({ event_id: id }) => !this.#seen?.has(id));
    for (const { event_id: id, node_id: nodeId, seq } of events) {
      // What was there before the feed began comes first: with the first event that was not, all of it is here.
      if (seq > (this.#at?.[nodeId] ?? 0)) this.#seen = null;
      this.#seen?.add(id);
      this.#reach({ [nodeId]: seq });
    }
    if (events.length === 0) return null;
    return { type: "events", events, position: writePosition(this.#at ?? {}) };
  }

  #reach(position: Readonly<Record<string, number>>): void {
    this.#at ??= {};
    for (const [nodeId, seq] of Object.entries(position))
      this.#at[nodeId] = Math.max(this.#at[nodeId] ?? 0, seq);
  }
}

/** Gives a connection up when nothing was heard of it for long. */
class Silence {
  readonly #late = new AbortController();
  readonly signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#late.signal]);
    this.broken();
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#late.abort(), SILENCE_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#late.abort();
  }
}

/** Frames over SSE, read by fetch: it sends the token, and works wherever fetch does. */
export function overSse(ask: Ask, path: string): Connect {
  return async function* (parameters, signal) {
    const headers = { accept: "text/event-stream" };
    const response = await ask(path, { query: parameters, headers, signal });
    if (response.body === null) return;
    const messages = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    const reader = messages.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield JSON.parse(value.data) as FeedFrame;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
