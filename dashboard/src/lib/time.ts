// The one place that formats times and durations. Zones are the browser's own, or UTC, and always said.
import { preferences } from "#lib/preferences.svelte.ts";

export type Zone = "local" | "utc";

/** `UTC`, or the local zone with its offset at `at`: an hour has another one in summer. */
export function zoneName(at: number, zone: Zone = preferences.zone): string {
  if (zone === "utc") return "UTC";
  const minutes = -new Date(at).getTimezoneOffset();
  const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = `${minutes < 0 ? "−" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
  return `${Intl.DateTimeFormat().resolvedOptions().timeZone} (UTC${offset})`;
}

/** Year-month-day hour:minute:second, whatever the language: it sorts, and nobody takes a month for a day. */
export function dateTime(
  at: number,
  zone: Zone = preferences.zone,
  parts: "seconds" | "millis" | "minutes" = "seconds",
): string {
  const date = zone === "utc" ? new Date(at) : new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  const iso = date.toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, { minutes: 16, seconds: 19, millis: 23 }[parts])}`;
}

/** When the day begins that is `days` after the day of `at`: with a clock change in it, it has 23 or 25 hours. */
export function startOfDay(at: number, days = 0, zone: Zone = preferences.zone): number {
  const date = new Date(at);
  if (zone === "utc") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + days);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/** `740ms`, `1.3s`, `2.5m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)}s` : `${(ms / 60_000).toFixed(1)}m`;
}
