// A thread that reads parts of a store, with a connection of its own (part-worker.ts).
import { Worker } from "node:worker_threads";
import { DaybookError } from "../event/errors.ts";
import type { TimeRange } from "./found-event.ts";
import type { FoundPart, Rows } from "./found-part.ts";
import { type Failed, SMALL_HEAP, thrownOf } from "./small-thread.ts";

export interface PartWorkerData {
  readonly store: string;
  readonly range: TimeRange;
}

export type FromPartWorker = { readonly is: "part"; readonly part: FoundPart } | Failed;

type Answer = PromiseWithResolvers<FoundPart>;

export class PartReader {
  readonly #worker: Worker;
  /** In the order of asking, which is that of answering. */
  readonly #answers: Answer[] = [];
  #ended: Error | null = null;

  /** `store` is an address. */
  constructor(store: string, range: TimeRange) {
    const workerData: PartWorkerData = { store, range };
    const name = import.meta.url.endsWith(".ts") ? "./part-worker.ts" : "./part-worker.js";
    this.#worker = new Worker(new URL(name, import.meta.url), {
      workerData,
      name: "verify-part",
      resourceLimits: SMALL_HEAP,
    });
    this.#worker.on("message", (message: FromPartWorker) => {
      const answer = this.#answers.shift();
      if (message.is === "part") answer?.resolve(message.part);
      else answer?.reject(thrownOf(message));
    });
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new DaybookError("worker_failed", "verifying ended")));
  }

  /** Parts that are being read. */
  get asked(): number {
    return this.#answers.length;
  }

  /** Rejects as opening and reading the store does. */
  read(rows: Rows): Promise<FoundPart> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const answer = Promise.withResolvers<FoundPart>();
    this.#answers.push(answer);
    this.#worker.postMessage(rows);
    return answer.promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#answers.splice(0)) reject(this.#ended);
  }
}
