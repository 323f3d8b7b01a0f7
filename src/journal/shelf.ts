// The segments that a journal has on its disk: how much they take, and which of them may go.

import { COLUMN } from "../event/fields.ts";
import type { JournalEvent } from "../event/leaf.ts";
import type { Files } from "./files.ts";
import { readFrame } from "./frame.ts";
import { parseHeader, type SegmentHeader } from "./records.ts";
import { listSegments, readSegment } from "./segments.ts";

export interface RetireOptions {
  /** The store has the events up to here durably. */
  readonly storedSeq: number;
  /** A signed checkpoint covers the events up to here, and their tiles are fsynced. */
  readonly sealedSeq: number;
  readonly keepBytes: number;
  readonly notBefore: number;
}

interface Kept {
  readonly firstLsn: number;
  readonly path: string;
  readonly firstSeq: number;
  /** UTC ms of the newest commit before this segment: the one before it was last written then. */
  readonly lastCommitAt: number;
  bytes: number;
}

/** A header is read in pieces of this size: it is a few hundred bytes, but for the begins that are open. */
const PIECE = 64 * 1024;

export class Shelf {
  readonly #files: Files;
  readonly #folder: string;
  readonly #kept: Kept[];

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
    this.#kept = listSegments(files, folder).flatMap(({ firstLsn, path }) => {
      const { header, bytes } = this.#look(path);
      const { firstSeq, lastCommitAt } = header ?? { firstSeq: 0, lastCommitAt: 0 };
      return header === null ? [] : [{ firstLsn, path, firstSeq, lastCommitAt, bytes }];
    });
  }

  get bytes(): number {
    return this.#kept.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  begun(segment: Omit<Kept, "bytes">): void {
    this.#kept.push({ ...segment, bytes: 0 });
  }

  /** The newest segment has `bytes` more. */
  grew(bytes: number): void {
    const newest = this.#kept.at(-1);
    if (newest !== undefined) newest.bytes += bytes;
  }

  forgetNewest(): void {
    this.#kept.pop();
  }

  /**
   * Oldest first: segments whose events all have seqs up to `storedSeq`, so long as `keepBytes` of such stay, or they
   * were last written before `notBefore`. Never the newest two: the newest may hold nothing but its header yet.
   */
  retirable(storedSeq: number, keepBytes: number, notBefore: number): Kept[] {
    const closed = this.#kept
      .slice(0, -2)
      .map((segment, index) => ({ segment, next: this.#kept[index + 1] }));
    const stored = closed.filter(({ next }) => next !== undefined && next.firstSeq - 1 <= storedSeq);
    let bytes = stored.reduce((sum, { segment }) => sum + segment.bytes, 0);
    const gone: Kept[] = [];
    for (const { segment, next } of stored) {
      if (bytes <= keepBytes && (next?.lastCommitAt ?? 0) >= notBefore) break;
      gone.push(segment);
      bytes -= segment.bytes;
    }
    return gone;
  }

  remove(segment: Kept): void {
    this.#files.remove(segment.path);
    this.#kept.splice(this.#kept.indexOf(segment), 1);
  }

  /** Events with a seq above `seq`, in order. */
  eventsAfter(seq: number): JournalEvent[] {
    const segments = listSegments(this.#files, this.#folder);
    const events: JournalEvent[] = [];
    for (let index = segments.length - 1; index >= 0; index--) {
      const { path = "" } = segments[index] ?? {};
      const { header, commits } = readSegment(this.#files, path, segments[index + 1]?.firstLsn);
      events.unshift(...commits.flatMap(({ finishes }) => finishes));
      if (header !== null && header.firstSeq - 1 <= seq) break;
    }
    return events.filter(({ row }) => Number(row[COLUMN.seq]) > seq);
  }

  #look(path: string): { header: SegmentHeader | null; bytes: number } {
    const descriptor = this.#files.openRead(path);
    try {
      const bytes = this.#files.size(descriptor);
      for (let length = PIECE; ; length *= 2) {
        const frame = readFrame(this.#files.readAt(descriptor, 0, Math.min(length, bytes)), 0);
        if (frame.is === "frame") return { header: parseHeader(frame.payload), bytes };
        if (frame.is !== "short" || length >= bytes) return { header: null, bytes };
      }
    } finally {
      this.#files.close(descriptor);
    }
  }
}
