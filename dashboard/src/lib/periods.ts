// Stretches of time to look over, each with the one before it to compare with. Days are those of the preferred zone.
import { startOfDay, type Zone } from "#lib/time.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface Period {
  /** UTC ms; the period ends with `until`, the one before it begins at `before`. */
  readonly before: number;
  readonly since: number;
  readonly until: number;
  /** As the explorer's address says it: what goes on to now stays relative. */
  readonly address: { readonly since: string; readonly until?: string };
}

export const PERIODS = [
  { name: "1h", title: "Last hour", ms: HOUR_MS },
  { name: "24h", title: "Last 24 hours", ms: DAY_MS },
  { name: "today", title: "Today", ms: 0 },
  { name: "yesterday", title: "Yesterday", ms: 0 },
  { name: "7d", title: "Last 7 days", ms: 7 * DAY_MS },
  { name: "30d", title: "Last 30 days", ms: 30 * DAY_MS },
] as const;

export function periodAt(name: string, now: number, zone: Zone): Period {
  const day = (days: number) => startOfDay(now, days, zone);
  const iso = (at: number) => new Date(at).toISOString();
  if (name === "today")
    return { before: day(-1), since: day(0), until: now, address: { since: iso(day(0)) } };
  if (name === "yesterday") {
    const [since, until] = [day(-1), day(0) - 1];
    return { before: day(-2), since, until, address: { since: iso(since), until: iso(until) } };
  }
  const { ms, name: since } = PERIODS.find((each) => each.name === name) ?? PERIODS[1];
  return { before: now - 2 * ms, since: now - ms, until: now, address: { since } };
}
