// Failed logins slow down, per account and per source. The first few cost nothing; then each failure doubles the time
// until the next try, up to a minute for an account (so that nobody can lock somebody else out for long) and ten for a
// source. Names are kept as keyed hashes: what is typed as a name may be a password. Memory is bounded: the oldest
// entries go first, and what is forgotten starts anew.
import { createHmac, randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";

interface Failures {
  count: number;
  /** UTC ms: not before this. */
  openAt: number;
}

const FREE = { account: 3, source: 10 } as const;
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = { account: 60_000, source: 600_000 } as const;
/** Without a failure for as long, an account or source is as new. */
const FORGET_MS = 3_600_000;
const MAX_ENTRIES = 10_000;

export class LoginThrottle {
  readonly #now: () => number;
  readonly #maxEntries: number;
  readonly #key = randomBytes(32);
  /** In the order of the last failure. */
  readonly #failures = new Map<string, Failures>();

  constructor(now: () => number, maxEntries = MAX_ENTRIES) {
    this.#now = now;
    this.#maxEntries = maxEntries;
  }

  /**
   * Asks for a try. 0: go ahead; it counts as failed until `succeeded`, so that tries at the same time are not free.
   * Else how many ms to wait; a try that is told to wait does not count.
   */
  waitMs(account: string, source: string): number {
    const now = this.#now();
    const keys = this.#keys(account, source);
    const waits = keys.map(([key]) => Math.max(0, (this.#failures.get(key)?.openAt ?? 0) - now));
    const wait = Math.max(...waits);
    if (wait === 0) for (const [key, kind] of keys) this.#fail(key, kind, now);
    return wait;
  }

  /** The account is as new; the source has one failure less. */
  succeeded(account: string, source: string): void {
    const [[accountKey], [sourceKey]] = this.#keys(account, source);
    this.#failures.delete(accountKey);
    const failures = this.#failures.get(sourceKey);
    if (failures === undefined) return;
    failures.count--;
    // What others failed with stays counted, and a wait that they earned stays due.
    if (failures.count <= FREE.source) failures.openAt = Math.min(failures.openAt, this.#now());
    if (failures.count <= 0) this.#failures.delete(sourceKey);
  }

  get size(): number {
    return this.#failures.size;
  }

  #keys(account: string, source: string): [[string, "account"], [string, "source"]] {
    const hash = (text: string) => createHmac("sha256", this.#key).update(text).digest("base64url");
    return [
      [hash(`account ${account.toLowerCase()}`), "account"],
      [hash(`source ${networkOf(source)}`), "source"],
    ];
  }

  #fail(key: string, kind: "account" | "source", now: number): void {
    const before = this.#failures.get(key);
    const isFresh = before === undefined || before.openAt + FORGET_MS < now;
    const count = isFresh ? 1 : before.count + 1;
    const over = count - FREE[kind];
    const wait = over <= 0 ? 0 : Math.min(MAX_WAIT_MS[kind], FIRST_WAIT_MS * 2 ** (over - 1));
    this.#failures.delete(key);
    this.#failures.set(key, { count, openAt: now + wait });
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= this.#maxEntries) break;
      this.#failures.delete(oldest);
    }
  }
}

/** An address; of an IPv6 one its first 64 bits, since whoever has one has the others of that network too. */
function networkOf(source: string): string {
  if (!isIPv6(source)) return source;
  const [before = "", after] = source.toLowerCase().split("::");
  const [head, tail] = [before, after ?? ""].map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = after === undefined ? 0 : 8 - (head?.length ?? 0) - (tail?.length ?? 0);
  const groups = [...(head ?? []), ...Array.from({ length: zeros }, () => "0"), ...(tail ?? [])];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
