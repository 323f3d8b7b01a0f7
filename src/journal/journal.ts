// The journal: the point of record. `commit` turns begun and finished work into one frame, appends it, syncs it,
// and only then lets it count. Between commits the state is that of the last one that was durable: a commit that
// fails leaves the journal as it was, and its segment is never synced again.
//
// A segment goes: (none) → created with its header → appended to, commit by commit → closed when the next commit
// would pass SEGMENT_BYTES, or when a write or sync failed. The next one restates the state in its header.
import { encodeRow } from "../event/encode.ts";
import { COLUMN, FIELDS, type Row, SCHEMA_VERSION } from "../event/fields.ts";
import { type JournalEvent, SALT_BYTES } from "../event/leaf.ts";
import { answered, failed } from "../event/outcomes.ts";
import { createRandom } from "../event/random.ts";
import { type SystemAction, systemFacts } from "../event/system.ts";
import { leafOf, plainLeafOf } from "../evidence/leaves.ts";
import type { Frontier } from "../evidence/merkle.ts";
import {
  type CommitResult,
  endedIn,
  eventIdOf,
  type FinishAbout,
  type JournalEntry,
  type Settled,
} from "./entries.ts";
import type { Files } from "./files.ts";
import { encodeFrame } from "./frame.ts";
import { abandonLine, beginLine, commitLine, finishLine, type SegmentHeader, type Told } from "./records.ts";
import { type JournalState, recoverJournal } from "./recovery.ts";
import { isFull, type Room } from "./room.ts";
import { Scratch } from "./scratch.ts";
import { SEGMENT_BYTES, segmentPath } from "./segments.ts";
import { type RetireOptions, Shelf } from "./shelf.ts";

export interface JournalOptions {
  readonly files: Files;
  readonly folder: string;
  readonly nodeId: string;
  /** Wall clock, UTC ms. */
  readonly now: () => number;
  readonly segmentBytes?: number;
  /** Random bytes for salts. */
  readonly random?: (bytes: number) => Buffer;
  /** Bounds what the journal may use; none: unbounded. */
  readonly room?: Room;
  /**
   * The process goes on and only this journal was lost: begins stay open, and what was durable after this seq is
   * told by `resumed`.
   */
  readonly resumeAfter?: number;
  /** Called when a commit is durable, and when a new segment begins. */
  readonly onDurable?: (lastLsn: number) => void;
  readonly onSegment?: () => void;
  /** The leaf hashes of a commit's events, once it is durable, and the root after them. */
  readonly onLeaves?: (firstSeq: number, hashes: readonly Buffer[], root: string) => void;
}

/** A wall clock that goes back further than this leaves a `clock_step` event. */
const CLOCK_STEP_MS = 1000;
/** Room for most commits. */
const SCRATCH_BYTES = 1 << 22;

interface Draft {
  readonly lines: string[];
  readonly leaves: Buffer[];
  readonly frontier: Frontier;
  readonly at: number;
  lsn: number;
  outboxId: number;
  told: Told | null;
  finished: number;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #random: (bytes: number) => Buffer;
  readonly #state: JournalState;
  #descriptor: number | null = null;
  #path = "";
  #bytes = 0;
  /** Whether the current segment holds a commit: if not, a failure may take the whole file away. */
  #holdsCommit = false;
  /** A segment without a commit that a failure left, and that could not be removed. */
  #stale: string | null = null;
  /** Events that opening had to add: one for each interrupted request, and the stop itself. */
  readonly recovered: {
    readonly interrupted: number;
    readonly uncleanStop: boolean;
    readonly tornBytes: number;
  };
  /** With `resumeAfter`: finishes that were durable beyond it, in order. */
  readonly resumed: readonly Settled[];
  readonly #segments: Shelf;
  /** A commit's frame; it is written again where the first write failed. */
  readonly #scratch = new Scratch(SCRATCH_BYTES);
  #toTell: [SystemAction, Record<string, number | string>][] = [];

  private constructor(options: JournalOptions) {
    this.#options = options;
    this.#random = options.random ?? createRandom();
    this.#segments = new Shelf(options.files, options.folder);
    const { state, stop, tornBytes, begun } = recoverJournal(options.files, options.folder, options.nodeId);
    this.#state = state;
    const interrupted = [...state.open.values()];
    if (begun === null) this.#openSegment();
    else {
      this.#path = begun.path;
      this.#bytes = begun.bytes;
      this.#descriptor = options.files.reopen(begun.path);
      options.files.syncFolder(options.folder);
      options.onSegment?.();
    }
    this.resumed = this.#settledAfter(options.resumeAfter);
    const uncleanStop = stop === "unclean" && options.resumeAfter === undefined;
    if (uncleanStop) this.#commitRecovery(interrupted);
    this.recovered = { interrupted: uncleanStop ? interrupted.length : 0, uncleanStop, tornBytes };
  }

  /** Recovers what is in the folder and begins a new segment. */
  static open(options: JournalOptions): Journal {
    return new Journal(options);
  }

  get lastLsn(): number {
    return this.#state.lastLsn;
  }

