// The time that Daybook itself adds to a request: from when it is here whole until a provider is asked for the first
// time, with everything in between (parsing, policies, limits, and where recording is strict its fsync).
import { Histogram } from "prom-client";

/** In seconds: a fraction of a millisecond is usual, a fsync takes some. */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2];

export interface Overhead {
  readonly histogram: Histogram;
  /** One request's. */
  add(ms: number): void;
}

/** In no registry yet. */
export function createOverhead(): Overhead {
  const histogram = new Histogram({
    name: "daybook_overhead_seconds",
    help: "What Daybook adds to requests: from when one is here whole until a provider is asked.",
    buckets: BUCKETS,
    registers: [],
  });
  return { histogram, add: (ms) => histogram.observe(ms / 1000) };
}
