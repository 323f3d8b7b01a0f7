// The contract of every store, in prose. A store is a projection of journals: events arrive in batches, in the
// order of their node's seq, and are read newest first by (recorded_at, node_id, seq). Drivers are written
// natively and share this contract and its conformance suite (test/conformance/store.ts), never a base class.

import type { Charges } from "../event/charges.ts";
import type { AuditEvent, Cell, FieldName, Kind, Row } from "../event/fields.ts";
import type { JournalEvent } from "../event/leaf.ts";
import type { AsOf, EventFilter, EventKey, EventQuery, RowsQuery } from "../query/filter.ts";
import type { Activity, ActivityQuestion } from "./activity.ts";
import type {
  EraseProgress,
  EraseStep,
  IsMeant,
  PrunePlan,
  PruneProgress,
  PruneRules,
  PruneStep,
  Subject,
  Traces,
} from "./removal.ts";

export type { Charges, JournalEvent };

/** Most buckets of a histogram, and values of a facet. */
export const MAX_BUCKETS = 2000;
export const MAX_FACETS = 1000;

/** What the cap on size never removes: the record of who changed what, who came in, and what Daybook did. */
export const KEPT_UNDER_CAP: ReadonlySet<Kind> = new Set(["admin", "auth", "system"]);

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
  /** The one user whom these events charge; null: they charge nobody. Left out: whomever they name. */
  readonly payer?: string | null;
}

/** `conflict`: the store is not at `from`; nothing was changed, and `at` is where it is. */
export type Appended =
  | { readonly result: "appended" }
  | { readonly result: "conflict"; readonly at: Position | null };

export interface Page {
  readonly events: AuditEvent[];
  /**
   * Present when more may follow. A search that finds little ends after a bounded stretch of the log, with a short or
   * empty page and the place to go on from, so that no page takes longer because the log is long.
   */
  readonly next: EventKey | null;
  /** What the page was read at; pass it on with `next`. */
  readonly asOf: AsOf;
}

