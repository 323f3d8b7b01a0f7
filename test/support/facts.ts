// Facts of small invented events, with fixed ids and times.
import { encodeRow } from "../../src/event/encode.ts";
import type { Facts, Kind, Row } from "../../src/event/fields.ts";
import { answered, type Outcome } from "../../src/event/outcomes.ts";

export const T0 = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A UUIDv7-shaped id that says which one it is. */
export function eventId(n: number): string {
  return `019b7d2e-0000-7000-8000-${String(n).padStart(12, "0")}`;
}

export function chatFacts(n: number, more: Facts = {}): Facts & { kind: Kind; action: string } {
  return {
    eventId: eventId(n),
    kind: "inference",
    action: "chat",
    count: 1,
    timestamp: T0 + n,
    requestId: `req_${n}`,
    policyDecision: "n/a",
    model: "demo",
    userId: `user-${n % 3}`,
    ...more,
  } as Facts & { kind: Kind; action: string };
}

/** A finished row as the recorder hands it to the journal; null outcome: a begin. */
export function chatRow(n: number, more: Facts = {}, outcome: Outcome | null = answered(200)): Row {
  return encodeRow(chatFacts(n, more), outcome, { count: 0 });
}
