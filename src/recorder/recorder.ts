// Turns begun and finished work into events. The request thread only fills in small objects here; the queue takes
// them to the journal. A full queue drops the newest and counts it; when it has drained to half, a `gap` event tells
// exactly what was lost.
import { blankRow, checkFacts, type Misfits, setFacts, setOutcome } from "../event/encode.ts";
import { DaybookError } from "../event/errors.ts";
import {
  type AuditEvent,
  COLUMN,
  eventOf,
  type Facts,
  KINDS,
  type Kind,
  type Mode,
  type Row,
  SCHEMA_VERSION,
} from "../event/fields.ts";
import { newEventId, newRequestId } from "../event/ids.ts";
import { answered, failed, type Outcome } from "../event/outcomes.ts";
import { type SystemAction, systemFacts } from "../event/system.ts";
import type { FinishAbout } from "../journal/entries.ts";
import { Counters, type DropTotals } from "./counters.ts";
import { Handle, type HandleOwner, type Settled, withDeadline } from "./handle.ts";
import { type JournalPort, Queue } from "./queue.ts";
import { Running } from "./running.ts";
import { runTracked } from "./track.ts";

export interface RecorderOptions {
  readonly journal: JournalPort;
  readonly modes: Readonly<Record<Kind, Mode>>;
  /** Of the configuration, for every event; null: none was chosen. */
  readonly profile?: string | null;
  /** Wall clock, UTC ms. */
  readonly now?: () => number;
  /** Monotonic clock, ms. */
  readonly monotonic?: () => number;
  readonly maxQueued?: number;
  readonly maxQueuedBytes?: number;
  /** Drops of the node's life before this process, and where to keep them. */
  readonly drops?: { readonly totals: DropTotals; save(totals: DropTotals): void };
}

const RECENT = 100;
/** How long close() waits for the journal. */
const DRAIN_MS = 10_000;

export class Recorder implements HandleOwner {
  readonly counters: Counters;
  readonly #journal: JournalPort;
  readonly #modes: Readonly<Record<Kind, Mode>>;
  readonly #profile: string | null;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #queue: Queue;
  readonly #open = new Running<Handle>();
  readonly #subscribers = new Set<(event: AuditEvent) => void>();
  readonly #followers = new Set<(row: Row) => void>();
  readonly #recent: Row[] = [];
  #closing = false;

