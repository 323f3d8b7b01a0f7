// Keys or tokens in memory, found by the hash of what was presented, so that a request never waits for a
// database. Comparing hashes gives nothing away by its timing: nobody can steer them towards a stored one.
import { hashSecret } from "./secrets.ts";

export interface Held<Identity> {
  readonly identity: Identity;
  /** UTC ms; null: never. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export type Presented<Identity> =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: "missing" | "unknown" }
  | { readonly ok: false; readonly reason: "expired" | "revoked"; readonly identity: Identity };

export class Credentials<Identity> {
  readonly #byHash = new Map<string, Held<Identity>>();

  /** Adds a credential, or replaces what was known of it. */
  hold(hash: string, held: Held<Identity>): void {
    this.#byHash.set(hash, held);
  }

  /** Whose secret `presented` is at `now` (UTC ms). */
  check(presented: string, now: number): Presented<Identity> {
    if (presented === "") return { ok: false, reason: "missing" };
    const held = this.#byHash.get(hashSecret(presented));
    if (held === undefined) return { ok: false, reason: "unknown" };
    const { identity, expiresAt, revokedAt } = held;
    if (revokedAt !== null) return { ok: false, reason: "revoked", identity };
    if (expiresAt !== null && expiresAt <= now) return { ok: false, reason: "expired", identity };
    return { ok: true, identity };
  }
}
