// The request thread's end of the journal: posts entries, learns what became durable, and starts the journal's
// thread again when it is lost.
//
//   opening ──ready──► running ──thread ends──► lost ──(waits)──► opening, resuming after the last durable seq
//                         └──close()──► closed
import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { DaybookError, type DaybookErrorCode, ERRORS } from "../event/errors.ts";
import { DurableMark } from "./durable.ts";
import type { CommitResult, JournalEntry, Settled } from "./entries.ts";
import type { FromJournal, JournalWorkerData, ToJournal } from "./journal-worker.ts";
import type { Told } from "./records.ts";
import type { SealStatus } from "./sealing.ts";
import type { Slot } from "./slot.ts";
import { type Hold, holdOf } from "./thread-hold.ts";

export interface JournalEvents {
  /** All messages up to `id` are durable. */
  onDurable(id: number, result: CommitResult): void;
  /** The disk refused the messages up to `id`; nothing of them is recorded. */
  onFailed(id: number, reason: string): void;
  /** The thread is gone. What was posted may be durable or not; `onResumed` will tell. */
  onLost(reason: string): void;
  /** A new thread goes on; of what was posted, exactly `durable` is recorded. */
  onResumed(durable: readonly Settled[]): void;
}

export interface JournalLimits {
  readonly maxBytes: number;
  readonly reserveBytes: number;
  /** The thread's code; for tests that let it die. */
  readonly workerUrl?: URL;
}

interface Thread {
  readonly port: MessagePort;
  readonly exited: Promise<void>;
  readonly terminate: () => Promise<unknown>;
  readonly hold: Hold;
  readonly ready: FromJournal & { is: "ready" };
}

/** A checkpoint comes a second after events; a disk that is slow may need more. */
const SEAL_MS = 20_000;
const SEAL_LOOK_MS = 50;
const RESTART_MIN_MS = 50;
const RESTART_MAX_MS = 5000;

export class JournalClient {
  /** Last outbox id that was in the journal at the start, and the drops that gap events had told of. */
  readonly outboxId: number;
  readonly told: Told;
  /** Events that recovery added: interrupted requests and the stop itself. */
  readonly recovered: number;
  readonly durable: DurableMark;
  readonly nodeId: string;
  readonly #slot: Slot;
  readonly #limits: JournalLimits;
  #thread: Thread | null = null;
  #events: JournalEvents | null = null;
  #closed: Promise<void> | null = null;
  #lastId = 0;
  #lastSeq: number;
  #bytes = 0;
  #restarts = 0;
  #forgetting: PromiseWithResolvers<boolean> | null = null;
  #isHeld = true;
  #sealing: SealStatus = { size: 0, at: 0, trouble: null };
  #onUnsealed: (error: Error) => void = () => {};

  private constructor(slot: Slot, limits: JournalLimits, durable: DurableMark, thread: Thread) {
    this.#slot = slot;
    this.#limits = limits;
    this.durable = durable;
    this.nodeId = slot.nodeId;
    this.outboxId = thread.ready.outboxId;
    this.told = thread.ready.told;
    this.recovered = thread.ready.recovered;
    this.#lastSeq = thread.ready.lastSeq;
    this.#run(thread);
  }

  /** Starts the thread; resolves when recovery is done. */
  static async open(
    slot: Slot,
    limits: JournalLimits = { maxBytes: 2 ** 30, reserveBytes: 0 },
  ): Promise<JournalClient> {
    const durable = new DurableMark();
    return new JournalClient(slot, limits, durable, await startThread(slot, limits, durable, null));
  }

  listen(events: JournalEvents): void {
    this.#events = events;
  }

  /** Bytes of all segments, as of the newest commit. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How far the log is sealed, and why no further. */
  get sealing(): SealStatus {
    return this.#sealing;
  }

  /** Told when sealing stops: an error with the code of why, once until the log is sealed again or for another reason. */
  onUnsealed(listener: (error: Error) => void): void {
    this.#onUnsealed = listener;
  }

