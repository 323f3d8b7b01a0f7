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

/** Neighbouring hashes of a node's Merkle log: the n-th tile of a level, as in C2SP tlog-tiles. */
export interface StoredTile {
  readonly level: number;
  readonly index: number;
  /** 32 bytes for each of 1 to 256 subtrees of 256^level leaves. */
  readonly hashes: Uint8Array;
}

/** A signed note over a log of `size` events. */
export interface StoredCheckpoint {
  readonly size: number;
  /** UTC ms. */
  readonly at: number;
  readonly note: string;
}

/** What shows that a node's events are what was recorded. */
export interface Seal {
  readonly nodeId: string;
  readonly tiles: readonly StoredTile[];
  /** Null: tiles alone, of a checkpoint that follows. */
  readonly checkpoint: StoredCheckpoint | null;
  /** The chain of the log's public keys; null: as it is. */
  readonly keys: string | null;
}

export interface SealedLog {
  readonly nodeId: string;
  readonly keys: string | null;
  /** Oldest first. */
  readonly checkpoints: readonly StoredCheckpoint[];
}

/** A part of all events, with where the next part begins; null: there is none. */
export interface Scanned {
  readonly events: JournalEvent[];
  readonly next: number | null;
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
  /**
   * Every event once, as the journal made it, in an order that stays as it is: in order of seq for each node, unless
   * somebody else has changed the store. Begins at `after`, the `next` of the part before; null: at the first.
   */
  scan(after: number | null, limit: number): Promise<Scanned>;
  /**
   * Adds to what is known of a node's log, in one transaction: a tile takes the place of a narrower one and of no other;
   * of the checkpoints the last of each hour (UTC) stays. Again: nothing changes.
   */
  seal(seal: Seal): Promise<void>;
  /** The sealed logs, by node id. */
  seals(): Promise<SealedLog[]>;
  /** The hashes of a tile, as many as are known; null when there is none. */
  tile(nodeId: string, level: number, index: number): Promise<Uint8Array | null>;
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
