// Audit entries of changes, from the change's own transaction to the journal. Ids only grow; the journal keeps the
// last one that it has, so an entry that is read twice is recorded once.
import type { Kysely, Transaction } from "kysely";
import { checkFacts, encodeRow } from "../event/encode.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import type { Facts } from "../event/fields.ts";
import type { Tables } from "./tables.ts";

export interface OutboxEntry {
  readonly id: number;
  /** The node that made the change; null where it had none. */
  readonly nodeId: string | null;
  readonly facts: Facts;
}

/**
 * Writes an entry. Throws `bad_argument` when a fact would not fit its field, since it would be lost on the way,
 * and `audit_unavailable` when the entry cannot be written.
 */
export async function enqueue(
  change: Transaction<Tables>,
  facts: Facts,
  nodeId: string | null,
  now: number,
): Promise<void> {
  checkFacts(facts);
  const misfits = Object.entries(facts).filter(([name, value]) => !fits({ [name]: value }));
  if (misfits.length > 0) {
    const names = misfits.map(([name]) => name).join(", ");
    throw new DaybookError("bad_argument", `The change cannot be recorded: ${names} does not fit the event.`);
  }
  try {
    await change
      .insertInto("outbox")
      .values({ node_id: nodeId, facts: JSON.stringify(facts), created_at: now })
      .execute();
  } catch (error) {
    throw new DaybookError("audit_unavailable", `the change was rolled back (${nativeCode(error)})`, {
      cause: error,
    });
  }
}

function fits(facts: Facts): boolean {
  const misfits = { count: 0 };
  encodeRow(facts, null, misfits);
  return misfits.count === 0;
}

/** At most `limit` entries of the node after `id`, in order. */
export async function entriesAfter(
  database: Kysely<Tables>,
  id: number,
  limit: number,
  nodeId: string | null,
): Promise<OutboxEntry[]> {
  const rows = await database
    .selectFrom("outbox")
    .selectAll()
    .where("node_id", "is", nodeId)
    .where("id", ">", id)
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ id: row.id, nodeId: row.node_id, facts: JSON.parse(row.facts) as Facts }));
}