/** As a page, for exports: events as their cells. */
export interface Rows extends Omit<Page, "events"> {
  readonly rows: Row[];
  /** For each row a number, where the store knows one: rows of the same number are equal in all of ALIKE_FIELDS. */
  readonly alike: readonly number[] | null;
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
  /** Of `totalRequests`, those whose status is not `success`. */
  readonly failed: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly cachedTokens: number;
  readonly costMicros: number;
  /** Of the events with a `duration_ms`, each counted once; null: there is none. Within 5 %. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** Events recorded from `from` on (UTC ms), for as long as a bucket is. */
export interface Bucket {
  readonly from: number;
  readonly requests: number;
  readonly failed: number;
  readonly totalTokens: number;
  readonly costMicros: number;
  readonly p95Ms: number | null;
}

export interface Facet {
  readonly value: Exclude<Cell, null>;
  readonly requests: number;
}

export interface Facets {
  /** The most frequent first; of equal ones the smaller value. Events without a value are in none. */
  readonly values: readonly Facet[];
  /** False: only the newest events of a long log were counted. */
  readonly exact: boolean;
}

/** What sums can be grouped by: few values, which every store keeps sums for. */
export const GROUPED_FIELDS: readonly FieldName[] = [
  "kind",
  "action",
  "caller",
  "profile",
  "name",
  "method",
  "endpoint",
  "entity_type",
  "model",
  "backend_type",
  "provider",
  "route",
  "status",
  "status_code",
  "error_code",
  "policy_decision",
  "quota_violation",
];

export interface Group {
  /** In the order of the fields that were asked for. */
  readonly values: readonly Cell[];
  readonly requests: number;
  readonly failed: number;
  readonly totalTokens: number;
  readonly costMicros: number;
  /** Of the events with a `duration_ms`, each counted once; null: there is none. Within 5 %. */
  readonly meanMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** What one API key or user has used. */
export interface Usage {
  readonly subject: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly costMicros: number;
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

/** A part of all events, with the number of its last row, after which the next part begins; null: there is none. */
export interface Scanned {
  readonly events: JournalEvent[];
  /** How many more there are that cannot be read as events: somebody else has changed the store. */
  readonly unreadable: number;
  readonly next: number | null;
}

/** What came into the store beyond a position. */
export interface Followed {
  /** In the order in which they came; of each node in order of seq. */
  readonly events: AuditEvent[];
  /** How far that is; to be passed on. */
  readonly at: AsOf;
  /** Nothing that was asked for is beyond `at`. */
  readonly isLevel: boolean;
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
  /** As `query`, with longer pages; rejects with a RangeError beyond MAX_ROWS. */
  rows(query: RowsQuery): Promise<Rows>;
  /** One event, of any kind, or null. */
  get(eventId: string): Promise<AuditEvent | null>;
  /** The event as the journal made it, salts included, so that its leaf can be recomputed; null when unknown. */
  leafSource(eventId: string): Promise<JournalEvent | null>;
  /**
   * Every event once, as the journal made it, in an order that stays as it is: in order of seq for each node, unless
   * somebody else has changed the store. Begins after `after`, the `next` of the part before or the number of any row;
   * null: at the first. Ends with row `upTo`.
   */
  scan(after: number | null, limit: number, upTo?: number): Promise<Scanned>;
  /**
   * Events beyond `after`, at most `limit`; nodes that it does not name count from their first. `upTo` (null: now) is a
   * position that this gave before, or `positions`. A call may look for the place where `after` is, and have no events:
   * then it is to be asked again, from the same connection. Events that retention has removed are missing.
   */
  follow(after: AsOf, upTo: AsOf | null, limit: number): Promise<Followed>;
  /**
   * Adds to what is known of a node's log, in one transaction: a tile takes the place of a narrower one and of no other;
   * of the checkpoints the last of each hour (UTC) stays. Again: nothing changes.
   */
  seal(seal: Seal): Promise<void>;
  /** The sealed logs, by node id. */
  seals(): Promise<SealedLog[]>;
  /** The hashes of a tile, as many as are known; null when there is none. */
  tile(nodeId: string, level: number, index: number): Promise<Uint8Array | null>;
  /**
   * Stats, histograms and usage are exact, whatever the filter. A driver may answer them from sums that it keeps by
   * period, and then goes on counting events that retention has removed; in a period that `since` or `until` cuts, and
   * for filters that its sums do not know, only events that are still there count. Latencies likewise.
   */
  stats(filter: EventFilter): Promise<Stats>;
  /**
   * Stats by time, oldest first, without empty buckets; buckets start at multiples of `bucketMs` since 1970. Rejects
   * with a RangeError unless `since` and `until` are given and make at most MAX_BUCKETS.
   */
  histogram(filter: EventFilter, bucketMs: number): Promise<Bucket[]>;
  /** Of each field the values that it has in the events that match, `limit` (at most MAX_FACETS) of them. */
  facets(filter: EventFilter, fields: readonly FieldName[], limit: number): Promise<Facets[]>;
  /**
   * For each of `groupings`, of one moment: sums for each combination of values of its fields (GROUPED_FIELDS), the most
   * requests first, `limit` (at most MAX_FACETS) of them; of no fields, everything. Exact, as stats are.
   */
  groups(
    filter: EventFilter,
    groupings: readonly (readonly FieldName[])[],
    limit: number,
  ): Promise<Group[][]>;
  /** Every API key or user with events recorded at or after `since`, kind `system` included, in no order. */
  usage(question: { readonly by: "api_key_id" | "user_id"; readonly since: number }): Promise<Usage[]>;
  /**
   * What each user, or each session, did. Sums of users are exact, as stats are. What no store keeps sums for is looked up
   * in the newest events, as many as that takes a second for, and it is said where that was not all of them.
   */
  activity(question: ActivityQuestion): Promise<Activity>;
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
  /**
   * What retention would remove now. Changes nothing, and may take long: ask a reader. Events go by age, each kind at
   * its own, but for those of action `pruned`, which say what is gone, and stay; over the cap the oldest go too, but for the kinds of KEPT_UNDER_CAP, which a flood of others must not
   * push out. What is held stays.
   */
  planPrune(rules: PruneRules): Promise<PrunePlan>;
  /**
   * A step of the plan, short enough to come between appends: removes some of its events, or gives a part of the free
   * space back to the disk. To be called with `next` until that is null; without it, from the beginning. Charges stay,
   * and so do sums by period until no kind is kept that long. `isMeant` is asked once nobody else writes: where
   * it answers false, the step rejects with the code `closed`, and has changed nothing.
   */
  prune(plan: PrunePlan, progress?: PruneProgress, isMeant?: IsMeant): Promise<PruneStep>;
  /** What an erasure of the subject would find now. Changes nothing, and may take long: ask a reader. */
  traces(subject: Subject): Promise<Traces>;
  /**
   * A step of an erasure, short enough to come between appends, but for the last, which may take as long as a copy of the
   * store. To be called with `next` until that is null; without it, from the beginning. The subject's events are those
   * with its `user_id`, those about it (`entity_id`), and those that name it in `metadata`, `old_values` or `new_values`,
   * but for events of action `pruned`. Of each, the groups P1 and P2 go with their salts, and their commitments take the
   * salts' place. Sums and charges go to the pseudonym, unless something is held. When it is over, no byte of the store
   * has anything of what went. Events that are appended later are as they come. `isMeant` as in `prune`.
   */
  erase(subject: Subject, progress?: EraseProgress, isMeant?: IsMeant): Promise<EraseStep>;
  /** Writes a copy of this moment to a file that is not there yet, while others write. */
  backup(path: string): Promise<void>;
  /** Rejects with the reason when the store cannot be read. */
  health(): Promise<void>;
  /** Waits for running calls; later calls reject. Idempotent. */
  close(): Promise<void>;
}
