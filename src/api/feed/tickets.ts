// Tickets for what cannot send headers: a browser's WebSocket, or EventSource. A ticket stands in a URL, so it is good for
// one feed, within half a minute, and for nothing else; who presents it is who asked for it, as long as they are that.
import { hash, randomBytes } from "node:crypto";
import type { Holder } from "../authorize.ts";
import { Refusal } from "../problem.ts";

/** Who asks, now. Throws the refusal once they are nobody any more. */
export type Identify = () => Holder;

const GOOD_MS = 30_000;
const MAX_TICKETS = 10_000;

export class Tickets {
  /** By the hash of the ticket, the oldest first. */
  readonly #given = new Map<string, { readonly identify: Identify; readonly until: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  give(identify: Identify): { readonly ticket: string; readonly until: number } {
    const now = this.#now();
    for (const [key, { until }] of this.#given) {
      if (until > now && this.#given.size < MAX_TICKETS) break;
      this.#given.delete(key);
    }
    const ticket = `dbw_${randomBytes(24).toString("base64url")}`;
    const until = now + GOOD_MS;
    this.#given.set(hash("sha256", ticket), { identify, until });
    return { ticket, until };
  }

  /** Whose ticket this is; it is none from now on. Throws the refusal: 401. */
  take(ticket: string): Identify {
    const key = hash("sha256", ticket);
    const given = this.#given.get(key);
    this.#given.delete(key);
    if (given !== undefined && given.until > this.#now()) return given.identify;
    throw new Refusal("unauthorized", {
      detail: "The ticket was used, is too old, or was never given. Ask for another one.",
      errorType: "ticket",
      headers: { "www-authenticate": "Bearer" },
    });
  }
}
