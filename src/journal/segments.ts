// Segment files: names, and reading one from any point.
import { join } from "node:path";
import type { Files } from "./files.ts";
import { isNewer, nextFrame, readFrame } from "./frame.ts";
import { type Commit, parseCommit, parseHeader, type SegmentHeader } from "./records.ts";

/** A segment is closed before it grows past this. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;

export interface SegmentName {
  readonly firstLsn: number;
  readonly path: string;
}

export function segmentPath(folder: string, firstLsn: number): string {
  return join(folder, `${String(firstLsn).padStart(16, "0")}.journal`);
}

/** The folder's segments, oldest first. */
export function listSegments(files: Files, folder: string): SegmentName[] {
  return files
    .list(folder)
    .filter((name) => /^\d{16}\.journal$/.test(name))
    .map((name) => ({ firstLsn: Number(name.slice(0, 16)), path: join(folder, name) }));
}

export interface SegmentRead {
  /** Null when the file ends before its header is whole. */
  readonly header: SegmentHeader | null;
  readonly commits: Commit[];
  /** Bytes that hold the header and these commits. */
  readonly goodBytes: number;
  readonly fileBytes: number;
  /** A newer version of Daybook wrote it. */
  readonly newer: boolean;
  /** What follows the good bytes is not a torn tail: whole frames stand after it. */
  readonly damaged: boolean;
}

/**
 * All commits of a segment up to the first that is not whole. Commits whose first LSN is `deadFrom` or more are
 * left out: a later segment restated them.
 */
export function readSegment(files: Files, path: string, deadFrom = Number.POSITIVE_INFINITY): SegmentRead {
  const bytes = files.read(path);
  const first = readFrame(bytes, 0);
  const header = first.is === "frame" ? parseHeader(first.payload) : null;
  if (first.is !== "frame" || header === null)
    return {
      header: null,
      commits: [],
      goodBytes: 0,
      fileBytes: bytes.length,
      newer: isNewer(bytes),
      damaged: nextFrame(bytes, 1) !== null,
    };
  const commits: Commit[] = [];
  let goodBytes = first.next;
  for (let frame = readFrame(bytes, goodBytes); frame.is === "frame"; frame = readFrame(bytes, goodBytes)) {
    const commit = parseCommit(frame.payload);
    if (commit.firstLsn >= deadFrom) break;
    commits.push(commit);
    goodBytes = frame.next;
  }
  const damaged = deadFrom === Number.POSITIVE_INFINITY && nextFrame(bytes, goodBytes + 1) !== null;
  return { header, commits, goodBytes, fileBytes: bytes.length, newer: false, damaged };
}
