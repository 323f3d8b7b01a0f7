// The live feed: one reading of the store, by a thread of its own, for all who listen. Each reader gets what it may see
// once, in the order in which it came into the store: from before (backfill), up to the others (cut over), and with them
// (follow). Nothing is missed or doubled between the three, because all are told by positions.
//
//   begun ──parts as it asks──► level ──parts as they come──► ended
//     └───────────────────────────┴── too slow, the holder's end, shutdown, the thread's end ──┘
import { Worker } from "node:worker_threads";
import { DaybookError, type DaybookErrorCode, ERRORS } from "../event/errors.ts";
import type { FeedEnd, FeedGap, FeedPosition } from "../event/feed.ts";
import { EventBatch } from "./event-batch.ts";
import type { EventTexts, FeedPart, FeedView, FromFeed, ToFeed } from "./feed-messages.ts";
import type { FeedWorkerData } from "./feed-worker.ts";

export type { FeedView };

/** What a reader is given, in turn. */
export type FeedItem =
  /** `live`: everything up to here was given. */
  | { readonly is: "position"; readonly at: FeedPosition; readonly live: boolean }
  | { readonly is: "events"; readonly events: EventBatch; readonly at: FeedPosition }
  | { readonly is: "gaps"; readonly gaps: readonly FeedGap[]; readonly at: FeedPosition }
  /** The last; another reader can go on from `at`. */
  | { readonly is: "end"; readonly why: FeedEnd; readonly at: FeedPosition };

export interface FeedOptions {
  readonly address: string;
  readonly pollMs?: number;
  /** Events that wait for a reader; one that is behind by more is ended. */
  readonly maxWaiting?: number;
  /** What the thread runs; tests put something else here. */
  readonly workerUrl?: URL;
}

const POLL_MS = 1000;
/** Ten seconds at a thousand events a second; all readers of one view share them. */
const MAX_WAITING = 10_000;

export class Feed {
  readonly #options: FeedOptions;
  readonly #readers = new Map<number, FeedReader>();
  #worker: Worker | null = null;
  #lastId = 0;
  #closing: Promise<void> | null = null;
  #isEnding = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** How many read. */
  get size(): number {
    return this.#readers.size;
  }

