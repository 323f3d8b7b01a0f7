// Everything that is not durable yet, on its way to the journal: waiting here, or posted and being written. What waits
// is posted every 5 ms, at once when somebody waits, at most 250 entries a message and four messages at a time, so
// that what is not yet being written can still be replaced.
//
//   well ──disk refuses──► troubled: what was posted waits again; critical entries are posted, and now and then one
//     ▲                    message of the others, until one of those is durable
//     └──────────────────────────────┘
//   well or troubled ──thread lost──► lost: nothing is posted ──resumed──► well, less what turned out to be durable
import { COLUMN, type Row } from "../event/fields.ts";
import type { CommitResult, FinishAbout, JournalEntry, Settled } from "../journal/entries.ts";
import type { JournalEvents } from "../journal/journal-client.ts";
import type { Handle, OnItsWay } from "./handle.ts";

/** The part of JournalClient that the recorder needs. */
export interface JournalPort {
  readonly nodeId: string;
  readonly recovered: number;
  /** Drops that gap events had told of at the start. */
  readonly told: Readonly<Record<string, number>>;
  listen(events: JournalEvents): void;
  post(entries: JournalEntry[], critical: boolean): number;
  close(): Promise<void>;
  /** Ends the thread at once. */
  kill(): Promise<void>;
}

/** One thing for the journal. A begin that is still waiting when its event ends becomes the finish, in its place. */
export interface Entry extends OnItsWay {
  is: "begin" | "finish" | "abandon";
  readonly handle: Handle;
  bytes: number;
  /** Of a finish that may not be dropped, and that may have the reserve's room. */
  readonly about: FinishAbout | undefined;
  durable: PromiseWithResolvers<boolean> | null;
}

interface Posted {
  readonly id: number;
  readonly entries: Entry[];
  readonly critical: boolean;
  /** Monotonic, ms. */
  readonly at: number;
}

export interface QueueOptions {
  readonly journal: JournalPort;
  /** Monotonic clock, ms. */
  readonly monotonic: () => number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly onRecorded: (handle: Handle, seq: number, recordedAt: number) => void;
  /** The journal has added so many events of its own. */
  readonly onOwn: (events: number) => void;
  /** Entries have left, and there is no trouble. */
  readonly onRoom: () => void;
}

/** An open-mode begin younger than this, and what queues behind it, may be missing after a crash. */
const COMMIT_EVERY_MS = 5;
const MESSAGE_ENTRIES = 250;
const WINDOW = 4;
/** Retry of a commit that the disk refused. */
const RETRY_MS = 250;
/** A commit that takes longer is trouble: strict work is refused at once until it ends. */
const SLOW_MS = 2000;
/** Rough bytes of a row without its large cells. */
const ROW_BYTES = 600;

