// What people and sessions did in a stretch of time: the words in which stores are asked and answer.
import type { EventFilter } from "../query/filter.ts";

/** Endpoints that are named of each person or session. */
export const TOP_ENDPOINTS = 5;

export interface ActivityQuestion {
  /** Of which events. */
  readonly filter: EventFilter & { readonly since: number; readonly until: number };
  readonly by: "user_id" | "session_id";
  /** Who has fewer requests is left out. */
  readonly minRequests: number;
  /** At most so many, 1 to MAX_FACETS: users with the most requests, sessions with the newest event. */
  readonly limit: number;
  /** Of users: sums by time too, as in histograms. null: none. */
  readonly bucketMs: number | null;
}

export interface ActivityBucket {
  readonly from: number;
  readonly requests: number;
  readonly failed: number;
  readonly totalTokens: number;
  readonly costMicros: number;
}

/** What one user, or one session, did. Sums stop at MAX_SAFE_INTEGER. */
export interface SubjectActivity {
  readonly subject: string;
  readonly requests: number;
  /** Of `requests`, those whose status is not `success`. */
  readonly failed: number;
  /** By kind, only those that there are. */
  readonly byKind: Readonly<Record<string, number>>;
  /** Of `requests`, those that broke a quota. */
  readonly quotaViolations: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly cachedTokens: number;
  readonly costMicros: number;
  /** The most frequent first; of equal ones the smaller name. */
  readonly topEndpoints: readonly { readonly value: string; readonly requests: number }[];
  /** recorded_at of the first and last events that are still there, UTC ms; null: none is. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  /** Of the events with a `duration_ms`, each counted once; null: there is none. Within 5 %. */
  readonly meanMs: number | null;
  readonly p95Ms: number | null;
  /** Of a user: its sessions, in no order. Of a session: its users. */
  readonly others: readonly string[];
  /** Oldest first, without empty ones. */
  readonly buckets: readonly ActivityBucket[];
}

export interface Activity {
  readonly subjects: readonly SubjectActivity[];
  /** How many there are, whatever `limit` says. */
  readonly total: number;
  /**
   * null: everything is exact. Else events older than this were too many to be looked at: they are missing in `others`
   * and latencies of users; and of sessions in everything.
   */
  readonly lookedBackTo: number | null;
}
