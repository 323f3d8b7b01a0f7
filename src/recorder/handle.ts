// One event in the making. Begun once, noted any number of times, finished exactly once.
//
//   open ──finish──► ended ──journal──► durable
//     └── (queue full) ──► dropped: counted, and every later call does nothing
import { checkFacts, type Misfits, setFacts } from "../event/encode.ts";
import { DaybookError } from "../event/errors.ts";
import {
  type Cell,
  COLUMN,
  type Facts,
  type FieldName,
  type Kind,
  type Mode,
  type Row,
} from "../event/fields.ts";
import { failed, type Outcome } from "../event/outcomes.ts";

/** How a finish ended: durable; replaced by `audit_unavailable` before it was written; or still being written. */
export type Settled = "durable" | "replaced" | "late";

/** What the recorder has on its way to the journal. */
export interface OnItsWay {
  durable: PromiseWithResolvers<boolean> | null;
}

/** What the handle asks of its recorder. */
export interface HandleOwner {
  /** Counts values that did not fit their fields. */
  readonly misfits: Misfits;
  announce(handle: Handle, wait: boolean): Promise<boolean> | null;
  /** The handle stands for one event more. */
  counted(handle: Handle): void;
  end(handle: Handle, outcome: Outcome): void;
  settle(handle: Handle, deadlineMs: number): Promise<Settled>;
}

export class Handle {
  readonly eventId: string;
  readonly kind: Kind;
  readonly mode: Mode;
  /** How many events it stands for. */
  count: number;
  /** The facts so far, as the journal takes them: what does not fit its field is null already. */
  readonly row: Row;
  /** Monotonic start, ms. */
  readonly startedAt: number;
  state: "open" | "ended" | "durable" | "dropped" = "open";
  place = -1;
  /** Whether the journal has been handed a begin of this event. */
  begun = false;
  /** Whether the finish gives the duration; false when it is a fact like any other. */
  isTimed = true;
  /** The recorder's own: its begin while that is not posted, its finish while that is not durable. */
  waitingBegin: OnItsWay | null = null;
  waitingFinish: OnItsWay | null = null;
  readonly #owner: HandleOwner;

  /** `row`: with at least event_id and count. */
  constructor(owner: HandleOwner, kind: Kind, mode: Mode, row: Row, startedAt: number) {
    this.#owner = owner;
    this.eventId = row[COLUMN.event_id] as string;
    this.count = row[COLUMN.count] as number;
    this.kind = kind;
    this.mode = mode;
    this.row = row;
    this.startedAt = startedAt;
  }

  /** Adds to the facts. Throws `unknown_field`, `content_refused` or `nested_metadata`, and then adds nothing. */
  note(facts: Facts): void {
    checkFacts(facts, true);
    if (this.state !== "open") return;
    if (facts.durationMs !== undefined) this.isTimed = false;
    setFacts(this.row, facts, this.#owner.misfits);
  }

  /** What is noted of a field so far. */
  noted(field: FieldName): Cell {
    return this.row[COLUMN[field]] ?? null;
  }

  /**
   * Says that work is about to leave this process. Strict: resolves true when the begin is durable, false when it
   * is not within `deadlineMs`. Open: writes the begin soon, and resolves true at once.
   */
  async announce(deadlineMs: number): Promise<boolean> {
    if (this.state === "dropped") return this.mode === "open";
    const durable = this.#owner.announce(this, this.mode === "strict");
    if (durable === null) return true;
    return withDeadline(durable, deadlineMs, false);
  }

  /** One more of the same, in one event with a `count`. False when it is over: that one needs an event of its own. */
  again(): boolean {
    if (this.state !== "open") return false;
    this.row[COLUMN.count] = ++this.count;
    this.#owner.counted(this);
    return true;
  }

  /** Fixes the outcome. A second call throws `already_finished`. */
  finish(outcome: Outcome): void {
    if (this.state === "dropped") return;
    if (this.state !== "open") throw new DaybookError("already_finished", this.eventId);
    this.#owner.end(this, outcome);
  }

  /** Resolves when the finish is durable or the deadline has passed; call it after finish(). */
  settled(deadlineMs: number): Promise<Settled> {
    return this.#owner.settle(this, deadlineMs);
  }

  /** Finishes as `internal_error` what was left open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === "open") this.finish(failed("internal_error"));
  }
}

/** `promise`, or `late` after `deadlineMs`. */
export async function withDeadline<T>(promise: Promise<T>, deadlineMs: number, late: T): Promise<T> {
  const { promise: deadline, resolve } = Promise.withResolvers<T>();
  const timer = setTimeout(resolve, deadlineMs, late);
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
