// The journal's end of the sealer's thread: hands it the leaves of each commit, knows how far the log is sealed, and
// starts the thread again when it has ended.
//
//   running ──fails──► waiting ──► running, from the last checkpoint
//              └──refuses──► waiting, longer: what is wrong will not mend itself
import { Worker } from "node:worker_threads";
import type { FromSealer, SealWorkerData, ToSealer } from "./seal-worker.ts";

export interface SealStatus {
  /** A signed checkpoint covers the events up to here; their tiles are fsynced. */
  readonly size: number;
  /** Its time, UTC ms; 0: there is none of this process yet. */
  readonly at: number;
  /** Why nothing is sealed just now: a native code, or that of a refusal; null while all is well. */
  readonly trouble: string | null;
}

export interface SealingOptions {
  readonly slotFolder: string;
  readonly nodeId: string;
  /** Where the journal is now. */
  readonly at: () => { readonly lastSeq: number; readonly root: string };
  readonly onStatus: (status: SealStatus) => void;
  /** The log's next key is to be told in the log; `announced` says when it is. */
  readonly onAnnounce: (key: string) => void;
}

const RESTART_MS = 1000;
const REFUSED_MS = 30_000;
/**
 * How long leaves are gathered, and how many: a message wakes the sealer's thread, which costs more than the leaves of a
 * commit.
 */
const GATHER_MS = 100;
const GATHER_LEAVES = 1000;
/** What the last checkpoint may take when the journal is closed. */
const CLOSE_MS = 5000;

export class Sealing {
  readonly #options: SealingOptions;
  #worker: Worker | null = null;
  #status: SealStatus = { size: 0, at: 0, trouble: null };
  #isRefused = false;
  #restart: NodeJS.Timeout | null = null;
  #closed = false;
  /** Leaves of the events from `#firstSeq` on, and the root after them, that the thread has not been handed. */
  #leaves: Buffer[] = [];
  #firstSeq = 0;
  #root = "";
  #gathering: NodeJS.Timeout | null = null;

  constructor(options: SealingOptions) {
    this.#options = options;
    this.#start();
  }

  /** A signed checkpoint covers the events up to here. */
  get sealedSeq(): number {
    return this.#status.size;
  }

  /** Of a commit: they follow those of the one before. */
  add(firstSeq: number, leaves: readonly Buffer[], root: string): void {
    if (this.#leaves.length === 0) this.#firstSeq = firstSeq;
    for (const leaf of leaves) this.#leaves.push(leaf);
    this.#root = root;
    if (this.#leaves.length >= GATHER_LEAVES) this.#handOver();
    else this.#gathering ??= setTimeout(() => this.#handOver(), GATHER_MS);
  }

  #handOver(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#leaves.length === 0) return;
    const leaves = { firstSeq: this.#firstSeq, hashes: Buffer.concat(this.#leaves), root: this.#root };
    this.#leaves = [];
    this.#worker?.postMessage({ is: "leaves", ...leaves } satisfies ToSealer);
  }

  /** The event that names the next key is durable, at `seq` or before. */
  announced(seq: number): void {
    this.#worker?.postMessage({ is: "announced", seq } satisfies ToSealer);
  }

  /** Signs a last checkpoint and ends the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#handOver();
    if (this.#restart !== null) clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.once("exit", () => resolve());
    const giveUp = setTimeout(() => void worker.terminate(), CLOSE_MS);
    worker.postMessage({ is: "close" } satisfies ToSealer);
    await promise;
    clearTimeout(giveUp);
  }

  #start(): void {
    const { slotFolder, nodeId, at } = this.#options;
    const workerData: SealWorkerData = { slotFolder, nodeId, ...at() };
    const file = import.meta.url.endsWith(".ts") ? "./seal-worker.ts" : "./seal-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData,
      name: "sealer",
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 },
    });
    this.#worker = worker;
    this.#isRefused = false;
    worker.on("message", (message: FromSealer) => this.#receive(message));
    worker.on("error", () => this.#say({ ...this.#status, trouble: "sealer_lost" }));
    worker.once("exit", () => this.#ended());
  }

  #receive(message: FromSealer): void {
    if (message.is === "sealed") this.#say({ size: message.size, at: message.at, trouble: null });
    else if (message.is === "announce") this.#options.onAnnounce(message.key);
    else {
      this.#isRefused = message.isRefused;
      this.#say({ ...this.#status, trouble: message.reason });
    }
  }

  #ended(): void {
    this.#worker = null;
    if (this.#closed) return;
    this.#restart = setTimeout(() => this.#start(), this.#isRefused ? REFUSED_MS : RESTART_MS).unref();
  }

  #say(status: SealStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }
}