  /** Resolves true when a checkpoint covers all that is durable now; false after `deadlineMs`. */
  async sealed(deadlineMs = SEAL_MS): Promise<boolean> {
    const seq = this.#lastSeq;
    const giveUpAt = performance.now() + deadlineMs;
    while (this.#sealing.size < seq && performance.now() < giveUpAt) await delay(SEAL_LOOK_MS);
    return this.#sealing.size >= seq;
  }

  /** How often the thread was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Whether the thread keeps the process running; it does unless told otherwise, and while closing. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#thread?.hold(isHeld);
  }

  /** Hands the entries over; returns the message's id. While the thread is lost the message is too. */
  post(entries: JournalEntry[], critical = false): number {
    const id = ++this.#lastId;
    this.#thread?.port.postMessage({ is: "commit", id, entries, critical } satisfies ToJournal);
    return id;
  }

  /** Removes old segments: see Journal.retire. */
  retire(storedSeq: number, keepBytes: number, notBefore: number): void {
    this.#thread?.port.postMessage({ is: "retire", storedSeq, keepBytes, notBefore } satisfies ToJournal);
  }

  /**
   * Removes every segment that has events of before: see Forgetting. The store has them durably up to `storedSeq`.
   */
  async forget(storedSeq: number): Promise<boolean> {
    const thread = this.#thread;
    if (thread === null || this.#closed !== null) return false;
    this.#forgetting ??= Promise.withResolvers();
    thread.port.postMessage({ is: "forget", storedSeq } satisfies ToJournal);
    return this.#forgetting.promise;
  }

  /** Marks the journal as closed in order; everything posted before is durable then. */
  close(): Promise<void> {
    if (this.#closed === null) {
      this.hold(true);
      this.#thread?.port.postMessage({ is: "close" } satisfies ToJournal);
      this.#closed = this.#thread?.exited ?? Promise.resolve();
    }
    return this.#closed;
  }

  /** Ends the thread at once, whatever it does; what it had not synced is as after a crash. */
  async kill(): Promise<void> {
    this.#closed ??= this.#thread?.exited ?? Promise.resolve();
    await this.#thread?.terminate();
  }

  #run(thread: Thread): void {
    this.#thread = thread;
    thread.port.on("message", (message: FromJournal) => this.#receive(thread, message));
    thread.hold(this.#isHeld);
    void thread.exited.then(() => {
      this.#thread = null;
      this.#forgot(false);
      if (this.#closed !== null) return;
      this.#events?.onLost("journal_thread_lost");
      void this.#restart();
    });
  }

  async #restart(): Promise<void> {
    for (let wait = RESTART_MIN_MS; this.#closed === null; wait = Math.min(wait * 2, RESTART_MAX_MS)) {
      await delay(wait, undefined, { ref: false });
      this.#restarts++;
      try {
        const thread = await startThread(this.#slot, this.#limits, this.durable, this.#lastSeq);
        this.#run(thread);
        this.#lastSeq = thread.ready.lastSeq;
        this.#events?.onResumed(thread.ready.resumed);
        if (this.#closed !== null) thread.port.postMessage({ is: "close" } satisfies ToJournal);
        return;
      } catch (error) {
        this.#events?.onLost(error instanceof DaybookError ? error.code : "journal_thread_lost");
      }
    }
  }

  #forgot(done: boolean): void {
    this.#forgetting?.resolve(done);
    this.#forgetting = null;
  }

  #isSealing(status: SealStatus): void {
    const { trouble: code } = status;
    const isNew = code !== null && code !== this.#sealing.trouble;
    this.#sealing = status;
    if (isNew) this.#onUnsealed(Object.assign(new Error("the log is not sealed"), { code }));
  }

  #receive({ port }: Thread, message: FromJournal): void {
    if (message.is === "durable") {
      this.#lastSeq = message.firstSeq + message.finished - 1;
      this.#bytes = message.bytes;
      this.#events?.onDurable(message.id, message);
    } else if (message.is === "failed") this.#events?.onFailed(message.id, message.reason);
    else if (message.is === "forgotten") this.#forgot(message.done);
    else if (message.is === "sealing") this.#isSealing(message.status);
    else if (message.is === "closed") port.close();
  }
}

async function startThread(
  slot: Slot,
  limits: JournalLimits,
  durable: DurableMark,
  resumeAfter: number | null,
): Promise<Thread> {
  const { port1: port, port2 } = new MessageChannel();
  const { folder: slotFolder, nodeId } = slot;
  const { workerUrl, maxBytes, reserveBytes } = limits;
  const workerData: JournalWorkerData = {
    port: port2,
    slotFolder,
    nodeId,
    durable: durable.shared,
    resumeAfter,
    maxBytes,
    reserveBytes,
  };
  const file = import.meta.url.endsWith(".ts") ? "./journal-worker.ts" : "./journal-worker.js";
  const worker = new Worker(workerUrl ?? new URL(file, import.meta.url), {
    workerData,
    transferList: [port2],
    name: "journal",
    // Commits are garbage at once. Smaller, and what is under way is copied too often; without a bound it takes twice as
    // much, and no less CPU.
    resourceLimits: { maxYoungGenerationSizeMb: 48 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<FromJournal & { is: "ready" }>();
  worker.on("error", (error: Error) =>
    reject(new DaybookError("worker_failed", `journal: ${error.message}`)),
  );
  const exited = new Promise<void>((ended) => worker.once("exit", () => ended()));
  void exited.then(() => reject(new DaybookError("worker_failed", "journal: it ended")));
  port.once("message", (message: FromJournal) => {
    if (message.is === "ready") resolve(message);
    else if (message.is === "refused") reject(refusal(message));
  });
  return {
    ready: await promise,
    port,
    exited,
    terminate: () => worker.terminate(),
    hold: holdOf(worker, port),
  };
}

function refusal({ code, detail }: { code: string; detail: string }): DaybookError {
  return Object.hasOwn(ERRORS, code)
    ? new DaybookError(code as DaybookErrorCode, detail)
    : new DaybookError("folder_unusable", `(journal): ${detail}`);
}
