// Stretches of time to look over, each with the one before it to compare with.
const DAY_MS = 86_400_000;

export interface Period {
  /** UTC ms; the period ends with `until`, the one before it begins at `before`. */
  readonly before: number;
  readonly since: number;
  readonly until: number;
}

export const PERIODS = [
  { name: "1h", title: "Last hour", ms: DAY_MS / 24 },
  { name: "24h", title: "Last 24 hours", ms: DAY_MS },
  { name: "7d", title: "Last 7 days", ms: 7 * DAY_MS },
  { name: "30d", title: "Last 30 days", ms: 30 * DAY_MS },
] as const;

export function periodAt(name: string, now: number): Period {
  const { ms } = PERIODS.find((each) => each.name === name) ?? PERIODS[1];
  return { before: now - 2 * ms, since: now - ms, until: now };
}
