// Balances from memory: what a user was granted, less what its events have cost, less what has ended and is not
// durable yet, less what its running requests may come to. The event is the debit: a cost counts as charged when its
// event is durable, and one whose event was dropped is forgotten.
//
//   held ──settled──► pending ──event durable──► charged
//     └── nothing to pay ──► gone    └── event dropped ──► gone

interface Account {
  /** null: it was never granted anything. */
  granted: number | null;
  /** By events of this node. */
  charged: number;
  /** By events of other nodes. */
  elsewhere: number;
  pending: number;
  held: number;
}

/** In millionths of a credit. */
export interface Balance {
  readonly granted: number;
  readonly charged: number;
  /** Granted less charged. Below zero only by what running requests cost beyond what they held. */
  readonly balance: number;
  /** Held by running requests. */
  readonly reserved: number;
  /** Whether requests are refused when it does not suffice. */
  readonly enforced: boolean;
}

export class Ledger {
  /** Whether users who were never granted anything may spend nothing, rather than anything. */
  required: boolean;
  readonly #accounts = new Map<string, Account>();
  readonly #pending = new Map<string, { readonly account: Account; readonly costMicros: number }>();
  /** Users whose charges by this node have changed since they were last taken. */
  #changed = new Set<string>();

  constructor(required: boolean) {
    this.required = required;
  }

  /** The sum of a user's grants and adjustments; null: there never was one. */
  grant(userId: string, granted: number | null): void {
    this.#account(userId).granted = granted;
  }

  /** Whether a request that may cost so much would be more than is left. */
  isShort(userId: string | null, costMicros: number): boolean {
    if (costMicros === 0) return false;
    if (userId === null) return this.required;
    const account = this.#accounts.get(userId);
    if (account === undefined) return this.required;
    if (account.granted === null && !this.required) return false;
    return left(account) - account.held < costMicros;
  }

  hold(userId: string, costMicros: number): void {
    this.#account(userId).held += costMicros;
  }

  /** A request is over: it holds nothing any more, and owes what it cost until its event is durable. */
  settle(userId: string, held: number, eventId: string, costMicros: number): void {
    const account = this.#account(userId);
    account.held -= held;
    if (costMicros === 0) return;
    account.pending += costMicros;
    this.#pending.set(eventId, { account, costMicros });
  }

  /** An event of this node is durable. Each is told once. */
  recorded(eventId: string, userId: string, costMicros: number): void {
    this.forget(eventId);
    this.charge(userId, costMicros);
  }

  /** Charges by this node, from its events before this process. */
  charge(userId: string, costMicros: number): void {
    const account = this.#account(userId);
    account.charged = Math.min(account.charged + costMicros, Number.MAX_SAFE_INTEGER);
    this.#changed.add(userId);
  }

  /** What was charged to somebody is under another id from now on; what runs still ends under the old one. */
  rename(userId: string, other: string): void {
    const account = this.#accounts.get(userId);
    if (account === undefined || (account.charged === 0 && account.elsewhere === 0)) return;
    this.charge(other, account.charged);
    this.#account(other).elsewhere += account.elsewhere;
    account.charged = 0;
    account.elsewhere = 0;
    account.granted = null;
    this.#changed.delete(userId);
  }

  /** Charges by all other nodes, in place of what was known of them. */
  setElsewhere(sums: ReadonlyMap<string, number>): void {
    for (const account of this.#accounts.values()) account.elsewhere = 0;
    for (const [userId, costMicros] of sums) this.#account(userId).elsewhere = costMicros;
  }

  /** Events whose cost is pending. */
  pendingIds(): string[] {
    return [...this.#pending.keys()];
  }

  /** There will be no event: nothing was charged. */
  forget(eventId: string): void {
    const pending = this.#pending.get(eventId);
    if (pending === undefined) return;
    this.#pending.delete(eventId);
    pending.account.pending -= pending.costMicros;
  }

  balance(userId: string): Balance {
    const account = this.#accounts.get(userId);
    const { granted = null, held = 0 } = account ?? {};
    const balance = account === undefined ? 0 : left(account);
    return {
      granted: granted ?? 0,
      charged: (granted ?? 0) - balance,
      balance,
      reserved: held,
      enforced: this.required || granted !== null,
    };
  }

  /** Charges by this node that are other than when this was last asked: the whole sum of each user. */
  takeChanged(): Map<string, number> {
    const changed = this.#changed;
    this.#changed = new Set();
    return new Map([...changed].map((userId) => [userId, this.#accounts.get(userId)?.charged ?? 0]));
  }

  /** They could not be kept: they are to be taken again. */
  putBack(users: Iterable<string>): void {
    for (const userId of users) this.#changed.add(userId);
  }

  #account(userId: string): Account {
    let account = this.#accounts.get(userId);
    if (account === undefined) {
      account = { granted: null, charged: 0, elsewhere: 0, pending: 0, held: 0 };
      this.#accounts.set(userId, account);
    }
    return account;
  }
}

function left({ granted, charged, elsewhere, pending }: Account): number {
  return (granted ?? 0) - charged - elsewhere - pending;
}
