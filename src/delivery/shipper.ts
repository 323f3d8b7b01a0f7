// Moves a node's events from journal to store: in order, at least once from the journal, exactly once in the
// store (the position moves by compare-and-swap in the append transaction).
//
//   shipping ──store fails──► retrying (backs off) ──► shipping, from the store's own position
//   shipping ──another history in the store──► stopped: the journal keeps everything, and says so
import { nativeCode } from "../event/errors.ts";
import type { DurableMark } from "../journal/durable.ts";
import type { JournalTail, Lost, TailRead } from "../journal/tail.ts";
import type { Position, Store } from "../stores/store.ts";

export interface ShipperStatus {
  readonly state: "shipping" | "retrying" | "stopped";
  /** Why not shipping: a native code, or `node_forked`. */
  readonly reason: string | null;
  readonly shippedSeq: number;
  readonly shippedLsn: number;
  /** Events up to here are in the store even after a power cut. */
  readonly durableSeq: number;
  readonly retries: number;
}

export interface ShipperOptions {
  readonly store: Store;
  readonly tail: JournalTail;
  readonly durable: DurableMark;
  readonly nodeId: string;
  /** Ships the log's checkpoints; resolves true when the events up to `seq` are sealed in the store. */
  readonly seals?: { ship(seq: number): Promise<boolean> };
  readonly onStatus: (status: ShipperStatus) => void;
  /** Told before the store skips what is lost; resolves when that is recorded. */
  readonly onLost: (lost: Lost) => Promise<void>;
  /** Waits; resolves early when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Monotonic, ms. */
  readonly monotonic?: () => number;
}

/** Events of one transaction, at least, while more wait. */
const BATCH_EVENTS = 4000;
/**
 * How long the first event of a batch waits for others: a transaction costs as much as dozens of events in it. Freshness
 * in the store is 100 ms.
 */
const GATHER_MS = 60;
/** More come than anybody reads one by one: a transaction of thousands writes fewer pages for each. */
const GATHER_FLOOD_MS = 250;
const FLOOD_EVENTS = 400;
const IDLE_MS = 10_000;
/** The next checkpoint is looked for this often; the sealer makes one a second while events come. */
const UNSEALED_MS = 500;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5000;
/** The store is made durable this often while events come, and with each new segment: older ones can go only then. */
const CHECKPOINT_MS = 30_000;

export class Shipper {
  readonly #options: ShipperOptions;
  readonly #monotonic: () => number;
  #position: Position | null = null;
  #checkpointAt = Number.NEGATIVE_INFINITY;
  #checkpointSegments = 0;
  #status: ShipperStatus = {
    state: "shipping",
    reason: null,
    shippedSeq: 0,
    shippedLsn: 0,
    durableSeq: 0,
    retries: 0,
  };

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => performance.now());
  }

  /** Runs until the signal aborts or another history is found. Never rejects for a failing store. */
  async run(signal: AbortSignal): Promise<void> {
    const { durable, sleep } = this.#options;
    signal.addEventListener("abort", () => durable.wake(), { once: true });
    let wait = RETRY_MIN_MS;
    while (!signal.aborted && this.#status.state !== "stopped") {
      const { shippedLsn, retries } = this.#status;
      try {
        if (await this.#start()) await this.#follow(signal);
      } catch (error) {
        // The store, or the journal's files: what was under way is begun again from the store's own position,
        // for its answer may be lost after the commit.
        this.#say({ ...this.#status, state: "retrying", reason: nativeCode(error), retries: retries + 1 });
        wait = this.#status.shippedLsn > shippedLsn ? RETRY_MIN_MS : Math.min(wait * 2, RETRY_MAX_MS);
        await sleep(wait, signal);
      }
    }
    // The checkpoint that the journal's end was sealed with; a store that fails now gets it at the next start.
    if (this.#status.state === "shipping") await this.#shipSeal().catch(() => {});
  }

  /** Finds the store's position in the journal. False: it has another history, or one that the journal has not. */
  async #start(): Promise<boolean> {
    const { store, tail, nodeId } = this.#options;
    const positions = await store.positions();
    this.#position = positions.find((position) => position.nodeId === nodeId) ?? null;
    // A folder that is older than the store was found out at the start: what differs now is a second history.
    if (tail.seek(this.#position) !== "found") {
      this.#say({ ...this.#status, state: "stopped", reason: "node_forked" });
      return false;
    }
    this.#shipped(this.#position?.seq ?? 0, tail.lastLsn);
    return true;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { tail, durable, sleep } = this.#options;
    let gathered = 0;
    while (!signal.aborted) {
      const read = tail.read(BATCH_EVENTS);
      if (read !== null) {
        gathered += read.events.length;
        if (!(await this.#ship(read))) return;
        continue;
      }
      const isSealed = await this.#shipSeal();
      await this.#checkpoint();
      await durable.beyond(tail.lastLsn, isSealed ? IDLE_MS : UNSEALED_MS);
      if (!signal.aborted) await sleep(gatherMs(gathered), signal);
      gathered = 0;
    }
  }

  /** False: the store is not where it was left; #start finds out why. */
  async #ship(read: TailRead): Promise<boolean> {
    const { store, nodeId, onLost } = this.#options;
    const { events, lost } = read;
    if (events.length > 0) {
      if (lost !== null) await onLost(lost);
      const to: Position = { nodeId, seq: read.seq, root: read.root };
      const { result } = await store.append({ nodeId, events, from: this.#position, to, lost });
      if (result === "conflict") return false;
      this.#position = to;
    }
    this.#shipped(read.seq, read.lastLsn);
    await this.#shipSeal();
    await this.#checkpoint();
    return true;
  }

  /** Whether all that is shipped is sealed in the store. */
  async #shipSeal(): Promise<boolean> {
    return (await this.#options.seals?.ship(this.#status.shippedSeq)) ?? true;
  }

  async #checkpoint(): Promise<void> {
    const { shippedSeq, durableSeq } = this.#status;
    const now = this.#monotonic();
    const { segments } = this.#options.durable;
    const due = now - this.#checkpointAt >= CHECKPOINT_MS || segments !== this.#checkpointSegments;
    if (shippedSeq === durableSeq || !due) return;
    this.#checkpointAt = now;
    this.#checkpointSegments = segments;
    await this.#options.store.checkpoint();
    this.#say({ ...this.#status, durableSeq: shippedSeq });
  }

  #shipped(shippedSeq: number, shippedLsn: number): void {
    this.#say({ ...this.#status, state: "shipping", reason: null, shippedSeq, shippedLsn });
  }

  #say(status: ShipperStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }
}

/** How long the next batch is gathered after one of so many events. */
function gatherMs(events: number): number {
  return events >= FLOOD_EVENTS ? GATHER_FLOOD_MS : GATHER_MS;
}