  constructor(options: RecorderOptions) {
    const { journal, modes, now = Date.now, monotonic = () => performance.now() } = options;
    const { maxQueued: maxEntries = 10_000, maxQueuedBytes: maxBytes = 64 * 1024 * 1024, drops } = options;
    this.#journal = journal;
    this.#modes = modes;
    this.#profile = options.profile ?? null;
    this.#now = now;
    this.#monotonic = monotonic;
    this.counters = new Counters({
      totals: drops?.totals ?? {},
      told: journal.told,
      onDrop: (totals) => drops?.save(totals),
    });
    this.#own(journal.recovered);
    this.#queue = new Queue({
      journal,
      monotonic,
      maxEntries,
      maxBytes,
      onRecorded: (handle, seq, recordedAt) => this.#recorded(handle, seq, recordedAt),
      onOwn: (events) => this.#own(events),
      onRoom: () => {
        if (this.#queue.isHalfEmpty) this.#tellGap();
      },
    });
    this.#tellGap();
  }

  /** Starts an event now. Throws as `note` does. `kind` and `action` are required; ids and times are made. */
  begin(facts: Facts & { kind: Kind; action: string }): Handle {
    checkFacts(facts);
    if (this.#closing) throw new DaybookError("recorder_closed");
    return this.#begin(facts);
  }

  /** `mustKeep`: it may not be dropped, whatever waits. */
  #begin(facts: Facts & { kind: Kind }, mustKeep = false): Handle {
    const { kind } = facts;
    const row = blankRow();
    setFacts(row, facts, this.misfits);
    row[COLUMN.event_id] ??= newEventId();
    row[COLUMN.count] ??= 1;
    row[COLUMN.timestamp] ??= this.#now();
    row[COLUMN.request_id] ??= newRequestId();
    row[COLUMN.policy_decision] ??= "n/a";
    row[COLUMN.profile] ??= this.#profile;
    const handle = new Handle(this, kind, this.#modes[kind], row, this.#monotonic());
    if (facts.durationMs !== undefined) handle.isTimed = false;
    this.counters.byKind[kind].begun += handle.count;
    if (!mustKeep && this.#queue.isFull) {
      handle.state = "dropped";
      this.counters.drop(kind, "queue_full", handle.count);
      return handle;
    }
    this.#open.add(handle);
    if (!mustKeep) this.#queue.add("begin", handle);
    return handle;
  }

  /**
   * Records `work` for its whole life; an async iterable that it gives, until its last item is delivered. See
   * track.ts for what strict mode waits for and what errors become.
   */
  async track<T>(
    facts: Facts & { kind: Kind; action: string },
    work: (handle: Handle) => T,
  ): Promise<Awaited<T>> {
    return runTracked(this.begin(facts), work);
  }

  /** Records something that is over. `durationMs` is a fact like any other here. */
  log(facts: Facts & { kind: Kind; action: string }, outcome: Outcome): Handle {
    const handle = this.begin(facts);
    handle.isTimed = false;
    handle.finish(outcome);
    return handle;
  }

  /** Records an outbox row; resolves when it is durable. */
  async recordOutbox(id: number, facts: Facts & { kind: Kind }): Promise<void> {
    const durable = await this.#keep(facts, { outboxId: id });
    if (!durable) throw new DaybookError("audit_unavailable", "the journal did not take it");
  }

  /**
   * Records what Daybook has to say of itself; never dropped. Resolves true when it is durable, false when it never
   * will be.
   */
  system(action: SystemAction, metadata: Record<string, number | string>): Promise<boolean> {
    return this.#keep({ ...systemFacts(action, metadata, this.#now()), kind: "system" }, {});
  }

  /** Records something that is over and may not be dropped. */
  #keep(facts: Facts & { kind: Kind }, about: FinishAbout): Promise<boolean> {
    const handle = this.#begin(facts, true);
    handle.isTimed = false;
    const durable = Promise.withResolvers<boolean>();
    this.#end(handle, answered(null), about, durable);
    this.#queue.flushSoon();
    return durable.promise;
  }

  /** Called with every event after it is durable, in order of seq. Returns the way out (idempotent). */
  subscribe(listener: (event: AuditEvent) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  /** Called with the row of every event after it is durable, in order of seq. It may not throw, nor keep the row. */
  follow(follower: (row: Row) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** The newest durable events of this process, oldest first. */
  recent(limit = RECENT): AuditEvent[] {
    return this.#recent.slice(-limit).map(eventOf);
  }

  /** Events begun that are neither recorded nor dropped, by kind, counted one by one. */
  inFlight(): Record<Kind, number> {
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
    for (const handles of [this.#open, this.#queue.finishes()]) {
      for (const { kind, count } of handles) counts[kind] += count;
    }
    return counts;
  }

  get misfits(): Misfits {
    return this.counters.misfits;
  }

  get nodeId(): string {
    return this.#journal.nodeId;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Why nothing can be recorded just now, or null. */
  get trouble(): string | null {
    return this.#queue.trouble;
  }

  /** Resolves when everything finished so far is durable. */
  drain(): Promise<void> {
    return this.#queue.drain();
  }

  /**
   * Drains, tells of untold drops, and closes the journal. What is still open stays open, for recovery to close. What
   * the journal does not take in time is counted as dropped, for the next start to tell.
   */
  async close(drainMs = DRAIN_MS): Promise<void> {
    if (this.#closing) return;
    this.#tellGap();
    this.#closing = true;
    const drained = await withDeadline(
      this.drain().then(() => true),
      drainMs,
      false,
    );
    if (drained) return this.#journal.close();
    for (const { is, handle } of this.#queue.giveUp()) {
      if (is !== "finish") continue;
      // A begin that is durable is told by recovery, as interrupted: it is not lost, and not counted twice.
      if (handle.begun) this.#open.add(handle);
      else this.counters.drop(handle.kind, "not_drained", handle.count);
    }
    await this.#journal.kill();
  }

  // HandleOwner

  announce(handle: Handle, wait: boolean): Promise<boolean> | null {
    if (wait && this.trouble !== null) return Promise.resolve(false);
    const entry = handle.waitingBegin ?? this.#queue.add("begin", handle);
    if (!wait) return null;
    entry.durable ??= Promise.withResolvers<boolean>();
    this.#queue.flushSoon();
    return entry.durable.promise;
  }

  counted({ kind }: Handle): void {
    this.counters.byKind[kind].begun++;
  }

  end(handle: Handle, outcome: Outcome): void {
    this.#end(handle, outcome);
    if (handle.mode === "strict") this.#queue.flushSoon();
  }

  async settle(handle: Handle, deadlineMs: number): Promise<Settled> {
    if (handle.state === "durable") return "durable";
    const entry = this.#queue.finishOf(handle);
    if (entry === null) return "late";
    const durable = entry.durable?.promise ?? Promise.resolve(false);
    // While nothing can be recorded there is nothing to wait for.
    const waitMs = this.trouble === null ? deadlineMs : 0;
    if (await withDeadline(durable, waitMs, false)) return "durable";
    if (!this.#queue.waits(entry)) return "late";
    setOutcome(handle.row, failed("audit_unavailable"), this.misfits);
    // A failed call is not charged.
    handle.row[COLUMN.cost_micros] = null;
    return "replaced";
  }

  #end(
    handle: Handle,
    outcome: Outcome,
    about?: FinishAbout,
    waited: PromiseWithResolvers<boolean> | null = null,
  ): void {
    const { row, kind, mode } = handle;
    this.#open.delete(handle);
    const isKept = mode === "strict" || about !== undefined || handle.waitingBegin !== null;
    if (!isKept && this.#queue.isFull) {
      handle.state = "dropped";
      this.counters.drop(kind, "queue_full", handle.count);
      if (handle.begun) this.#queue.add("abandon", handle);
      return;
    }
    handle.state = "ended";
    if (handle.isTimed) row[COLUMN.duration_ms] = Math.round(this.#monotonic() - handle.startedAt);
    setOutcome(row, outcome, this.misfits);
    if (this.#queue.becomeFinish(handle)) return;
    const durable = waited ?? (mode === "strict" ? Promise.withResolvers<boolean>() : null);
    this.#queue.add("finish", handle, about, durable);
  }

  #recorded(handle: Handle, seq: number, recordedAt: number): void {
    const { row } = handle;
    handle.state = "durable";
    this.counters.byKind[handle.kind].recorded += handle.count;
    row[COLUMN.node_id] = this.#journal.nodeId;
    row[COLUMN.seq] = seq;
    row[COLUMN.schema_version] = SCHEMA_VERSION;
    row[COLUMN.recorded_at] = recordedAt;
    this.#recent.push(row);
    if (this.#recent.length > RECENT) this.#recent.shift();
    for (const follower of this.#followers) follower(row);
    if (this.#subscribers.size === 0) return;
    const event = eventOf(row);
    for (const listener of this.#subscribers) {
      try {
        listener(event);
      } catch (error) {
        // One listener's fault is its own; the others and the trail go on.
        const name = error instanceof Error ? error.name : "a value";
        queueMicrotask(() => process.emitWarning(`A subscriber threw ${name}.`));
      }
    }
  }

  /** The journal's own events: they are begun and recorded at once. */
  #own(events: number): void {
    this.counters.byKind.system.begun += events;
    this.counters.byKind.system.recorded += events;
  }

  #tellGap(): void {
    if (this.#closing) return;
    const drops = this.counters.takeUntold();
    if (drops === null) return;
    const facts = systemFacts("gap", drops.untold, this.#now());
    void this.#keep({ ...facts, kind: "system" }, { told: drops.told });
  }
}
