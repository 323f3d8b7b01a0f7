// Reads a journal as it grows, for the shipper: from any position, in order, never past what is durable.

import type { JournalEvent } from "../event/leaf.ts";
import { Frontier } from "../evidence/merkle.ts";
import type { Files } from "./files.ts";
import { nextFrame, readFrame } from "./frame.ts";
import { type Commit, parseCommit, parseHeader, type SegmentHeader } from "./records.ts";
import { Scratch } from "./scratch.ts";
import { listSegments } from "./segments.ts";

/** A point in a node's log: the events up to `seq` have this Merkle root. */
export interface LogPoint {
  readonly seq: number;
  readonly root: string;
}

export interface TailOptions {
  readonly files: Files;
  readonly folder: string;
  /** The highest LSN that may be read. */
  readonly durableLsn: () => number;
  /** Changes when there may be a new segment. */
  readonly segments: () => number;
}

/** Events that no journal holds any more, from one seq to another, both included. */
export interface Lost {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** `damaged`: their bytes cannot be read; `gone`: their segments were removed. */
  readonly why: "damaged" | "gone";
}

export interface TailRead extends LogPoint {
  readonly events: JournalEvent[];
  readonly lastLsn: number;
  /** What is missing right before these events. */
  readonly lost: Lost | null;
}

/** `found`; `differs`: the journal has another history; `ahead`: the point is beyond the journal's end. */
export type Seek = "found" | "differs" | "ahead";

const READ_BYTES = 1 << 20;

export class JournalTail {
  readonly #options: TailOptions;
  #descriptor: number | null = null;
  #firstLsn = 0;
  #nextFirstLsn: number | null = null;
  #knownSegments = -1;
  #offset = 0;
  /** Read into again and again: what is taken from it is text at once. */
  readonly #scratch = new Scratch(READ_BYTES);
  #buffer: Buffer = Buffer.alloc(0);
  /** Length of the frame that #nextPayload found. */
  #frameBytes = 0;
  #lastLsn = 0;
  #point: LogPoint = { seq: 0, root: new Frontier().root() };
  /** Read already, and to be handed over next. */
  #held: Commit | null = null;
  /** Why what is missing next is missing. */
  #why: Lost["why"] = "damaged";

  constructor(options: TailOptions) {
    this.#options = options;
  }

  get lastLsn(): number {
    return this.#lastLsn;
  }

  /** Goes to just after `from`; null: to the very beginning. What is missing after it, the next read tells. */
  seek(from: LogPoint | null): Seek {
    const target = from ?? { seq: 0, root: new Frontier().root() };
    this.#held = null;
    this.#why = "damaged";
    const segments = listSegments(this.#options.files, this.#options.folder);
    for (let start = segments.pop(); start !== undefined; start = segments.pop()) {
      const header = this.#openSegment(start.firstLsn, start.path);
      if (header === null) continue;
      if (header.firstSeq > target.seq + 1) {
        if (segments.length > 0) continue;
        this.#why = "gone";
        this.#point = target;
        return "found";
      }
      return this.#seekFrom(target);
    }
    return target.seq === 0 ? "found" : "ahead";
  }

  #seekFrom(target: LogPoint): Seek {
    while (this.#point.seq < target.seq) {
      const commit = this.#nextCommit(Number.POSITIVE_INFINITY);
      if (commit === null) return "ahead";
      if (firstSeqOf(commit) > target.seq) {
        // The point itself is among what cannot be read.
        this.#held = commit;
        this.#point = target;
        return "found";
      }
      this.#advance(commit);
    }
    return this.#point.seq === target.seq && this.#point.root === target.root ? "found" : "differs";
  }

