// The trail's read side: the store's read calls, answered by threads of their own, so that no query ever delays a
// request, nor a long one a short one: there is a thread for each. States of a thread: open (a worker runs, or the next
// call starts one) and closed. A worker that dies rejects its calls and is replaced on the next one.
import { Worker } from "node:worker_threads";
import { DaybookError, nativeCode } from "../event/errors.ts";
import type { FieldName } from "../event/fields.ts";
import type { EventQuery } from "../query/filter.ts";
import type { Store } from "../stores/store.ts";
import type { Answer, Call, CallName, PageText } from "./reader-worker.ts";

/** The read calls of a store, as stores/store.ts defines them, and pages as text. Every rejection is a DaybookError. */
export interface Reader extends Pick<Store, CallName | "close"> {
  /** `hidden` fields are shown as null. */
  page(query: EventQuery, hidden: readonly FieldName[]): Promise<PageText>;
}

interface ReaderOptions {
  /** What the thread runs; tests put something else here. */
  readonly workerUrl?: URL;
  /** The thread starts with the first call, not before. */
  readonly lazy?: boolean;
}

/**
 * Reads the store at `address`. The store is opened at the first call, and again at the next while that fails:
 * calls reject with `store_unusable` until it is there.
 */
export async function openReader(address: string, options: ReaderOptions = {}): Promise<Reader> {
  const name = import.meta.url.endsWith(".ts") ? "./reader-worker.ts" : "./reader-worker.js";
  const { workerUrl = new URL(name, import.meta.url), lazy = false } = options;
  const quick = new Thread(address, workerUrl, lazy);
  const long = new Thread(address, workerUrl, true);
  return {
    query: (query) => quick.call("query", query),
    page: (query, hidden) => quick.call("page", query, hidden),
    get: (eventId) => quick.call("get", eventId),
    charges: () => quick.call("charges"),
    tile: (nodeId, level, index) => quick.call("tile", nodeId, level, index),
    leafSource: (eventId) => quick.call("leafSource", eventId),
    positions: () => quick.call("positions"),
    seals: () => quick.call("seals"),
    health: () => quick.call("health"),
    stats: (filter) => long.call("stats", filter),
    histogram: (filter, bucketMs) => long.call("histogram", filter, bucketMs),
    facets: (filter, fields, limit) => long.call("facets", filter, fields, limit),
    groups: (filter, groupings, limit) => long.call("groups", filter, groupings, limit),
    activity: (question) => long.call("activity", question),
    usage: (question) => quick.call("usage", question),
    planPrune: (rules) => long.call("planPrune", rules),
    traces: (subject) => long.call("traces", subject),
    close: async () => {
      await Promise.all([quick.close(), long.close()]);
    },
  };
}

class Thread {
  readonly #address: string;
  readonly #workerUrl: URL;
  readonly #waiting = new Map<number, PromiseWithResolvers<never>>();
  #worker: Worker | null = null;
  #lastId = 0;
  #closing: Promise<void> | null = null;

  constructor(address: string, workerUrl: URL, lazy: boolean) {
    this.#address = address;
    this.#workerUrl = workerUrl;
    if (!lazy) this.#worker = this.#start();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#waiting.values()].map(({ promise }) => promise));
    const worker = this.#worker;
    if (worker === null) return;
    const gone = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.postMessage({ id: 0, name: "close", arguments: [] } satisfies Call);
    await gone;
  }

  async call<N extends CallName | "page">(name: N, ...given: Parameters<Reader[N]>): Promise<never> {
    if (this.#closing !== null) throw new DaybookError("worker_failed", "the reader is closed");
    this.#worker ??= this.#start();
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<never>();
    this.#worker.postMessage({ id, name, arguments: given } satisfies Call);
    this.#waiting.set(id, waiting);
    return waiting.promise;
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl, { workerData: this.#address, name: "daybook-reader" });
    let who = "the reader";
    worker.on("message", (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.ok) waiting?.resolve(answer.value as never);
      else waiting?.reject(new DaybookError(answer.code, answer.detail));
    });
    worker.on("error", (error) => {
      who = `the reader (${nativeCode(error)})`;
    });
    worker.on("exit", () => {
      this.#worker = null;
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of lost) reject(new DaybookError("worker_failed", who));
    });
    return worker;
  }
}