export class Queue {
  readonly #options: QueueOptions;
  #waiting: Entry[] = [];
  #posted: Posted[] = [];
  #entries = 0;
  #bytes = 0;
  /** A flush was due and could not post everything. */
  #due = false;
  #timer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #drained: PromiseWithResolvers<void> | null = null;
  #trouble: string | null = null;
  #lost = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    options.journal.listen({
      onDurable: (id, result) => this.#onDurable(id, result),
      onFailed: (id, reason) => this.#onFailed(id, reason),
      onLost: (reason) => this.#onLost(reason),
      onResumed: (durable) => this.#onResumed(durable),
    });
  }

  get size(): number {
    return this.#entries;
  }

  get isFull(): boolean {
    return this.#entries >= this.#options.maxEntries || this.#bytes >= this.#options.maxBytes;
  }

  get isHalfEmpty(): boolean {
    return this.#entries < this.#options.maxEntries / 2;
  }

  /** Why nothing can be made durable just now, or null. */
  get trouble(): string | null {
    const oldest = this.#posted[0];
    const slow = oldest !== undefined && this.#options.monotonic() - oldest.at > SLOW_MS;
    return this.#trouble ?? (slow ? "journal_slow" : null);
  }

  /** Handles of the finishes that are not durable. */
  *finishes(): Generator<Handle> {
    for (const { is, handle } of this.#all()) if (is === "finish") yield handle;
  }

  /** `durable` resolves true when the entry is durable, false when it never will be. */
  add(
    is: Entry["is"],
    handle: Handle,
    about?: FinishAbout,
    durable: PromiseWithResolvers<boolean> | null = null,
  ): Entry {
    const bytes = is === "finish" ? rowBytes(handle.row) : ROW_BYTES;
    const entry: Entry = { is, handle, bytes, about, durable };
    // Before anything is posted: from then on the entry is no longer one that can become the finish.
    if (is === "begin") handle.waitingBegin = entry;
    else if (is === "finish") handle.waitingFinish = entry;
    this.#waiting.push(entry);
    this.#entries++;
    this.#bytes += bytes;
    if (this.#waiting.length >= MESSAGE_ENTRIES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), COMMIT_EVERY_MS);
    return entry;
  }

  /** The waiting begin of `handle` becomes its finish; false when it has none that waits. */
  becomeFinish(handle: Handle): boolean {
    const entry = handle.waitingBegin as Entry | null;
    if (entry === null) return false;
    handle.waitingBegin = null;
    const bytes = rowBytes(handle.row);
    this.#bytes += bytes - entry.bytes;
    handle.waitingFinish = entry;
    entry.is = "finish";
    entry.bytes = bytes;
    if (handle.mode === "strict") entry.durable ??= Promise.withResolvers<boolean>();
    return true;
  }

  /** The finish of `handle`, while it is not durable. */
  finishOf(handle: Handle): Entry | null {
    return handle.waitingFinish as Entry | null;
  }

  /** Whether the entry is not being written yet, and may be changed. */
  waits(entry: Entry): boolean {
    return this.#waiting.includes(entry);
  }

  /** Posts before the next turn of the event loop, together with all that this turn adds. */
  flushSoon(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.#flush();
    });
  }

  /** Resolves when everything that was added is durable. */
  async drain(): Promise<void> {
    if (this.#entries === 0) return;
    this.#drained ??= Promise.withResolvers<void>();
    this.flushSoon();
    await this.#drained.promise;
  }

  /** Takes out everything that is not durable; whoever waits for it is told that it never will be. */
  giveUp(): Entry[] {
    const left = [...this.#all()];
    this.#posted = [];
    this.#waiting = [];
    for (const entry of left) this.#leave(entry, false);
    return left;
  }

  *#all(): Generator<Entry> {
    for (const { entries } of this.#posted) yield* entries;
    yield* this.#waiting;
  }

  #flush(probe = false): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#due = true;
    if (this.#lost) return;
    if (this.#trouble === null) this.#post(() => true, false, WINDOW);
    else {
      this.#post(isCritical, true, WINDOW);
      if (probe) this.#post((entry) => !isCritical(entry), false, this.#posted.length + 1);
      else this.#retrySoon();
    }
    if (this.#waiting.length === 0) this.#due = false;
    this.#checkDrained();
  }

  /** Posts what waits and is `chosen`, until `window` messages are on their way. */
  #post(chosen: (entry: Entry) => boolean, critical: boolean, window: number): void {
    const { journal, monotonic } = this.#options;
    const skipped: Entry[] = [];
    while (this.#waiting.length > 0 && this.#posted.length < window) {
      const entries: Entry[] = [];
      const message: JournalEntry[] = [];
      for (const entry of this.#waiting.splice(0, MESSAGE_ENTRIES)) {
        const sent = chosen(entry) ? this.#encode(entry) : undefined;
        if (sent === undefined) skipped.push(entry);
        else if (sent === null) this.#leave(entry, true);
        else {
          entries.push(entry);
          message.push(sent);
        }
      }
      if (message.length === 0) continue;
      this.#posted.push({ id: journal.post(message, critical), entries, critical, at: monotonic() });
    }
    if (skipped.length > 0) this.#waiting = skipped.concat(this.#waiting);
  }

  /** Tries what is not critical after a while. Nothing that happens meanwhile puts it off. */
  #retrySoon(): void {
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null;
      this.#flush(true);
    }, RETRY_MS);
  }

  /** Null: a begin of an event that was dropped, which the journal need not see. */
  #encode(entry: Entry): JournalEntry | null {
    const { handle, about } = entry;
    if (entry.is === "finish")
      return about === undefined ? ["finish", handle.row] : ["finish", handle.row, about];
    if (entry.is === "abandon") return ["abandon", handle.eventId];
    handle.waitingBegin = null;
    if (handle.state !== "open") return null;
    handle.begun = true;
    return ["begin", handle.row];
  }

  #leave(entry: Entry, durable: boolean): void {
    this.#entries--;
    this.#bytes -= entry.bytes;
    if (entry.is === "finish") entry.handle.waitingFinish = null;
    entry.durable?.resolve(durable);
  }

  #onDurable(id: number, { firstSeq, recordedAt, own }: CommitResult): void {
    const { onOwn, onRecorded, onRoom } = this.#options;
    if (own > 0) onOwn(own);
    let seq = firstSeq;
    for (const { entries, critical } of this.#takePosted(id)) {
      // A critical entry may have had the reserve's room: it says nothing of the others.
      if (!critical) this.#trouble = null;
      for (const entry of entries) {
        this.#leave(entry, true);
        if (entry.is === "finish") onRecorded(entry.handle, seq++, recordedAt);
      }
    }
    if (this.#trouble === null) onRoom();
    if (this.#due || this.#waiting.length >= MESSAGE_ENTRIES) this.#flush();
    this.#checkDrained();
  }

  #onFailed(id: number, reason: string): void {
    this.#trouble = reason;
    const refused = this.#takePosted(id).flatMap(({ entries }) => entries);
    this.#waiting = refused.concat(this.#waiting);
    this.#retrySoon();
  }

  #onLost(reason: string): void {
    this.#lost = true;
    this.#trouble = reason;
  }

  /** Of what was posted to the lost thread, `durable` is recorded; the rest is posted again, in order. */
  #onResumed(durable: readonly Settled[]): void {
    this.#lost = false;
    this.#trouble = null;
    const settled = new Map(durable.map((event) => [event.eventId, event]));
    const again: Entry[] = [];
    for (const entry of this.#posted.flatMap(({ entries }) => entries)) {
      const event = entry.is === "finish" ? settled.get(entry.handle.eventId) : undefined;
      if (event === undefined) again.push(entry);
      else {
        this.#leave(entry, true);
        this.#options.onRecorded(entry.handle, event.seq, event.recordedAt);
      }
    }
    this.#posted = [];
    this.#waiting = again.concat(this.#waiting);
    this.#flush();
  }

  /** The messages up to `id`, oldest first. */
  #takePosted(id: number): Posted[] {
    const later = this.#posted.findIndex((message) => message.id > id);
    return this.#posted.splice(0, later === -1 ? this.#posted.length : later);
  }

  #checkDrained(): void {
    if (this.#entries > 0) return;
    this.#drained?.resolve();
    this.#drained = null;
  }
}

function isCritical({ about }: Entry): boolean {
  return about !== undefined;
}

const LARGE = [COLUMN.input_json, COLUMN.old_values, COLUMN.new_values, COLUMN.metadata, COLUMN.attempts];

function rowBytes(row: Row): number {
  let bytes = ROW_BYTES;
  for (const column of LARGE) {
    const cell = row[column];
    if (typeof cell === "string") bytes += cell.length * 2;
  }
  return bytes;
}
