// The request thread's end of the store's thread: starts it, and starts it again when it is lost; knows how far it is,
// and waits for it.
import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { DaybookError, type DaybookErrorCode, ERRORS } from "../event/errors.ts";
import type { DurableMark } from "../journal/durable.ts";
import type { Slot } from "../journal/slot.ts";
import type { Lost } from "../journal/tail.ts";
import { type Hold, holdOf } from "../journal/thread-hold.ts";
import { withDeadline } from "../recorder/handle.ts";
import type { PrunePlan, Subject } from "../stores/removal.ts";
import type { Charges } from "../stores/store.ts";
import type { Erased } from "./erasing.ts";
import type { ShipperStatus } from "./shipper.ts";
import type { FromStore, StoreWorkerData, ToStore } from "./store-worker.ts";

export interface DeliveryOptions {
  readonly address: string;
  readonly slot: Slot;
  readonly durable: DurableMark;
  /** What users were charged, as it was last copied: a store that is behind it goes on from there. */
  readonly charges?: () => Promise<Charges>;
  /** The store is durable up to this seq: older segments may go. */
  readonly onDurableSeq?: (seq: number) => void;
  /** Events cannot be shipped any more; resolves when that is recorded. */
  readonly onLost?: (lost: Lost) => Promise<void>;
  /** Shipping has ended, for this reason; the journal keeps everything. */
  readonly onStopped?: (reason: string) => void;
}

interface Thread {
  readonly port: MessagePort;
  readonly exited: Promise<void>;
  readonly hold: Hold;
}

