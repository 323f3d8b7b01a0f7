// Keys, tokens or sessions in memory, found by the hash of what was presented, so that a request never waits for a
// database. Comparing hashes gives nothing away by its timing: nobody can steer them towards a stored one.
import { hashSecret } from "./secrets.ts";

export interface Held<Identity> {
  readonly hash: string;
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
  #byHash = new Map<string, Held<Identity>>();

  /** Adds credentials, or replaces what was known of them. */
  hold(held: readonly Held<Identity>[]): void {
    for (const each of held) this.#byHash.set(each.hash, each);
  }

  /** Forgets all others. */
  holdOnly(held: readonly Held<Identity>[]): void {
    this.#byHash = new Map();
    this.hold(held);
  }

  /** Whose secret `presented` is at `now` (UTC ms). */
  check(presented: string, now: number): Presented<Identity> {
    if (presented === "") return { ok: false, reason: "missing" };
    return this.checkHash(hashSecret(presented), now);
  }

  /** The same of a secret that was presented earlier, by its hash. */
  checkHash(hash: string, now: number): Presented<Identity> {
    const held = this.#byHash.get(hash);
    if (held === undefined) return { ok: false, reason: "unknown" };
    const { identity, expiresAt, revokedAt } = held;
    if (revokedAt !== null) return { ok: false, reason: "revoked", identity };
    if (expiresAt !== null && expiresAt <= now) return { ok: false, reason: "expired", identity };
    return { ok: true, identity };
  }
}
