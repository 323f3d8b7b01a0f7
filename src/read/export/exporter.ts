// Exports as streams of bytes, each made by a thread of its own at the pace of whoever takes them: no cap on events, the
// same memory whatever their number, and nothing that a request waits for. A few at a time.
import { Worker } from "node:worker_threads";
import { DaybookError, nativeCode } from "../../event/errors.ts";
import type { ExportOrder, ExportPoint, ExportSummary, FromWorker } from "./export-worker.ts";

export type { ExportOrder, ExportPoint, ExportSummary };

export interface ExportChunk {
  readonly bytes: Uint8Array;
  /** Where to go on when this is the last that was kept. */
  readonly point: ExportPoint;
}

/** An export that has begun; to be iterated to its end, or left, which ends its thread. */
export interface RunningExport extends AsyncIterable<ExportChunk> {
  /** Of what was made; only after the last chunk. */
  readonly summary: ExportSummary | null;
}

/** Each reads the store and compresses: more would only take from one another, and from what answers requests. */
const MAX_RUNNING = 4;
/** Chunks that are made ahead of whoever takes them. */
const AHEAD = 2;

export class Exporter {
  readonly #address: string;
  readonly #running = new Set<Worker>();

  constructor(address: string) {
    this.#address = address;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Throws `overloaded` when too many run. Iterating fails as the store does, with a DaybookError. */
  start(order: ExportOrder): RunningExport {
    if (this.#running.size >= MAX_RUNNING) throw new DaybookError("overloaded", "with other exports");
    const name = import.meta.url.endsWith(".ts") ? "./export-worker.ts" : "./export-worker.js";
    const workerData = { address: this.#address, order };
    const worker = new Worker(new URL(name, import.meta.url), { workerData, name: "daybook-export" });
    this.#running.add(worker);
    worker.once("exit", () => this.#running.delete(worker));
    return new WorkerExport(worker);
  }

  /** Ends what runs: whoever iterates fails. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.terminate()));
  }
}

class WorkerExport implements RunningExport {
  summary: ExportSummary | null = null;
  readonly #worker: Worker;
  readonly #arrived: ExportChunk[] = [];
  #failure: DaybookError | null = null;
  #wake = Promise.withResolvers<void>();

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (message: FromWorker) => {
      if (message.what === "chunk") this.#arrived.push(message);
      else if (message.what === "end") this.summary = message.summary;
      else this.#failure = new DaybookError(message.code, message.detail);
      this.#wake.resolve();
    });
    worker.on("error", (error) => this.#fail(`the export (${nativeCode(error)})`));
    worker.on("exit", () => {
      if (this.summary === null) this.#fail("the export");
    });
    for (let chunk = 0; chunk < AHEAD; chunk++) worker.postMessage(null);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ExportChunk> {
    try {
      for (;;) {
        const chunk = this.#arrived.shift();
        if (chunk !== undefined) {
          this.#worker.postMessage(null);
          if (chunk.bytes.length > 0) yield chunk;
        } else if (this.#failure !== null) {
          throw this.#failure;
        } else if (this.summary !== null) {
          return;
        } else {
          await this.#wake.promise;
          this.#wake = Promise.withResolvers();
        }
      }
    } finally {
      await this.#worker.terminate();
    }
  }

  #fail(who: string): void {
    this.#failure ??= new DaybookError("worker_failed", who);
    this.#wake.resolve();
  }
}