const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 10_000;
const NOTHING: ShipperStatus = {
  state: "shipping",
  reason: null,
  shippedSeq: 0,
  shippedLsn: 0,
  durableSeq: 0,
  retries: 0,
};

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #waiters = new Set<{ readonly lsn: number; resolve(caughtUp: boolean): void }>();
  /** Shared with the thread: how often `halt` was called. */
  readonly #halts: SharedArrayBuffer;
  #thread: Thread | null = null;
  #status: ShipperStatus = NOTHING;
  #closed: Promise<void> | null = null;
  #onShipped: () => void = () => {};
  #isHeld = true;
  #pruning: PromiseWithResolvers<{ readonly events: number; readonly reason: string | null }> | null = null;
  #erasing: PromiseWithResolvers<Erased> | null = null;

  private constructor(options: DeliveryOptions, halts: SharedArrayBuffer, thread: Thread) {
    this.#options = options;
    this.#halts = halts;
    this.#run(thread);
  }

  /** Opens the store at `address` for writing, in its own thread, and ships the slot's journal into it. */
  static async open(options: DeliveryOptions): Promise<Delivery> {
    const halts = new SharedArrayBuffer(4);
    return new Delivery(options, halts, await startThread(options, halts));
  }

  /** `listener` is told each time events have come into the store. */
  onShipped(listener: () => void): void {
    this.#onShipped = listener;
  }

  get status(): ShipperStatus {
    return this.#status;
  }

  /** Journal records that are durable and not in the store. */
  get lag(): number {
    return Math.max(0, this.#options.durable.lsn - this.#status.shippedLsn);
  }

  /** Resolves true when all that is durable now is in the store; false after `deadlineMs`, or when shipping has ended. */
  async caughtUp(deadlineMs: number): Promise<boolean> {
    const { lsn } = this.#options.durable;
    if (this.#status.shippedLsn >= lsn) return true;
    if (this.#status.state === "stopped") return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { lsn, resolve };
    this.#waiters.add(waiter);
    const done = await withDeadline(promise, deadlineMs, false);
    this.#waiters.delete(waiter);
    return done;
  }

  /**
   * Carries a plan of retention out, in the store's thread, between appends, once what is durable now is in the store and
   * sealed there; answers how many events went. Rejects with `worker_failed` when it could not be finished; then the next
   * plan has the rest. One at a time.
   */
  async prune(plan: PrunePlan): Promise<number> {
    if (this.#thread === null || this.#closed !== null || this.#pruning !== null)
      throw new DaybookError("worker_failed", "the store's thread takes no plan now");
    this.#pruning = Promise.withResolvers();
    const toldLsn = this.#options.durable.lsn;
    this.#thread.port.postMessage({ is: "prune", plan, toldLsn, halts: this.#halted } satisfies ToStore);
    try {
      const { events, reason } = await this.#pruning.promise;
      if (reason !== null) throw new DaybookError("worker_failed", `retention ended early (${reason})`);
      return events;
    } finally {
      this.#pruning = null;
    }
  }

  /** Carries an erasure out in the store, between appends; says how far it came. One at a time. Never rejects. */
  async erase(subject: Subject): Promise<Erased> {
    if (this.#thread === null || this.#closed !== null || this.#erasing !== null)
      return { events: 0, held: 0, reason: "busy" };
    this.#erasing = Promise.withResolvers();
    this.#thread.port.postMessage({ is: "erase", subject, halts: this.#halted } satisfies ToStore);
    try {
      return await this.#erasing.promise;
    } finally {
      this.#erasing = null;
    }
  }

  get #halted(): number {
    return Atomics.load(new Int32Array(this.#halts), 0);
  }

  /** What retention and erasure are about to do is not to be done any more, for holds have changed: they end early. */
  halt(): void {
    Atomics.add(new Int32Array(this.#halts), 0, 1);
    this.#thread?.port.postMessage({ is: "halt" } satisfies ToStore);
  }

  /** Whether the thread keeps the process running; it does unless told otherwise, and while closing. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#thread?.hold(isHeld);
  }

  /** Checkpoints the store and ends the thread. What is not shipped stays in the journal. */
  close(): Promise<void> {
    if (this.#closed === null) {
      this.hold(true);
      this.#thread?.port.postMessage({ is: "close" } satisfies ToStore);
      this.#closed = this.#thread?.exited ?? Promise.resolve();
    }
    return this.#closed;
  }

  #run(thread: Thread): void {
    this.#thread = thread;
    thread.port.on("message", (message: FromStore) => this.#receive(thread, message));
    thread.hold(this.#isHeld);
    void thread.exited.then(() => {
      this.#thread = null;
      this.#pruning?.resolve({ events: 0, reason: "store_thread_lost" });
      this.#erasing?.resolve({ events: 0, held: 0, reason: "store_thread_lost" });
      if (this.#closed === null) void this.#restart();
      else this.#set({ ...this.#status, state: "stopped", reason: "closed" });
    });
  }

  async #restart(): Promise<void> {
    const { retries } = this.#status;
    this.#set({ ...this.#status, state: "retrying", reason: "store_thread_lost", retries: retries + 1 });
    for (let wait = RESTART_MIN_MS; this.#closed === null; wait = Math.min(wait * 2, RESTART_MAX_MS)) {
      await delay(wait, undefined, { ref: false });
      try {
        const thread = await startThread(this.#options, this.#halts);
        this.#run(thread);
        if (this.#closed !== null) thread.port.postMessage({ is: "close" } satisfies ToStore);
        return;
      } catch (error) {
        const reason = error instanceof DaybookError ? error.code : "store_thread_lost";
        this.#set({ ...this.#status, state: "retrying", reason, retries: this.#status.retries + 1 });
      }
    }
  }

  #receive({ port }: Thread, message: FromStore): void {
    if (message.is === "closed") port.close();
    else if (message.is === "lost") void this.#lose(port, message.lost);
    else if (message.is === "pruned") this.#pruning?.resolve(message);
    else if (message.is === "erased") this.#erasing?.resolve(message);
    else if (message.is === "status") {
      const { durableSeq, shippedSeq, state } = this.#status;
      this.#set(message);
      if (message.shippedSeq > shippedSeq) this.#onShipped();
      if (message.durableSeq > durableSeq) this.#options.onDurableSeq?.(message.durableSeq);
      if (message.state === "stopped" && state !== "stopped") this.#options.onStopped?.(message.reason ?? "");
    }
  }

  async #lose(port: MessagePort, lost: Lost): Promise<void> {
    await this.#options.onLost?.(lost);
    port.postMessage({ is: "lost_recorded" } satisfies ToStore);
  }

  #set(status: ShipperStatus): void {
    this.#status = status;
    for (const waiter of this.#waiters) {
      if (status.shippedLsn >= waiter.lsn) waiter.resolve(true);
      else if (status.state === "stopped") waiter.resolve(false);
    }
  }
}

async function startThread(
  { address, slot, durable, charges: copied }: DeliveryOptions,
  halts: SharedArrayBuffer,
): Promise<Thread> {
  const charges = (await copied?.()) ?? null;
  const { port1: port, port2 } = new MessageChannel();
  const { journalFolder: folder, nodeId } = slot;
  const shared = durable.shared;
  const workerData: StoreWorkerData = {
    port: port2,
    address,
    folder,
    nodeId,
    durable: shared,
    charges,
    halts,
  };
  const file = import.meta.url.endsWith(".ts") ? "./store-worker.ts" : "./store-worker.js";
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData,
    transferList: [port2],
    name: "store",
    // Batches are garbage at once: a larger heap only keeps more of it around. The largest commit, a whole queue of
    // 64 MiB, fits several times.
    resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.on("error", (error: Error) => reject(new DaybookError("worker_failed", `store: ${error.message}`)));
  const exited = new Promise<void>((ended) => worker.once("exit", () => ended()));
  void exited.then(() => reject(new DaybookError("worker_failed", "store: it ended")));
  port.once("message", (message: FromStore) => {
    if (message.is === "ready") resolve();
    else if (message.is === "refused") reject(refusal(message));
  });
  await promise;
  return { port, exited, hold: holdOf(worker, port) };
}

function refusal({ code, detail }: { code: string; detail: string }): DaybookError {
  return Object.hasOwn(ERRORS, code)
    ? new DaybookError(code as DaybookErrorCode, detail)
    : new DaybookError("store_unusable", detail);
}