  /** Whole commits with at least `enough` events between them, or all that is durable; null when there is nothing new. */
  read(enough: number): TailRead | null {
    const events: JournalEvent[] = [];
    const before = this.#lastLsn;
    let lost: Lost | null = null;
    while (events.length < enough) {
      const commit = this.#held ?? this.#nextCommit(this.#options.durableLsn());
      this.#held = null;
      if (commit === null) break;
      const fromSeq = this.#point.seq + 1;
      if (commit.finishes.length > 0 && firstSeqOf(commit) > fromSeq) {
        if (events.length > 0) {
          this.#held = commit;
          break;
        }
        lost = { fromSeq, toSeq: firstSeqOf(commit) - 1, why: this.#why };
        this.#why = "damaged";
      }
      this.#advance(commit);
      for (const event of commit.finishes) events.push(event);
    }
    return this.#lastLsn === before ? null : { events, ...this.#point, lastLsn: this.#lastLsn, lost };
  }

  close(): void {
    if (this.#descriptor !== null) this.#options.files.close(this.#descriptor);
    this.#descriptor = null;
  }

  #advance(commit: Commit): void {
    this.#lastLsn = commit.lastLsn;
    // A commit without events that follows a loss says a seq that was never handed over.
    if (commit.finishes.length > 0) this.#point = { seq: commit.lastSeq, root: commit.root };
  }

  #openSegment(firstLsn: number, path: string): SegmentHeader | null {
    this.close();
    this.#descriptor = this.#options.files.openRead(path);
    this.#firstLsn = firstLsn;
    this.#offset = 0;
    this.#buffer = Buffer.alloc(0);
    this.#knownSegments = -1;
    const payload = this.#nextPayload();
    const header = payload === null ? null : parseHeader(payload);
    if (header === null) return null;
    this.#lastLsn = firstLsn - 1;
    this.#point = {
      seq: header.firstSeq - 1,
      root: new Frontier(header.firstSeq - 1, header.frontier).root(),
    };
    return header;
  }

  /**
   * The next commit that ends at or before `durableLsn`, following the log from segment to segment. What is durable
   * and cannot be read is damage: the next frame that can be is taken.
   */
  #nextCommit(durableLsn: number): Commit | null {
    while (this.#lastLsn < durableLsn) {
      this.#lookForNext();
      // What stands at or beyond the next segment's first LSN in this file is dead: it was restated there.
      const ended = this.#nextFirstLsn !== null && this.#nextFirstLsn <= this.#lastLsn + 1;
      const payload = ended ? null : this.#nextPayload();
      if (payload !== null) {
        const commit = parseCommit(payload);
        if (commit.lastLsn > durableLsn) {
          this.#buffer = Buffer.alloc(0);
          return null;
        }
        this.#offset += this.#frameBytes;
        this.#buffer = this.#buffer.subarray(this.#frameBytes);
        return commit;
      }
      if (!ended && this.#skipDamage()) continue;
      if (this.#nextFirstLsn === null) return null;
      const next = listSegments(this.#options.files, this.#options.folder).find(
        ({ firstLsn }) => firstLsn > this.#firstLsn,
      );
      // What the old file had no readable end for is missing: the point stays, so that the gap shows.
      const point = this.#point;
      if (next === undefined || this.#openSegment(next.firstLsn, next.path) === null) return null;
      this.#point = point;
    }
    return null;
  }

  /** Goes to the next whole frame in this file beyond what cannot be read; false when there is none. */
  #skipDamage(): boolean {
    if (this.#descriptor === null) return false;
    const size = this.#options.files.size(this.#descriptor);
    const rest = this.#options.files.readAt(this.#descriptor, this.#offset, size - this.#offset);
    const next = nextFrame(rest, 1);
    if (next === null) return false;
    this.#offset += next;
    this.#buffer = rest.subarray(next);
    return true;
  }

  /** A segment without a commit goes when its first write fails, and another comes under its name. */
  #openAgain(): void {
    const point = this.#point;
    const same = listSegments(this.#options.files, this.#options.folder).find(
      ({ firstLsn }) => firstLsn === this.#firstLsn,
    );
    if (same !== undefined) this.#openSegment(same.firstLsn, same.path);
    this.#point = point;
  }

  #lookForNext(): void {
    const segments = this.#options.segments();
    if (segments === this.#knownSegments) return;
    if (this.#lastLsn < this.#firstLsn) this.#openAgain();
    this.#knownSegments = segments;
    const next = listSegments(this.#options.files, this.#options.folder).find(
      ({ firstLsn }) => firstLsn > this.#firstLsn,
    );
    this.#nextFirstLsn = next?.firstLsn ?? null;
  }

  /** The frame at the offset, read in as needed; null when it is not whole yet. The header's is skipped at once. */
  #nextPayload(): string | null {
    for (let length = READ_BYTES; ; length *= 2) {
      const frame = readFrame(this.#buffer, 0);
      if (frame.is === "frame") {
        this.#frameBytes = frame.next;
        if (this.#offset === 0) {
          this.#offset = frame.next;
          this.#buffer = this.#buffer.subarray(frame.next);
        }
        return frame.payload;
      }
      if (frame.is === "bad" || this.#descriptor === null) return null;
      const available = this.#options.files.size(this.#descriptor) - this.#offset;
      if (available <= this.#buffer.length) return null;
      const bytes = Math.min(length, available);
      const into = this.#scratch.bytes(bytes);
      this.#buffer = this.#options.files.readAt(this.#descriptor, this.#offset, bytes, into);
    }
  }
}

function firstSeqOf({ lastSeq, finishes }: Commit): number {
  return lastSeq - finishes.length + 1;
}
