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
