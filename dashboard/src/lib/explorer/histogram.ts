// How many events there are, by time.
import { ask } from "#lib/api.ts";
import type { EventFilter } from "../../../../src/query/filter.ts";
import { writeFilter } from "../../../../src/query/parameters.ts";
import type { HistogramJson } from "../../../../src/read/sums-json.ts";
import type { Bucket } from "./timeline.ts";

export interface Bar extends Bucket {
  readonly failed: number;
}

export interface Histogram {
  /** UTC ms; both ends are in it. */
  readonly since: number;
  readonly until: number;
  readonly widthMs: number;
  /** Oldest first; those without events are left out. */
  readonly buckets: readonly Bar[];
  readonly total: number;
}

async function asked(filter: EventFilter, signal: AbortSignal): Promise<Histogram> {
  const path = `/admin/audit-logs/histogram?${writeFilter(filter)}`;
  const { data } = await ask<HistogramJson>(path, { signal });
  const buckets = data.buckets.map(({ from, requests, failed }) => ({
    from: Date.parse(from),
    requests,
    failed,
  }));
  return {
    since: Date.parse(data.since),
    until: Date.parse(data.until),
    widthMs: data.bucket_ms,
    buckets,
    total: buckets.reduce((sum, { requests }) => sum + requests, 0),
  };
}

/** Of all time (`since` 0), from the first event on. */
export async function histogramOf(
  filter: EventFilter & { readonly since: number },
  now: number,
  signal: AbortSignal,
): Promise<Histogram> {
  let found = await asked({ ...filter, until: filter.until ?? now }, signal);
  // Over all time one bucket is months: the first that has events says where to look closer, once or twice.
  for (let round = 0; filter.since === 0 && round < 3; round++) {
    const first = found.buckets[0]?.from;
    if (first === undefined || found.until - first > (found.until - found.since) / 2) break;
    found = await asked({ ...filter, since: first, until: found.until }, signal);
  }
  return found;
}
