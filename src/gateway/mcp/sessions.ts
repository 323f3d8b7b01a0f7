// Whose sessions are. A server behind Daybook never sees the clients' keys, so it cannot tell whether who goes on with a
// session is who began it: here it is told, or whoever learnt a session's id could read its streams and end it. Of ids
// only hashes are kept.
import { createHash } from "node:crypto";

const MAX_SESSIONS = 10_000;

export class Sessions {
  /** Keys' ids; least lately used first. */
  readonly #keys = new Map<string, string>();

  /** Whether a request with this session's id may go on. What nobody is known to have begun is free to all. */
  isFor(session: string, keyId: string): boolean {
    const known = this.#keys.get(hashOf(session));
    return known === undefined || known === keyId;
  }

  /** The server knows the session, and this key's client began it or went on with it. */
  put(session: string, keyId: string): void {
    const hash = hashOf(session);
    this.#keys.delete(hash);
    this.#keys.set(hash, keyId);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > MAX_SESSIONS && oldest !== undefined) this.#keys.delete(oldest);
  }
}

function hashOf(session: string): string {
  return createHash("sha256").update(session).digest("base64");
}
