// What segment files hold, told without trusting them: for rescue. Unlike recovery this goes on after a bad frame
// with the next whole one, says what is missing between the two, and changes nothing.

import { nativeCode } from "../event/errors.ts";
import { COLUMN, FIELDS, type Row } from "../event/fields.ts";
import { leafOf } from "../evidence/leaves.ts";
import { Frontier } from "../evidence/merkle.ts";
import type { Files } from "./files.ts";
import { FRAME_HEAD, nextFrame, readFrame } from "./frame.ts";
import { type Commit, parseCommit, parseHeader, type SegmentHeader } from "./records.ts";
import { listSegments } from "./segments.ts";
import type { LogPoint } from "./tail.ts";

/** Both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** Bytes that are no frame although acknowledged ones follow, or should. */
export interface Damage {
  readonly offset: number;
  /** 0: nothing is here where something must have been. */
  readonly bytes: number;
  /** What is missing; null: nothing, or not known. */
  readonly lsns: Range | null;
  readonly seqs: Range | null;
}

export interface SegmentReport {
  readonly path: string;
  readonly bytes: number;
  /** Null when the header cannot be read. */
  readonly nodeId: string | null;
  /** The header names fields that this version does not know. */
  readonly isNewer: boolean;
  readonly lsns: Range | null;
  readonly seqs: Range | null;
  readonly commits: number;
  readonly begins: number;
  readonly finishes: number;
  readonly abandons: number;
  /** Begins without an end after the last commit. */
  readonly open: number;
  /** Times of the first and the last commit, UTC ms. */
  readonly at: Range | null;
  /** The last commit closed the journal in order. */
  readonly isClosed: boolean;
  /** `unverifiable`: events are missing, or have fields that this version does not know; null: not asked for. */
  readonly roots: "verified" | "differ" | "unverifiable" | null;
  /** Bytes at the end of the newest segment that are no whole frame: a write cut short. */
  readonly tornBytes: number;
  /** Bytes at the end that the next segment restated: a write or sync had failed. */
  readonly deadBytes: number;
  readonly damage: readonly Damage[];
  /** Where the log is after the last commit; null: not known. */
  readonly end: LogPoint | null;
}

/** A record's public facts. Fields that a begin does not have yet are null. */
export interface RecordSeen {
  readonly record: "begin" | "finish" | "abandon" | "commit";
  readonly lsn: number;
  readonly seq: number | null;
  readonly eventId: string | null;
  readonly kind: string | null;
  readonly action: string | null;
  readonly status: string | null;
  /** UTC ms. */
  readonly timestamp: number | null;
  readonly recordedAt: number | null;
}

export interface InspectOptions {
  /** Recompute every leaf and root. */
  readonly verifyRoots: boolean;
  readonly onRecord?: (record: RecordSeen) => void;
}

/** Where the segments before and after say that this one begins and ends. */
interface Neighbours {
  readonly before?: LogPoint | undefined;
  readonly after?: { readonly firstLsn: number; readonly firstSeq: number | null } | undefined;
}

/** Whether anything that was acknowledged is missing or changed. */
export function isDamaged({ damage, roots }: SegmentReport): boolean {
  return damage.length > 0 || roots === "differ";
}

/** The folder's segments, oldest first, each held to its neighbours. One that is removed meanwhile is left out. */
export function* inspectJournal(
  files: Files,
  folder: string,
  options: InspectOptions,
): Generator<SegmentReport> {
  const segments = listSegments(files, folder);
  let before: LogPoint | undefined;
  for (const [index, { path }] of segments.entries()) {
    const next = segments[index + 1];
    try {
      const after = next && {
        firstLsn: next.firstLsn,
        firstSeq: headerOf(files, next.path)?.firstSeq ?? null,
      };
      const report = inspectSegment(files, path, options, { before, after });
      before = report.end ?? undefined;
      yield report;
    } catch (error) {
      if (nativeCode(error) !== "ENOENT") throw error;
    }
  }
}

/** One segment file; without its neighbours, what is at its end counts as torn. Throws the disk's error. */
export function inspectSegment(
  files: Files,
  path: string,
  options: InspectOptions,
  neighbours: Neighbours = {},
): SegmentReport {
  const bytes = files.read(path);
  const first = readFrame(bytes, 0);
  const header = first.is === "frame" ? asHeader(first.payload) : null;
  const firstLsn = header?.firstLsn ?? (Number(/(\d{16})\.journal$/.exec(path)?.[1]) || null);
  const walk = new Walk(header, firstLsn, options, neighbours.before);
  const end = walk.through(
    bytes,
    first.is === "frame" && header !== null ? first.next : 0,
    neighbours.after?.firstLsn,
  );
  const rest = bytes.length - end;
  const isRestated = neighbours.after !== undefined && !walk.endsBefore(neighbours.after, end, rest);
  const isCutShort = neighbours.after === undefined;
  return {
    path,
    bytes: bytes.length,
    ...walk.report(),
    tornBytes: isCutShort ? rest : 0,
    deadBytes: isRestated ? rest : 0,
  };
}

