// Credit: entries that are only ever added. A grant gives, an adjustment corrects either way, a reversal takes one of
// them back. What was spent is not kept here: the events are the debits.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import type { Actor } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { line, newId } from "./given.ts";
import type { EntryKind, MoneyTables } from "./money-tables.ts";
import { type Page, pageOf } from "./pages.ts";
import { userNamed } from "./users.ts";

export interface CreditEntry {
  readonly id: string;
  readonly userId: string;
  readonly kind: EntryKind;
  /** Millionths of a credit; below zero where it takes. */
  readonly amountMicros: number;
  readonly reason: string;
  /** The entry that this one takes back. */
  readonly reverses: string | null;
  /** UTC ms. */
  readonly createdAt: number;
}

export interface NewEntry {
  readonly amountMicros: number;
  /** 1–500 characters; recorded with the change. */
  readonly reason: string;
}

type Row = Selectable<MoneyTables["credit_entries"]>;

const ENTITY = "user";
const ACTIONS = {
  grant: "credit_granted",
  adjustment: "credit_adjusted",
  reversal: "credit_reversed",
} as const satisfies Record<EntryKind, string>;
/** A billion credits. Sums of millions of entries are exact below it. */
const MAX_MICROS = 1_000_000_000_000_000;

export class Credits {
  readonly #control: Control;
  /** User → sum of all entries, of those who have one. */
  #granted = new Map<string, number>();
  #onGranted: (userId: string, granted: number) => void = () => {};

  constructor(control: Control) {
    this.#control = control;
    control.onChanged(ENTITY, async (reads, id) => {
      const sums = await grantedSums(reads, id);
      return () => {
        for (const { user_id, granted } of sums) {
          this.#granted.set(user_id, granted);
          this.#onGranted(user_id, granted);
        }
      };
    });
  }

  /** Tells of every user who was ever granted something, now and after each change. */
  follow(onGranted: (userId: string, granted: number) => void): void {
    this.#onGranted = onGranted;
    for (const [userId, granted] of this.#granted) onGranted(userId, granted);
  }

  /** From memory: the sum of the user's entries; null: there never was one. */
  granted(userId: string): number | null {
    return this.#granted.get(userId) ?? null;
  }

  /** Throws `unknown_entity` (user, by id or name) and `bad_argument`. */
  async grant(actor: Actor, user: string, entry: NewEntry): Promise<CreditEntry> {
    if (entry.amountMicros <= 0)
      throw new DaybookError("bad_argument", "A grant must be more than nothing. Adjust to take away.");
    return this.#enter(actor, "grant", entry.reason, () => ({ user, ...entry, reverses: null }));
  }

  /** Throws as `grant` does. */
  async adjust(actor: Actor, user: string, entry: NewEntry): Promise<CreditEntry> {
    if (entry.amountMicros === 0)
      throw new DaybookError("bad_argument", "An adjustment must not be nothing.");
    return this.#enter(actor, "adjustment", entry.reason, () => ({ user, ...entry, reverses: null }));
  }

  /** Throws `unknown_entity`, and `conflict` when the entry is reversed already or is itself a reversal. */
  async reverse(actor: Actor, user: string, entryId: string, reason: string): Promise<CreditEntry> {
    return this.#enter(actor, "reversal", reason, async (change) => {
      const { id: user_id } = await userNamed(change, user);
      const entry = await change
        .selectFrom("credit_entries")
        .selectAll()
        .where("id", "=", entryId)
        .where("user_id", "=", user_id)
        .executeTakeFirst();
      if (entry === undefined) throw new DaybookError("unknown_entity", "such entry of this user's credit");
      const reversed = await change
        .selectFrom("credit_entries")
        .select("id")
        .where("reverses", "=", entryId)
        .executeTakeFirst();
      if (reversed !== undefined || entry.kind === "reversal")
        throw new DaybookError("conflict", "The entry is reversed already, or is a reversal itself.");
      return { user: user_id, amountMicros: -entry.amount_micros, reason, reverses: entryId };
    });
  }

  /** The newest entries of a user, page by page. */
  async list(userId: string, page: Page): Promise<CreditEntry[]> {
    return (await pageOf(this.#control.reads, "credit_entries", page, { user_id: userId })).map(entryOf);
  }

  async #enter(
    actor: Actor,
    kind: EntryKind,
    justification: string,
    given: (
      change: Change,
    ) =>
      | Promise<NewEntry & { readonly user: string; readonly reverses: string | null }>
      | (NewEntry & { readonly user: string; readonly reverses: string | null }),
  ): Promise<CreditEntry> {
    const made: { entry: CreditEntry | null } = { entry: null };
    await this.#control.change(
      actor,
      { action: ACTIONS[kind], entityType: ENTITY, justification },
      async (change) => {
        const { user, amountMicros, reason, reverses } = await given(change);
        const { id: user_id } = await userNamed(change, user);
        const before = (await grantedSums(change, user_id))[0]?.granted ?? 0;
        const after = before + amountMicros;
        refuseAmount(amountMicros);
        refuseAmount(after);
        const row: Row = {
          id: newId("crd"),
          user_id,
          kind,
          amount_micros: amountMicros,
          reason: line("reason", reason, 500),
          reverses,
          created_at: this.#control.clock(),
        };
        await change.insertInto("credit_entries").values(row).execute();
        made.entry = entryOf(row);
        return {
          entityId: user_id,
          oldValues: { granted_microcredits: before },
          newValues: {
            granted_microcredits: after,
            amount_microcredits: amountMicros,
            reason: row.reason,
            entry_id: row.id,
            ...(reverses === null ? {} : { reverses }),
          },
        };
      },
    );
    if (made.entry === null) throw new TypeError("an entry was not made");
    return made.entry;
  }
}

function refuseAmount(micros: number): void {
  if (Number.isSafeInteger(micros) && Math.abs(micros) <= MAX_MICROS) return;
  throw new DaybookError(
    "bad_argument",
    `Amounts, and what a user has in all, are whole microcredits within ${MAX_MICROS}.`,
  );
}

/** What was granted in all; only those with an entry. Exact: SQLite adds integers. */
async function grantedSums(
  reads: Reads,
  userId: string | null,
): Promise<{ readonly user_id: string; readonly granted: number }[]> {
  const sums = reads
    .selectFrom("credit_entries")
    .select(({ fn }) => ["user_id", fn.sum<number>("amount_micros").as("granted")])
    .groupBy("user_id");
  return (userId === null ? sums : sums.where("user_id", "=", userId)).execute();
}

function entryOf(row: Row): CreditEntry {
  return {
    id: row.id,
    userId: row.user_id,
    kind: row.kind,
    amountMicros: row.amount_micros,
    reason: row.reason,
    reverses: row.reverses,
    createdAt: row.created_at,
  };
}
