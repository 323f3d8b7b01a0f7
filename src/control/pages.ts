// Lists of what control holds, newest first, page by page: by (created_at, id), so that no page shifts while others
// are added.
import { type Selectable, sql } from "kysely";
import type { Reads } from "./control.ts";
import type { ChangeableTables } from "./tables.ts";

/** A point in a list. */
export interface PageKey {
  readonly createdAt: number;
  readonly id: string;
}

export interface Page {
  readonly limit: number;
  /** Only what is after it, that is older. */
  readonly after: PageKey | null;
}

/** The tables that can be listed. */
type Listed = {
  [Table in keyof ChangeableTables]: ChangeableTables[Table] extends { id: unknown; created_at: unknown }
    ? Table
    : never;
}[keyof ChangeableTables];

/** A page of the rows of `table`; of those whose columns are as `where` says. */
export async function pageOf<Table extends Listed>(
  reads: Reads,
  table: Table,
  { limit, after }: Page,
  where: Readonly<Record<string, string>> = {},
): Promise<Selectable<ChangeableTables[Table]>[]> {
  const conditions = Object.entries(where).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  if (after !== null) conditions.push(sql`(created_at, id) < (${after.createdAt}, ${after.id})`);
  const those = conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
  const { rows } = await sql<Selectable<ChangeableTables[Table]>>`
    SELECT * FROM ${sql.table(table)} ${those} ORDER BY created_at DESC, id DESC LIMIT ${limit}`.execute(
    reads,
  );
  return rows;
}
