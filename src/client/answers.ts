// What sums are answered with (docs/reference/api.md).

export interface StatsJson {
  readonly total_requests: number;
  readonly failed: number;
  readonly by_status: Readonly<Record<string, number>>;
  readonly by_backend: Readonly<Record<string, number>>;
  readonly unique_models: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly cached_tokens: number;
  readonly cost_micros: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
}

export interface HistogramJson {
  readonly since: string;
  readonly until: string;
  readonly bucket_ms: number;
  /** Oldest first, without empty ones. */
  readonly buckets: readonly {
    readonly from: string;
    readonly requests: number;
    readonly failed: number;
    readonly total_tokens: number;
    readonly cost_micros: number;
    readonly p95_ms: number | null;
  }[];
}

/** By field. */
export type FacetsJson = Readonly<
  Record<
    string,
    {
      readonly values: readonly { readonly value: string | number | boolean; readonly requests: number }[];
      /** False: only the newest events of a long log were counted. */
      readonly exact: boolean;
    }
  >
>;

interface ActivityJson {
  readonly since: string;
  readonly until: string;
  /** null: everything is exact. Else only events since then were looked at, where no sums are kept. */
  readonly looked_back_to: string | null;
}

interface SubjectJson {
  readonly requests: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly by_kind: Readonly<Record<string, number>>;
  readonly quota_violations: number;
  readonly first_activity: string | null;
  readonly last_activity: string | null;
  readonly mean_ms: number | null;
  readonly p95_ms: number | null;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly cached_tokens: number;
  readonly cost_micros: number;
  readonly top_endpoints: readonly { readonly endpoint: string; readonly requests: number }[];
}

export interface UsersJson extends ActivityJson {
  readonly total_users: number;
  /** Those with the most requests first. */
  readonly users: readonly (SubjectJson & {
    readonly user_id: string;
    readonly unique_sessions: number;
    /** There when asked for: oldest first, without empty ones. */
    readonly buckets?: readonly {
      readonly from: string;
      readonly requests: number;
      readonly failed: number;
      readonly total_tokens: number;
      readonly cost_micros: number;
    }[];
  })[];
}

export interface SessionsJson extends ActivityJson {
  readonly total_sessions: number;
  /** Those with the newest event first. */
  readonly sessions: readonly (SubjectJson & {
    readonly session_id: string;
    readonly user_ids: readonly string[];
  })[];
}
