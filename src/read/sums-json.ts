// Counts and sums as they are shown, snake_case like everything outside: the same for REST and the command line.
import type { Cell, FieldName } from "../event/fields.ts";
import { isoTime } from "../event/json.ts";
import type { EventFilter } from "../query/filter.ts";
import { type Bucket, type Facets, type Group, MAX_FACETS, type Stats, type Store } from "../stores/store.ts";
import type { Window } from "./windows.ts";

export function statsJson(stats: Stats) {
  return {
    total_requests: stats.totalRequests,
    failed: stats.failed,
    by_status: stats.byStatus,
    by_backend: stats.byBackend,
    unique_models: stats.uniqueModels,
    prompt_tokens: stats.promptTokens,
    completion_tokens: stats.completionTokens,
    total_tokens: stats.totalTokens,
    cached_tokens: stats.cachedTokens,
    cost_micros: stats.costMicros,
    p50_ms: stats.p50Ms,
    p95_ms: stats.p95Ms,
    p99_ms: stats.p99Ms,
  };
}

export type StatsJson = ReturnType<typeof statsJson>;

export function histogramJson(buckets: readonly Bucket[], { since, until }: Window, bucketMs: number) {
  return {
    since: isoTime(since),
    until: isoTime(until),
    bucket_ms: bucketMs,
    buckets: buckets.map((bucket) => ({
      from: isoTime(bucket.from),
      requests: bucket.requests,
      failed: bucket.failed,
      total_tokens: bucket.totalTokens,
      cost_micros: bucket.costMicros,
      p95_ms: bucket.p95Ms,
    })),
  };
}

export type HistogramJson = ReturnType<typeof histogramJson>;

/** By field, in the order in which they were asked for. */
export function facetsJson(fields: readonly FieldName[], facets: readonly Facets[]): FacetsJson {
  return Object.fromEntries(
    fields.map((field, at) => [field, facets[at] ?? { values: [], exact: true }] as const),
  );
}

export type FacetsJson = Record<string, Facets>;

const MAX_GROUPS = 100;
const HOUR_MS = 3_600_000;

/** What goes on, by user, sort of action and endpoint, in a window of time. `filter` names the window too. */
export async function metricsJson(
  store: Pick<Store, "groups" | "facets">,
  filter: EventFilter,
  { since, until }: Window,
) {
  // Both ends are included: a window is never empty.
  const hours = (until - since + 1) / HOUR_MS;
  const [sums, [users]] = await Promise.all([
    store.groups(filter, [[], ["kind", "action"], ["endpoint"], ["quota_violation"]], MAX_FACETS),
    store.facets(filter, ["user_id"], MAX_GROUPS),
  ]);
  const [all = [], actions = [], endpoints = [], quotas = []] = sums;
  const { requests: total, failed } = all[0] ?? { requests: 0, failed: 0 };
  const types = actions.slice(0, MAX_GROUPS);
  const changes = actions.filter(({ values: [kind] }) => kind === "admin").slice(0, MAX_GROUPS);
  const rate = (failed: number, requests: number) => (requests === 0 ? 0 : rounded(failed / requests));
  return {
    since: isoTime(since),
    until: isoTime(until),
    total_requests: total,
    failed,
    failure_rate: rate(failed, total),
    actions_by_user: (users?.values ?? []).map(({ value, requests }) => ({
      user_id: value,
      requests,
      per_hour: rounded(requests / hours),
    })),
    failures_by_type: types.map(({ values: [kind, action], requests, failed }) => ({
      kind: text(kind),
      action: text(action),
      requests,
      failed,
      failure_rate: rate(failed, requests),
    })),
    response_time_by_endpoint: endpoints
      .slice(0, MAX_GROUPS)
      .filter(({ values }) => values[0] !== null)
      .map(({ values: [endpoint], requests, meanMs, p50Ms, p95Ms, p99Ms }: Group) => ({
        endpoint: text(endpoint),
        requests,
        mean_ms: meanMs,
        p50_ms: p50Ms,
        p95_ms: p95Ms,
        p99_ms: p99Ms,
      })),
    admin_actions: changes.map(({ values: [, action], requests, failed }) => ({
      action: text(action),
      requests,
      failed,
      per_day: rounded((requests / hours) * 24),
    })),
    quota_violations: quotas
      .filter(({ values }) => values[0] !== null)
      .slice(0, MAX_GROUPS)
      .map(({ values, requests }) => ({ quota: text(values[0]), requests })),
    exact: users?.exact ?? true,
  };
}

function text(cell: Cell | undefined): string {
  return String(cell ?? "");
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
