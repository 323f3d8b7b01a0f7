// The contract of every store, in prose. A store is a projection of journals: events arrive in batches, in the
// order of their node's seq, and are read newest first by (recorded_at, node_id, seq). Drivers are written
// natively and share this contract and its conformance suite (test/conformance/store.ts), never a base class.
import type { Charges } from "../event/charges.ts";
import type { AuditEvent } from "../event/fields.ts";
import type { JournalEvent } from "../event/leaf.ts";
import type { AsOf, EventFilter, EventKey, EventQuery } from "../event/query.ts";

export type { Charges, JournalEvent };

/** How far a node's journal is in the store: the last seq and the Merkle root (64 hex digits) up to it. */
export interface Position {
  readonly nodeId: string;
  readonly seq: number;
  readonly root: string;
}

export interface Batch {
  readonly nodeId: string;
  /** Contiguous seqs from `from.seq + 1` (from `lost.toSeq + 1` where events are lost) to `to.seq`; may be empty. */
  readonly events: readonly JournalEvent[];
  /**
   * Where the store must be; null: it must not know the node yet, and meets it at `to.seq - events.length + 1`,
   * which is not 1 where the journal's first segments are gone.
   */
  readonly from: Position | null;
  readonly to: Position;
  /** Events right before these that no journal holds any more: their seqs are skipped. */
  readonly lost?: { readonly fromSeq: number; readonly toSeq: number } | null;
}

/** `conflict`: the store is not at `from`; nothing was changed, and `at` is where it is. */
export type Appended =
  | { readonly result: "appended" }
  | { readonly result: "conflict"; readonly at: Position | null };

export interface Page {
  readonly events: AuditEvent[];
  /** Present when more may follow. */
  readonly next: EventKey | null;
  /** What the page was read at; pass it on with `next`. */
  readonly asOf: AsOf;
}

/** Sums stop at MAX_SAFE_INTEGER. */
export interface Stats {
  /** Sum of `count` over the events that match. */
  readonly totalRequests: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Events without a `backend_type` are in none. */
  readonly byBackend: Readonly<Record<string, number>>;
  /** Distinct non-null `model`. */
  readonly uniqueModels: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
}

export interface Capabilities {
  /** A second process may read while one writes. */
  readonly concurrentReaders: boolean;
}

/** A failure of the database itself rejects with its native name (SQLITE_FULL, an errno) as the error's `code`. */
export interface Store {
  readonly capabilities: Capabilities;
  /**
   * Adds the events and moves the position in one transaction, by compare-and-swap on `from`: all of it or
   * nothing. Applying the same batch again answers `conflict` with `at` equal to `to`. Durability may lag until
   * `checkpoint`; order may not. A batch that is not contiguous, or a value that its field cannot hold, is a fault
   * of the caller: it rejects with a RangeError or TypeError, and nothing was changed.
   */
  append(batch: Batch): Promise<Appended>;
  /** Makes everything appended so far durable against power loss; rejects when that is not certain. */
  checkpoint(): Promise<void>;
  /** Every node that the store knows. */
  positions(): Promise<Position[]>;
  /** A page of events, newest first. Filters combine with AND, values of one field with OR. */
  query(query: EventQuery): Promise<Page>;
  /** One event, of any kind, or null. */
  get(eventId: string): Promise<AuditEvent | null>;
  /** The event as the journal made it, salts included, so that its leaf can be recomputed; null when unknown. */
  leafSource(eventId: string): Promise<JournalEvent | null>;
  stats(filter: EventFilter): Promise<Stats>;
  /**
   * What each user was charged by each node since its first event: the sum of `cost_micros` over its events with a
   * `user_id`, of any kind, kept in the transaction of `append`. Sums stop at MAX_SAFE_INTEGER.
   */
  charges(): Promise<Charges>;
  /**
   * Takes the sums of a copy for each node that the copy is ahead of, so that a store that was rebuilt, or restored
   * from an older backup, counts no event twice and none too few: events of such a node are counted by `append` only
   * beyond the copy. Idempotent; nodes where the store is as far or further stay as they are.
   */
  restoreCharges(copy: Charges): Promise<void>;
  /** Rejects with the reason when the store cannot be read. */
  health(): Promise<void>;
  /** Waits for running calls; later calls reject. Idempotent. */
  close(): Promise<void>;
}
