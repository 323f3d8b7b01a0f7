// Points in time as people and programs write them, read as UTC milliseconds. The machine's own time zone
// never matters: a date without a zone is refused, not guessed.

const ISO =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:[Zz]|([+ -])(\d{2}):?(\d{2}))$/;
const EPOCH_MS = /^\d{1,16}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const SPAN = /^(\d{1,9})([smhd])$/;
const SPAN_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** The end of the year 9999, the last that ISO 8601 writes with four digits. */
const MAX_INSTANT = 253_402_300_799_999;

export const BOUND_FORMS =
  "2026-01-31 (a whole day, UTC), 2026-01-31T08:00:00Z (ISO 8601 with a zone), milliseconds since 1970, or a span before now such as 30s, 10m, 2h, 7d";
export const INSTANT_FORMS = "2026-01-31T08:00:00Z (ISO 8601 with a zone) or milliseconds since 1970";

/**
 * ISO 8601 date and time with a zone, or milliseconds since 1970, as UTC ms; null when `text` is neither.
 * A `+` that a URL turned into a space is taken as `+`. Finer than a millisecond is rounded down, or up when
 * `round` says so (a lower bound).
 */
export function parseInstant(text: string, round: "down" | "up" = "down"): number | null {
  if (EPOCH_MS.test(text)) return Number(text) <= MAX_INSTANT ? Number(text) : null;
  const match = ISO.exec(text);
  if (match === null) return null;
  const [, date, minute, second = "00", digits = "", sign, hours = "0", minutes = "0"] = match;
  const written = `${date}T${minute}:${second}`;
  const local = Date.parse(`${written}Z`);
  // Days and hours that do not exist are carried over (30 February, 24 o'clock); the round trip shows it.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(written)) return null;
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  const fraction = Number(digits.padEnd(9, "0")) / 1_000_000;
  const instant = local - offset + (round === "up" ? Math.ceil(fraction) : Math.floor(fraction));
  return instant >= 0 && instant <= MAX_INSTANT ? instant : null;
}

/**
 * As `parseInstant`, and spans before `now`: `30s`, `10m`, `2h`, `7d`; and days (UTC), which begin with their first
 * millisecond (`up`, a lower bound) and end with their last.
 */
export function parseBound(text: string, now: number, round: "down" | "up"): number | null {
  if (DAY.test(text)) return parseInstant(`${text}T${round === "up" ? "00:00" : "23:59:59.999"}Z`);
  const span = SPAN.exec(text);
  if (span === null) return parseInstant(text, round);
  return Math.max(0, now - Number(span[1]) * SPAN_MS[span[2] as keyof typeof SPAN_MS]);
}