/** The walk through one segment: counts what is whole, and notes what is not. */
class Walk {
  readonly #header: SegmentHeader | null;
  readonly #options: InspectOptions;
  readonly #open: Set<string>;
  readonly #counts = { commits: 0, begins: 0, finishes: 0, abandons: 0 };
  readonly #damage: Damage[] = [];
  readonly #firstLsn: number | null;
  /** Last LSN and seq so far; null: not known, for the header is lost. */
  #lsn: number | null;
  #seq: number | null;
  #firstSeq: number | null = null;
  #at: Range | null = null;
  #root: string | null = null;
  #isClosed = false;
  #roots: SegmentReport["roots"];
  /** Null: it cannot be followed from here on. */
  #frontier: Frontier | null = null;

  constructor(
    header: SegmentHeader | null,
    firstLsn: number | null,
    options: InspectOptions,
    before?: LogPoint,
  ) {
    this.#header = header;
    this.#options = options;
    this.#firstLsn = firstLsn;
    this.#lsn = firstLsn === null ? null : firstLsn - 1;
    this.#seq = header === null ? null : header.firstSeq - 1;
    this.#open = new Set(header?.open.map(idOf));
    this.#roots = options.verifyRoots ? "verified" : null;
    if (header === null || this.#isNewer()) this.#give("unverifiable");
    else this.#beginAt(header, before);
  }

  /** Whole commits from `offset` on, up to those that are `deadFrom` or later; returns where they end. */
  through(bytes: Buffer, offset: number, deadFrom = Number.POSITIVE_INFINITY): number {
    let end = offset;
    for (;;) {
      const found = nextCommit(bytes, end);
      if (found === null || found.commit.firstLsn >= deadFrom) return end;
      if (found.offset > end) this.#skip(end, found.offset - end, found.commit);
      this.#take(found.commit, found.payload);
      end = found.next;
    }
  }

  /** Notes what is missing between here and the next segment, if anything. */
  endsBefore(
    { firstLsn, firstSeq }: NonNullable<Neighbours["after"]>,
    offset: number,
    bytes: number,
  ): boolean {
    if (this.#lsn === null || this.#lsn + 1 >= firstLsn) return false;
    const seqs = firstSeq === null ? null : rangeBetween(this.#seq, firstSeq);
    this.#damage.push({ offset, bytes, lsns: rangeBetween(this.#lsn, firstLsn), seqs });
    return true;
  }

  report(): Omit<SegmentReport, "path" | "bytes" | "tornBytes" | "deadBytes"> {
    const { commits } = this.#counts;
    const header = this.#header;
    return {
      nodeId: header?.nodeId ?? null,
      isNewer: this.#isNewer(),
      lsns: commits === 0 ? null : rangeFrom(this.#firstLsn ?? this.#lsn, this.#lsn),
      seqs: rangeFrom(this.#firstSeq, this.#seq),
      ...this.#counts,
      open: this.#open.size,
      at: this.#at,
      isClosed: this.#isClosed,
      roots: this.#roots,
      damage: this.#damage,
      end: this.#seq === null || this.#root === null ? null : { seq: this.#seq, root: this.#root },
    };
  }

  #isNewer(): boolean {
    return this.#header?.fields.some((name, index) => FIELDS[index]?.name !== name) ?? false;
  }

  #beginAt({ firstSeq, frontier }: SegmentHeader, before?: LogPoint): void {
    try {
      this.#frontier = new Frontier(firstSeq - 1, frontier);
    } catch {
      this.#give("differ");
      return;
    }
    this.#root = this.#frontier.root();
    if (before?.seq === firstSeq - 1 && before.root !== this.#root) this.#give("differ");
  }

  /** Roots cannot be followed any further. The worst that was found stays. */
  #give(roots: "differ" | "unverifiable"): void {
    this.#frontier = null;
    if (this.#roots !== null && this.#roots !== "differ") this.#roots = roots;
  }

  #skip(offset: number, bytes: number, next: Commit): void {
    const lsns = rangeBetween(this.#lsn, next.firstLsn);
    this.#damage.push({ offset, bytes, lsns, seqs: rangeBetween(this.#seq, firstSeqOf(next)) });
  }

  #take(commit: Commit, payload: string): void {
    const { begins, abandoned, finishes, at } = commit;
    this.#counts.commits++;
    this.#counts.begins += begins.length;
    this.#counts.finishes += finishes.length;
    this.#counts.abandons += abandoned.length;
    for (const row of begins) this.#open.add(idOf(row));
    for (const { row } of finishes) this.#open.delete(idOf(row));
    for (const eventId of abandoned) this.#open.delete(eventId);
    if (this.#options.verifyRoots) this.#verify(commit);
    if (finishes.length > 0) this.#firstSeq ??= firstSeqOf(commit);
    this.#lsn = commit.lastLsn;
    this.#seq = commit.lastSeq;
    this.#root = commit.root;
    this.#at = { first: this.#at?.first ?? at, last: at };
    this.#isClosed = commit.closed;
    if (this.#options.onRecord !== undefined)
      for (const record of recordsIn(payload)) this.#options.onRecord(record);
  }

  #verify(commit: Commit): void {
    const frontier = this.#frontier;
    if (frontier === null) return;
    if (firstSeqOf(commit) === frontier.size + 1) {
      for (const event of commit.finishes) frontier.append(leafOf(event));
      if (frontier.root() !== commit.root) this.#give("differ");
    } else this.#give("unverifiable");
  }
}

interface CommitFound {
  readonly commit: Commit;
  readonly payload: string;
  readonly offset: number;
  readonly next: number;
}

/** The first whole commit at or after `offset`. */
function nextCommit(bytes: Buffer, offset: number): CommitFound | null {
  for (let at: number | null = offset; at !== null; at = nextFrame(bytes, at + 1)) {
    const frame = readFrame(bytes, at);
    const commit = frame.is === "frame" ? asCommit(frame.payload) : null;
    if (frame.is === "frame" && commit !== null)
      return { commit, payload: frame.payload, offset: at, next: frame.next };
  }
  return null;
}

function asCommit(payload: string): Commit | null {
  try {
    return parseCommit(payload);
  } catch {
    return null;
  }
}

function asHeader(payload: string): SegmentHeader | null {
  try {
    return parseHeader(payload);
  } catch {
    return null;
  }
}

function headerOf(files: Files, path: string): SegmentHeader | null {
  const descriptor = files.openRead(path);
  try {
    const head = files.readAt(descriptor, 0, FRAME_HEAD);
    if (head.length < FRAME_HEAD) return null;
    const length = Math.min(FRAME_HEAD + head.readUInt32LE(8), files.size(descriptor));
    const frame = readFrame(files.readAt(descriptor, 0, length), 0);
    return frame.is === "frame" ? asHeader(frame.payload) : null;
  } finally {
    files.close(descriptor);
  }
}

/** The records of a commit's lines (records.ts), public fields alone. */
function* recordsIn(payload: string): Generator<RecordSeen> {
  const nothing = { seq: null, eventId: null, kind: null, action: null, status: null };
  for (const text of payload.split("\n")) {
    const line = JSON.parse(text) as
      | ["b", number, Row]
      | ["f", number, string, Row]
      | ["d", number, string]
      | ["c", number, number, string, number, number];
    const [is, lsn] = line;
    if (is === "b") yield { record: "begin", lsn, ...publicPart(line[2]) };
    else if (is === "f") yield { record: "finish", lsn, ...publicPart(line[3]) };
    else if (is === "d")
      yield { record: "abandon", lsn, ...nothing, eventId: line[2], timestamp: null, recordedAt: null };
    else if (is === "c")
      yield { record: "commit", lsn, ...nothing, seq: line[2], timestamp: null, recordedAt: line[5] };
  }
}

function publicPart(row: Row): Omit<RecordSeen, "record" | "lsn"> {
  return {
    seq: row[COLUMN.seq] as number | null,
    eventId: idOf(row),
    kind: row[COLUMN.kind] as string | null,
    action: row[COLUMN.action] as string | null,
    status: row[COLUMN.status] as string | null,
    timestamp: row[COLUMN.timestamp] as number | null,
    recordedAt: row[COLUMN.recorded_at] as number | null,
  };
}

const idOf = (row: Row): string => String(row[COLUMN.event_id]);

const firstSeqOf = ({ lastSeq, finishes }: Commit): number => lastSeq - finishes.length + 1;

/** What is missing after `last` and before `next`. */
function rangeBetween(last: number | null, next: number): Range | null {
  return last === null || last + 1 >= next ? null : { first: last + 1, last: next - 1 };
}

function rangeFrom(first: number | null, last: number | null): Range | null {
  return first === null || last === null || first > last ? null : { first, last };
}
