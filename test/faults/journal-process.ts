// A process that keeps a journal on a simulated disk, and is killed and started again as a test wants. Whatever it
// is told goes into the ledger, and each start is held to it.
import type { Row } from "../../src/event/fields.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { Journal } from "../../src/journal/journal.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import { chatRow, T0 } from "../support/facts.ts";
import { NODE } from "../support/journal.ts";
import { BrokenPromise, Ledger } from "./ledger.ts";
import { KilledError, type SimulatedDisk } from "./simulated-disk.ts";

export const FOLDER = "/journal";

export class JournalProcess {
  readonly disk: SimulatedDisk;
  readonly ledger: Ledger;
  readonly segmentBytes: number;
  /** Commits that the disk refused. */
  refused = 0;
  now = T0;
  #journal: Journal | null = null;
  #durableLsn = 0;
  #segments = 0;
  #nextId = 1;

  constructor(disk: SimulatedDisk, segmentBytes = 4500, ledger = new Ledger()) {
    this.disk = disk;
    this.ledger = ledger;
    this.segmentBytes = segmentBytes;
  }

  /** The journal of the running process; null when it is dead. */
  get journal(): Journal | null {
    return this.#journal;
  }

  /** Starts it. A start that the disk refused is tried again, by a new process, as long as faults are left. */
  start(): void {
    this.now += 10;
    for (;;) {
      const faults = this.disk.faultsLeft;
      try {
        this.#journal = this.#open();
        break;
      } catch (error) {
        if (error instanceof KilledError) throw error;
        if (!isIoError(error) || this.disk.faultsLeft === faults)
          throw new BrokenPromise("refused", (error as Error).message, { cause: error });
      }
    }
    this.#durableLsn = this.#journal.lastLsn;
    const journal = this.#journal;
    this.disk.quietly(() => this.ledger.reopened(this.disk, FOLDER, journal));
  }

  begin(): JournalEntry {
    return ["begin", chatRow(this.#nextId++, {}, null)];
  }

  /** The finish of a begun event; without `id`, of one that no begin was written for. */
  finish(id?: string): JournalEntry {
    return ["finish", id === undefined ? chatRow(this.#nextId++) : this.#rowOf(id)];
  }

  /** Whether it was acknowledged; only a fault may keep it from that. */
  commit(entries: readonly JournalEntry[]): boolean {
    if (this.#journal === null) return false;
    this.now += 10;
    const batch = this.ledger.try(entries);
    const healthy = this.disk.faultsLeft === 0;
    try {
      this.ledger.acknowledge(batch, this.#journal.commit(entries), this.#journal);
      return true;
    } catch (error) {
      this.#died(error);
      if (healthy) throw new BrokenPromise("refused", `a commit on a disk that works: ${error}`);
      this.refused++;
      return false;
    }
  }

  /** Closes it in order, then the process ends. */
  close(): void {
    try {
      this.#journal?.close();
    } catch (error) {
      this.#died(error);
    }
    this.#journal = null;
  }

  /** Removes what a store has up to `seq`, but for some bytes. */
  retire(seq: number, keepBytes: number): void {
    if (this.#journal === null) return;
    this.ledger.retire(seq);
    try {
      this.#journal.retire({ storedSeq: seq, sealedSeq: seq, keepBytes, notBefore: 0 });
    } catch (error) {
      this.#died(error);
    }
  }

  /** kill -9: what it wrote is still there for the next process. */
  kill(options?: { evictFailed?: boolean; keepFaults?: boolean }): void {
    this.#journal = null;
    this.disk.restart(options);
  }

  /** The same, not running, on the disk that a power loss left. This one is not changed by it. */
  afterPowerLoss(disk: SimulatedDisk): JournalProcess {
    const next = new JournalProcess(disk, this.segmentBytes, this.ledger.copy());
    next.now = this.now;
    next.#nextId = this.#nextId;
    return next;
  }

  tail(): JournalTail {
    return new JournalTail({
      files: this.disk,
      folder: FOLDER,
      durableLsn: () => this.#durableLsn,
      segments: () => this.#segments,
    });
  }

  #open(): Journal {
    this.disk.restart({ keepFaults: true });
    return Journal.open({
      files: this.disk,
      folder: FOLDER,
      nodeId: NODE,
      now: () => this.now,
      segmentBytes: this.segmentBytes,
      random: (bytes) => Buffer.alloc(bytes, this.#nextId),
      onDurable: (lsn) => (this.#durableLsn = lsn),
      onSegment: () => this.#segments++,
    });
  }

  #rowOf(id: string): Row {
    return chatRow(Number(id.slice(-12)));
  }

  /** Kills end the process, the disk's errors are the commit's alone, anything else is the test's own. */
  #died(error: unknown): void {
    if (error instanceof KilledError) this.#journal = null;
    if (!isIoError(error)) throw error;
  }
}

function isIoError(error: unknown): boolean {
  return error instanceof Error && /\(simulated\)$/.test(error.message);
}