  get lastSeq(): number {
    return this.#state.frontier.size;
  }

  get outboxId(): number {
    return this.#state.outboxId;
  }

  get root(): string {
    return this.#state.frontier.root();
  }

  get openBegins(): number {
    return this.#state.open.size;
  }

  /** Drops that gap events have told of, since the node began. */
  get told(): Told {
    return this.#state.told;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /**
   * Makes the entries durable, all or none. Throws the disk's error; the journal can be tried again. `critical`
   * entries may use the reserve.
   */
  commit(entries: readonly JournalEntry[], { closed = false, critical = false } = {}): CommitResult {
    const draft = this.#draft();
    const own = this.#addOwn(draft);
    const ended = endedIn(entries);
    const begins: Row[] = [];
    for (const entry of entries) {
      if (entry[0] === "finish") this.#addFinish(draft, entry[1], entry[2]);
      else if (entry[0] === "abandon") {
        if (this.#state.open.has(entry[1])) draft.lines.push(abandonLine(++draft.lsn, entry[1]));
      } else if (!ended.has(eventIdOf(entry))) {
        begins.push(entry[1]);
        draft.lines.push(beginLine(++draft.lsn, entry[1]));
      }
    }
    this.#seal(draft, closed, critical || closed);
    this.#toTell = [];
    const { open } = this.#state;
    for (const row of begins) open.set(String(row[COLUMN.event_id]), row);
    if (open.size > 0) for (const entry of entries) if (entry[0] !== "begin") open.delete(eventIdOf(entry));
    return {
      firstSeq: draft.frontier.size - draft.finished + own + 1,
      finished: draft.finished - own,
      recordedAt: draft.at,
      lastLsn: draft.lsn,
      own,
    };
  }

  /**
   * Removes old segments whose events are stored and sealed: all but the newest `keepBytes`, and also of those what was
   * last written before `notBefore` (UTC ms).
   */
  retire({ storedSeq, sealedSeq, keepBytes, notBefore }: RetireOptions): number {
    const gone = this.#segments.retirable(Math.min(storedSeq, sealedSeq), keepBytes, notBefore);
    if (gone.length === 0) return 0;
    const { files, folder } = this.#options;
    for (const segment of gone) this.#segments.remove(segment);
    files.syncFolder(folder);
    return gone.length;
  }

  /** Begins newer segments, so that no event is in the two that stay; returns the last seq of the older ones. */
  turnOver(): number {
    const { lastSeq } = this;
    for (let turn = 0; turn < 2; turn++) {
      this.#closeSegment();
      this.commit([]);
    }
    return lastSeq;
  }

  /** The next commit has an event of Daybook's own more, before those of its entries. */
  tell(action: SystemAction, metadata: Record<string, number | string>): void {
    this.#toTell.push([action, metadata]);
  }

  /** Marks the journal as closed in order and lets go of its file. */
  close(): void {
    if (this.#state.open.size === 0) this.commit([], { closed: true });
    this.#closeSegment();
  }

  #draft(): Draft {
    const { lastLsn, frontier, outboxId } = this.#state;
    return {
      lines: [],
      leaves: [],
      frontier: frontier.copy(),
      at: this.#options.now(),
      lsn: lastLsn,
      outboxId,
      told: null,
      finished: 0,
    };
  }

  #settledAfter(seq: number | undefined): Settled[] {
    if (seq === undefined) return [];
    return this.#segments.eventsAfter(seq).map(({ row }) => ({
      eventId: String(row[COLUMN.event_id]),
      seq: Number(row[COLUMN.seq]),
      recordedAt: Number(row[COLUMN.recorded_at]),
    }));
  }

  #addFinish(draft: Draft, row: Row, { outboxId, told }: FinishAbout = {}): void {
    row[COLUMN.node_id] = this.#options.nodeId;
    row[COLUMN.seq] = draft.frontier.size + 1;
    row[COLUMN.schema_version] = SCHEMA_VERSION;
    row[COLUMN.recorded_at] = draft.at;
    const [p1Salt, p2Salt] = [this.#random(SALT_BYTES), this.#random(SALT_BYTES)];
    const event: JournalEvent = { row, p1Salt, p2Salt };
    const line = finishLine(++draft.lsn, p1Salt.toString("hex") + p2Salt.toString("hex"), row);
    const leaf = line.includes("\\") ? leafOf(event) : plainLeafOf(event);
    draft.lines.push(line);
    draft.leaves.push(leaf);
    draft.frontier.append(leaf);
    draft.finished++;
    if (outboxId !== undefined) draft.outboxId = Math.max(draft.outboxId, outboxId);
    if (told !== undefined) draft.told = told;
  }

  /** Events of Daybook's own that belong in this commit; how many. */
  #addOwn(draft: Draft): number {
    const { lastCommitAt } = this.#state;
    const stepped = lastCommitAt - draft.at > CLOCK_STEP_MS;
    if (stepped) this.#addTold(draft, "clock_step", { from: lastCommitAt, to: draft.at });
    for (const [action, metadata] of this.#toTell) this.#addTold(draft, action, metadata);
    return this.#toTell.length + (stepped ? 1 : 0);
  }

  #addTold(draft: Draft, action: SystemAction, metadata: Record<string, number | string>): void {
    const row = encodeRow(systemFacts(action, metadata, draft.at), answered(null), { count: 0 });
    this.#addFinish(draft, row);
  }

  /** Every begin without a finish becomes an event; the stop names the window in which a begin may be missing. */
  #commitRecovery(interrupted: readonly Row[]): void {
    const draft = this.#draft();
    const outcome = failed("interrupted");
    for (const begun of interrupted) {
      const row = begun.slice();
      row[COLUMN.status] = outcome.status;
      row[COLUMN.status_code] = outcome.statusCode;
      row[COLUMN.error_code] = outcome.errorCode;
      row[COLUMN.error_message] = outcome.errorMessage;
      row[COLUMN.duration_ms] = null;
      this.#addFinish(draft, row);
    }
    const metadata = {
      last_commit_at: this.#state.lastCommitAt,
      restarted_at: draft.at,
      interrupted: interrupted.length,
    };
    this.#addTold(draft, "unclean_stop", metadata);
    this.#seal(draft, false, true);
    this.#state.open.clear();
  }

  /** Writes the draft's frame and makes it the state. A failure is tried once more, in a new segment. */
  #seal(draft: Draft, closed: boolean, critical: boolean): void {
    const { frontier, at, told, outboxId } = draft;
    const lastLsn = ++draft.lsn;
    draft.lines.push(
      commitLine({ lastLsn, lastSeq: frontier.size, root: frontier.root(), outboxId, at, closed, told }),
    );
    const frame = encodeFrame(draft.lines, this.#scratch);
    this.#options.room?.admit(this.#segments.bytes, frame.length, critical);
    try {
      this.#append(frame);
    } catch (error) {
      this.#poison();
      // On a full disk the reserve is given up, for what is critical alone.
      if (isFull(error) && this.#options.room?.release() && !critical) throw error;
      try {
        this.#append(frame);
      } catch (error) {
        this.#poison();
        throw error;
      }
    }
    this.#holdsCommit = true;
    this.#state.lastLsn = lastLsn;
    this.#state.frontier = frontier;
    this.#state.outboxId = outboxId;
    this.#state.lastCommitAt = at;
    this.#state.told = told ?? this.#state.told;
    this.#options.onDurable?.(lastLsn);
    if (draft.leaves.length > 0)
      this.#options.onLeaves?.(frontier.size - draft.leaves.length + 1, draft.leaves, frontier.root());
  }

  #append(frame: Buffer): void {
    const { files, segmentBytes = SEGMENT_BYTES } = this.#options;
    if (this.#holdsCommit && this.#bytes + frame.length > segmentBytes) this.#closeSegment();
    const descriptor = this.#descriptor ?? this.#openSegment();
    files.append(descriptor, frame);
    this.#bytes += frame.length;
    this.#segments.grew(frame.length);
    files.sync(descriptor);
  }

  #closeSegment(): void {
    const full = this.#descriptor;
    this.#descriptor = null;
    if (full !== null) this.#options.files.close(full);
  }

  #openSegment(): number {
    const { files, folder, nodeId, now, onSegment } = this.#options;
    const { lastLsn, frontier, outboxId, lastCommitAt, open, told } = this.#state;
    const header: SegmentHeader = {
      format: 1,
      nodeId,
      firstLsn: lastLsn + 1,
      firstSeq: frontier.size + 1,
      fields: FIELDS.map((field) => field.name),
      frontier: frontier.hashes,
      outboxId,
      createdAt: now(),
      lastCommitAt,
      open: [...open.values()],
      ...(Object.keys(told).length === 0 ? {} : { told }),
    };
    const { firstLsn, firstSeq } = header;
    this.#path = segmentPath(folder, firstLsn);
    const frame = encodeFrame([JSON.stringify(header)]);
    this.#removeStale();
    const descriptor = files.create(this.#path);
    this.#descriptor = descriptor;
    this.#bytes = frame.length;
    this.#holdsCommit = false;
    this.#segments.begun({ firstLsn, path: this.#path, firstSeq, lastCommitAt });
    files.append(descriptor, frame);
    this.#segments.grew(frame.length);
    files.sync(descriptor);
    files.syncFolder(folder);
    onSegment?.();
    return descriptor;
  }

  /** Lets go of the current segment for good. One without a commit goes whole: its name is needed again. */
  #poison(): void {
    if (this.#descriptor === null) return;
    try {
      this.#closeSegment();
    } catch {
      // close(2) has let go of it all the same.
    }
    if (this.#holdsCommit) return;
    this.#segments.forgetNewest();
    this.#stale = this.#path;
    try {
      this.#removeStale();
    } catch {
      // Tried again before its name is used again.
    }
  }

  #removeStale(): void {
    if (this.#stale !== null) this.#options.files.remove(this.#stale);
    this.#stale = null;
  }
}
