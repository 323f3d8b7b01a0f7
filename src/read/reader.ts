// The trail's read side: the store's read calls, answered by threads of their own, so that no query ever delays a
// request, nor a long one a short one: there is a thread for each. Calls wait here, not in the thread, so that those of
// whoever has left are never made. States of a thread: open (a worker runs, or the next call starts one) and closed. A
// worker that dies rejects what it was given and is replaced for the next call.
import { Worker } from "node:worker_threads";
import { DaybookError, nativeCode } from "../event/errors.ts";
import type { FieldName } from "../event/fields.ts";
import type { EventQuery } from "../query/filter.ts";
import type { Store } from "../stores/store.ts";
import type { Answer, Call, CallName, PageText } from "./reader-worker.ts";

/** The read calls of a store, as stores/store.ts defines them, and pages as text. Every rejection is a DaybookError. */
export interface Reads extends Pick<Store, CallName> {
  /** `hidden` fields are shown as null. */
  page(query: EventQuery, hidden: readonly FieldName[]): Promise<PageText>;
}

export interface Reader extends Reads {
  /** For somebody who may leave: calls that have not begun by then are not made, and reject with the reason of `left`. */
  until(left: AbortSignal): Reads;
  close(): Promise<void>;
}

interface ReaderOptions {
  /** What the threads run; tests put something else here. */
  readonly workerUrl?: URL;
  /** The thread starts with the first call, not before. */
  readonly lazy?: boolean;
}

/** Handed to the thread of short calls together: it has the next at hand when one is answered. */
const QUICK_AT_ONCE = 2;

/**
 * Reads the store at `address`. The store is opened at the first call, and again at the next while that fails:
 * calls reject with `store_unusable` until it is there.
 */
export async function openReader(address: string, options: ReaderOptions = {}): Promise<Reader> {
  const name = import.meta.url.endsWith(".ts") ? "./reader-worker.ts" : "./reader-worker.js";
  const { workerUrl = new URL(name, import.meta.url), lazy = false } = options;
  const quick = new Thread({ address, workerUrl, lazy, atOnce: QUICK_AT_ONCE });
  const long = new Thread({ address, workerUrl, lazy: true, atOnce: 1 });
  return {
    ...readsOf(quick, long),
    until: (left) => readsOf(quick, long, left),
    close: async () => {
      await Promise.all([quick.close(), long.close()]);
    },
  };
}

function readsOf(quick: Thread, long: Thread, left?: AbortSignal): Reads {
  const soon = <N extends ReadName>(name: N, ...given: Parameters<Reads[N]>) => quick.call(name, given, left);
  const late = <N extends ReadName>(name: N, ...given: Parameters<Reads[N]>) => long.call(name, given, left);
  return {
    query: (query) => soon("query", query),
    page: (query, hidden) => soon("page", query, hidden),
    get: (eventId) => soon("get", eventId),
    charges: () => soon("charges"),
    tile: (nodeId, level, index) => soon("tile", nodeId, level, index),
    leafSource: (eventId) => soon("leafSource", eventId),
    positions: () => soon("positions"),
    seals: () => soon("seals"),
    health: () => soon("health"),
    usage: (question) => soon("usage", question),
    stats: (filter) => late("stats", filter),
    histogram: (filter, bucketMs) => late("histogram", filter, bucketMs),
    facets: (filter, fields, limit) => late("facets", filter, fields, limit),
    groups: (filter, groupings, limit) => late("groups", filter, groupings, limit),
    activity: (question) => late("activity", question),
    planPrune: (rules) => late("planPrune", rules),
    traces: (subject) => late("traces", subject),
  };
}

type ReadName = CallName | "page";

/** A call that is not answered yet. */
interface Waiting extends PromiseWithResolvers<never> {
  readonly call: Call;
}

interface ThreadOptions {
  readonly address: string;
  readonly workerUrl: URL;
  readonly lazy: boolean;
  /** Calls that the worker is given before it has answered any of them. */
  readonly atOnce: number;
}

class Thread {
  readonly #options: ThreadOptions;
  /** In the order of their calls: what the worker has, and what it is still to get. */
  readonly #given = new Map<number, Waiting>();
  readonly #queue = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #lastId = 0;
  #closing: Promise<void> | null = null;

  constructor(options: ThreadOptions) {
    this.#options = options;
    if (!options.lazy) this.#worker = this.#start();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(
      [...this.#given.values(), ...this.#queue.values()].map(({ promise }) => promise),
    );
    const worker = this.#worker;
    if (worker === null) return;
    const gone = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.postMessage({ id: 0, name: "close", arguments: [] } satisfies Call);
    await gone;
  }

  async call(name: ReadName, given: readonly unknown[], left?: AbortSignal): Promise<never> {
    if (this.#closing !== null) throw new DaybookError("worker_failed", "the reader is closed");
    left?.throwIfAborted();
    const id = ++this.#lastId;
    const waiting = { ...Promise.withResolvers<never>(), call: { id, name, arguments: given } };
    this.#queue.set(id, waiting);
    const leave = () => {
      if (this.#queue.delete(id)) waiting.reject(left?.reason);
    };
    left?.addEventListener("abort", leave, { once: true });
    this.#send();
    try {
      return await waiting.promise;
    } finally {
      left?.removeEventListener("abort", leave);
    }
  }

  #send(): void {
    for (const [id, waiting] of this.#queue) {
      if (this.#given.size >= this.#options.atOnce) return;
      this.#queue.delete(id);
      this.#given.set(id, waiting);
      this.#worker ??= this.#start();
      this.#worker.postMessage(waiting.call);
    }
  }

  #start(): Worker {
    const { workerUrl, address } = this.#options;
    const worker = new Worker(workerUrl, { workerData: address, name: "daybook-reader" });
    let who = "the reader";
    worker.on("message", (answer: Answer) => {
      const waiting = this.#given.get(answer.id);
      this.#given.delete(answer.id);
      if (answer.ok) waiting?.resolve(answer.value as never);
      else waiting?.reject(new DaybookError(answer.code, answer.detail));
      this.#send();
    });
    worker.on("error", (error) => {
      who = `the reader (${nativeCode(error)})`;
    });
    worker.on("exit", () => {
      this.#worker = null;
      const lost = [...this.#given.values()];
      this.#given.clear();
      for (const { reject } of lost) reject(new DaybookError("worker_failed", who));
      this.#send();
    });
    return worker;
  }
}
