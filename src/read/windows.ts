// Stretches of time for what needs both ends, and the buckets to cut them into.
import { DaybookError } from "../event/errors.ts";
import type { EventFilter } from "../query/filter.ts";
import { MAX_BUCKETS } from "../stores/store.ts";

/** UTC ms, both included. */
export interface Window {
  readonly since: number;
  readonly until: number;
}

const DAY_MS = 86_400_000;
const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS } as const;
/** From an hour on, sums are kept and not counted. */
const WIDTHS_MS = [
  1_000,
  10_000,
  60_000,
  300_000,
  ...[1, 3, 6, 12, 24, 7 * 24, 32 * 24].map((h) => h * 3_600_000),
];
const ENOUGH_BUCKETS = 125;
/** Windows from here on are cut into hours, and days, at least: sums of those are read, not made. */
const LONG_MS = DAY_MS / 2;
const VERY_LONG_MS = 10 * DAY_MS;

/** The filter with both ends: up to now, and from a day before that, unless it says. Throws `bad_query`. */
export function bounded<Filter extends EventFilter>(filter: Filter, now: number): Filter & Window {
  const until = filter.until ?? now;
  const since = filter.since ?? Math.max(0, until - DAY_MS);
  if (since > until) throw new DaybookError("bad_query", "since is later than now: give until too.");
  return { ...filter, since, until };
}

/** A width such as `5m`, `1h`, `7d`, in ms; one that fits the window where none is given. Throws `bad_query`. */
export function bucketMsOf(text: string | undefined, { since, until }: Window): number {
  const spanMs = until - since;
  if (text === undefined) {
    const least = spanMs > VERY_LONG_MS ? DAY_MS : spanMs > LONG_MS ? UNITS_MS.h : 0;
    const fits = (width: number) => width >= least && spanMs / width <= ENOUGH_BUCKETS;
    return (
      WIDTHS_MS.find(fits) ?? (WIDTHS_MS.at(-1) as number) * Math.ceil(spanMs / (32 * DAY_MS * MAX_BUCKETS))
    );
  }
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const widthMs = Number(count) * (UNITS_MS[unit as keyof typeof UNITS_MS] ?? 0);
  if (widthMs === 0) throw new DaybookError("bad_query", "bucket must be a span such as 30s, 5m, 1h or 7d.");
  if (spanMs / widthMs <= MAX_BUCKETS) return widthMs;
  throw new DaybookError(
    "bad_query",
    `bucket ${text} cuts this time into more than ${MAX_BUCKETS} buckets: take a wider one, or narrow since and until.`,
  );
}
