// One action of a user can take several requests: a server that needs more answers `input_required` with a state of its
// own, and the client asks again with that state (2026-07-28, Multi Round-Trip Requests). Here is remembered which
// event a state came from, so that the next one can name it. Of states only hashes are kept.
import { createHash } from "node:crypto";

const MAX_ROUNDS = 10_000;

export class Rounds {
  /** Oldest first. */
  readonly #events = new Map<string, string>();

  /** `eventId`: null, where the call has none. */
  remember(state: string, eventId: string | null): void {
    if (eventId === null) return;
    const key = keyOf(state);
    this.#events.delete(key);
    this.#events.set(key, eventId);
    for (const [oldest] of this.#events) {
      if (this.#events.size <= MAX_ROUNDS) return;
      this.#events.delete(oldest);
    }
  }

  /** The event whose answer had this state, or null. */
  eventOf(state: string): string | null {
    return this.#events.get(keyOf(state)) ?? null;
  }
}

function keyOf(state: string): string {
  return createHash("sha256").update(state).digest("base64");
}
