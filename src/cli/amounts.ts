// Numbers for people: counts, bytes and times with their units.

/** 12,345 */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 event`, `2 events`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

const UNITS = ["KiB", "MiB", "GiB", "TiB"];

/** 512 B, 1.5 MiB */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, "B"];
  for (const larger of UNITS) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return `${unit === "B" || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10} ${unit}`;
}

/** The largest whole unit: 900 ms, 12 s, 5 min, 3 h, 40 d. */
export function durationText(ms: number): string {
  const whole = (unitMs: number) => Math.floor(ms / unitMs);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${whole(1000)} s`;
  if (ms < 7_200_000) return `${whole(60_000)} min`;
  return ms < 172_800_000 ? `${whole(3_600_000)} h` : `${whole(86_400_000)} d`;
}
