// Counts and sums of what a filter lets through.
import type { EventFilter } from "../../query/filter.ts";
import { Latency } from "../latency.ts";
import { type Bucket, MAX_BUCKETS, type Stats, type Usage } from "../store.ts";
import { byField, collect, failedOf, type Source, sumsBySubject } from "./collect.ts";
import { mapIn, Sums, sumsIn } from "./rollups.ts";

export function stats(source: Source, filter: EventFilter): Stats {
  const shapes = new Map<number, Sums>();
  const latency = new Latency();
  collect(source, { filter, latencies: true, inSum: "shapes" }, (_, __, shape) =>
    sumsIn(shapes, shape, latency),
  );
  const all = new Sums(latency);
  for (const { values } of shapes.values()) all.add(values);
  const { requests: totalRequests, ...totals } = all.totals;
  const byStatus = byField(source, shapes, "status");
  return {
    totalRequests,
    byStatus: Object.fromEntries(byStatus),
    byBackend: Object.fromEntries(byField(source, shapes, "backend_type")),
    uniqueModels: byField(source, shapes, "model").size,
    failed: failedOf(shapes),
    ...totals,
    p50Ms: latency.quantile(0.5),
    p95Ms: latency.quantile(0.95),
    p99Ms: latency.quantile(0.99),
  };
}

export function histogram(source: Source, filter: EventFilter, bucketMs: number): Bucket[] {
  const { since, until } = filter;
  const buckets = since === undefined || until === undefined ? Number.NaN : (until - since) / bucketMs;
  if (!Number.isInteger(bucketMs) || bucketMs < 1 || !(buckets <= MAX_BUCKETS))
    throw new RangeError(`a histogram has since, until and at most ${MAX_BUCKETS} buckets between them`);
  /** By the start of the bucket: what succeeded, and what did not. */
  const starts = new Map<number, Map<number, Sums>>();
  collect(source, { filter, bucketMs, latencies: true, inSum: "failures" }, (startMs, _, shape) =>
    sumsIn(mapIn(starts, startMs - (startMs % bucketMs)), Math.sign(shape)),
  );
  return [...starts]
    .sort(([a], [b]) => a - b)
    .map(([from, bySign]) => {
      const all = new Sums();
      for (const sums of bySign.values()) all.merge(sums);
      const [requests = 0, , , totalTokens = 0, , costMicros = 0] = all.values;
      const p95Ms = all.latency.quantile(0.95);
      return { from, requests, failed: failedOf(bySign), totalTokens, costMicros, p95Ms };
    });
}

export function usage(source: Source, by: "api_key_id" | "user_id", since: number): Usage[] {
  const filter = { where: {}, since, includeSystem: true };
  return [...sumsBySubject(source, filter, by)].map(([subject, { values }]) => {
    const [requests = 0, promptTokens = 0, completionTokens = 0, totalTokens = 0, , costMicros = 0] = values;
    return { subject, requests, promptTokens, completionTokens, totalTokens, costMicros };
  });
}
