// What an answer says of the limits per minute, under the names that OpenAI's clients know.
import type { Subject } from "./subject.ts";

const KINDS = [
  ["requests_per_minute", "requests"],
  ["tokens_per_minute", "tokens"],
] as const;

/** `x-ratelimit-limit-requests` and so on, of the subject with the least left; empty where there is no such limit. */
export function rateHeaders(subjects: readonly Subject[], now: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, noun] of KINDS) {
    let tightest: { readonly subject: Subject; readonly limit: number; readonly left: number } | null = null;
    for (const subject of subjects) {
      const limit = subject.limits[name];
      if (limit === null) continue;
      const left = Math.max(0, limit - subject.used(name, now) - subject.held(name));
      if (tightest === null || left < tightest.left) tightest = { subject, limit, left };
    }
    if (tightest === null) continue;
    const { subject, limit, left } = tightest;
    headers[`x-ratelimit-limit-${noun}`] = String(limit);
    headers[`x-ratelimit-remaining-${noun}`] = String(left);
    headers[`x-ratelimit-reset-${noun}`] = duration(subject.waitMs(name, now, limit));
  }
  return headers;
}

/** As OpenAI writes it: `1m0s`, `12s`, `350ms`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