  /**
   * A reader of `view`: first the `recent` newest events before `after` (null: now), then all that came since, then those
   * that come. Rejects with `store_unusable` or `worker_failed`. To be ended, also by leaving its `items`.
   */
  async subscribe(
    view: FeedView,
    { after = null, recent = 0 }: { readonly after?: FeedPosition | null; readonly recent?: number } = {},
  ): Promise<FeedReader> {
    if (this.#isEnding) throw new DaybookError("overloaded", "stopping");
    const id = ++this.#lastId;
    const viewKey = JSON.stringify(view);
    const reader = new FeedReader({
      viewKey,
      maxWaiting: this.#options.maxWaiting ?? MAX_WAITING,
      more: () => this.#say({ is: "more", id }),
      left: () => {
        if (this.#readers.delete(id)) this.#say({ is: "end", id });
      },
    });
    this.#readers.set(id, reader);
    this.#say({ is: "begin", id, viewKey, view, after, recent });
    await reader.begun;
    return reader;
  }

  /** Events may have come into the store. */
  wake(): void {
    if (this.#readers.size > 0) this.#say({ is: "wake" });
  }

  /** Ends all readers, and takes no others; resolves when all have left. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const readers = [...this.#readers.values()];
    for (const reader of readers) reader.end("shutting_down");
    await Promise.all(readers.map(({ gone }) => gone));
  }

  /** Idempotent. */
  close(): Promise<void> {
    void this.end();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    const gone = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    this.#say({ is: "close" });
    await gone;
  }

  #say(message: ToFeed): void {
    if (this.#worker === null && message.is !== "begin") return;
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const { address, pollMs = POLL_MS, workerUrl } = this.#options;
    const name = import.meta.url.endsWith(".ts") ? "./feed-worker.ts" : "./feed-worker.js";
    const worker = new Worker(workerUrl ?? new URL(name, import.meta.url), {
      workerData: { address, pollMs } satisfies FeedWorkerData,
      name: "daybook-feed",
    });
    worker.on("message", (message: FromFeed) => this.#receive(message));
    // Its readers are told by `exit`, and the next one starts another.
    worker.on("error", () => {});
    worker.on("exit", () => {
      this.#worker = null;
      for (const reader of [...this.#readers.values()]) reader.fail("worker_failed");
    });
    return worker;
  }

  #receive(message: FromFeed): void {
    if (message.is === "live") this.#tell(message);
    else if (message.id !== null) this.#answer(message, this.#readers.get(message.id));
  }

  #answer(message: Exclude<FromFeed, { is: "live" }>, reader: FeedReader | undefined): void {
    if (message.is === "begun") reader?.begin(message.at, message.recent);
    else if (message.is === "failed") reader?.fail(message.code);
    else reader?.take(message.part, batchOf(message.part.events, message.part.from), message.live);
  }

  #tell({ views, ...part }: FromFeed & { is: "live" }): void {
    const batches = new Map(views.map(({ viewKey, events }) => [viewKey, batchOf(events, part.from)]));
    for (const reader of [...this.#readers.values()])
      if (reader.isLive) reader.take(part, batches.get(reader.viewKey) ?? null, true);
  }
}

function batchOf(events: EventTexts | null, from: FeedPosition): EventBatch | null {
  return events === null ? null : new EventBatch(events, from);
}

interface ReaderParts {
  readonly viewKey: string;
  readonly maxWaiting: number;
  readonly more: () => void;
  readonly left: () => void;
}

/** One who reads. */
export class FeedReader {
  readonly viewKey: string;
  readonly begun: Promise<void>;
  /** Resolves when whoever reads has left. */
  readonly gone: Promise<void>;
  readonly #parts: ReaderParts;
  readonly #gone = Promise.withResolvers<void>();
  readonly #begun = Promise.withResolvers<void>();
  #waiting: FeedItem[] = [];
  #events = 0;
  /** What was given, and what came after it without anything to be seen. */
  #given: FeedPosition = {};
  #reached: FeedPosition = {};
  #isLive = false;
  #isOver = false;
  /** An item was given, and is being dealt with. */
  #isGiving = false;
  #came: (() => void) | null = null;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.viewKey = parts.viewKey;
    this.begun = this.#begun.promise;
    this.gone = this.#gone.promise;
  }

  /** Whether it goes with the others. */
  get isLive(): boolean {
    return this.#isLive;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Up to here everything was given. */
  get position(): FeedPosition {
    return this.#waiting.length === 0 && !this.#isGiving ? this.#reached : this.#given;
  }

  /** To be iterated once; leaving the iteration ends the reader. */
  async *items(): AsyncGenerator<FeedItem, void> {
    try {
      for (;;) {
        const item = this.#waiting.shift();
        if (item !== undefined) {
          if (item.is === "events") this.#events -= item.events.count;
          this.#isGiving = true;
          yield item;
          this.#isGiving = false;
          this.#given = item.at;
          if (item.is === "end") return;
        } else if (this.#isOver) return;
        else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#came = resolve;
          // Until it is level it is given what it asks for.
          if (!this.#isLive) this.#parts.more();
          await promise;
        }
      }
    } finally {
      this.leave();
    }
  }

  /** Nobody reads any more. */
  leave(): void {
    this.#isOver = true;
    this.#waiting = [];
    this.#wake();
    this.#parts.left();
    this.#gone.resolve();
  }

  /** Ends it: of what waits nothing more is given. */
  end(why: FeedEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const at = this.position;
    this.#waiting = [];
    this.#put({ is: "end", why, at });
    this.#parts.left();
  }

  /** For the feed: where it begins, and what is shown from before. */
  begin(at: FeedPosition, recent: EventTexts | null): void {
    this.#given = at;
    this.#reached = at;
    this.#put({ is: "position", at, live: false });
    if (recent !== null) this.#put({ is: "events", events: new EventBatch(recent, null), at });
    this.#begun.resolve();
  }

  /** For the feed: what comes next. */
  take(
    { from, at, gaps }: Pick<FeedPart, "from" | "at" | "gaps">,
    events: EventBatch | null,
    live: boolean,
  ): void {
    if (this.#isOver) return;
    // What it asked for it can take.
    if (this.#isLive && this.#events + (events?.count ?? 0) > this.#parts.maxWaiting) {
      this.end("slow_reader");
      return;
    }
    this.#reached = at;
    if (gaps.length > 0) this.#put({ is: "gaps", gaps, at: events === null ? at : from });
    if (events !== null) this.#put({ is: "events", events, at });
    if (live && !this.#isLive) this.#put({ is: "position", at, live });
    this.#isLive ||= live;
    this.#wake();
  }

  /** For the feed: the store could not be read for it. */
  fail(code: string): void {
    const known = Object.hasOwn(ERRORS, code) ? (code as DaybookErrorCode) : "worker_failed";
    this.#begun.reject(new DaybookError(known, "the live feed"));
    this.end("internal_error");
  }

  #put(item: FeedItem): void {
    if (item.is === "events") this.#events += item.events.count;
    this.#waiting.push(item);
    this.#wake();
  }

  #wake(): void {
    this.#came?.();
    this.#came = null;
  }
}
