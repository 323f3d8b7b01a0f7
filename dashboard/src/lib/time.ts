// The one place that formats times and durations. Zones are the browser's own, or UTC, and always said.
import { preferences } from "#lib/preferences.svelte.ts";

export type Zone = "local" | "utc";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(undefined, {
    hourCycle: "h23",
    ...(zone === "utc" ? { timeZone: "UTC" } : {}),
    ...options,
  });
  formats.set(key, made);
  return made;
}

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

/** For an axis over `span` milliseconds. */
export function axisTime(at: number, span: number, zone: Zone = preferences.zone): string {
  if (span <= 600_000)
    return format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
  if (span <= 86_400_000 * 1.5) return format(zone, { hour: "2-digit", minute: "2-digit" }).format(at);
  if (span <= 86_400_000 * 8)
    return format(zone, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }).format(at);
  return format(zone, { month: "short", day: "numeric" }).format(at);
}

/** `3 minutes ago`, `in 2 days`. */
export function relative(at: number, now: number): string {
  const seconds = (at - now) / 1000;
  const units = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ] as const;
  const [unit, size] = units.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** `740ms`, `1.3s`, `2.5m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)}s` : `${(ms / 60_000).toFixed(1)}m`;
}
