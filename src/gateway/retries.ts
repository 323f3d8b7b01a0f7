// When a failed try may be followed by another one, and after how long.
import type { IncomingHttpHeaders } from "node:http";

export interface RetryOptions {
  /** Further rounds over a route's providers after the first, as far as this provider takes part. */
  readonly max: number;
  /** Before the second round; twice as long before each further one. */
  readonly waitMs: number;
}

/** Statuses after which another try may do better; 529 is Anthropic's "overloaded". */
const RETRYABLE = new Set([408, 409, 429, 500, 502, 503, 504, 529]);

/** Longer waits, asked for by the provider or doubled so often, are the client's to decide on. */
export const MAX_WAIT_MS = 10_000;

export function isRetryable(status: number): boolean {
  return RETRYABLE.has(status);
}

/** Whether a status tells that the provider itself is not well; that it wants less traffic (429) does not. */
export function isProviderFault(status: number): boolean {
  return status >= 500;
}

/** What the provider says about trying again, in ms: `retry-after-ms`, else `Retry-After` (RFC 9110, 10.2.3); or null. */
export function askedWaitMs(headers: IncomingHttpHeaders, nowMs: number): number | null {
  const exact = headers["retry-after-ms"];
  if (typeof exact === "string" && /^\d{1,9}(?:\.\d+)?$/.test(exact)) return Number(exact);
  const after = headers["retry-after"];
  if (after === undefined) return null;
  if (/^\d{1,9}(?:\.\d+)?$/.test(after)) return Number(after) * 1000;
  const time = Date.parse(after);
  return Number.isNaN(time) ? null : Math.max(0, time - nowMs);
}

/** `x-should-retry: false`, as OpenAI and Anthropic send it. */
export function forbidsRetry(headers: IncomingHttpHeaders): boolean {
  return headers["x-should-retry"] === "false";
}

/** Before round `round` (1 is the first repetition), with a quarter more or less so that clients spread. */
export function backoffMs(waitMs: number, round: number, random: () => number = Math.random): number {
  return Math.min(waitMs * 2 ** (round - 1), MAX_WAIT_MS) * (0.75 + random() / 2);
}
