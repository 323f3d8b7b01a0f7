// From a typed query to SQL. The order's index answers lists, bounds and cursors; whatever else a filter asks is
// checked on the rows that it yields, newest first.
import { DaybookError } from "../../event/errors.ts";
import { type Cell, COLUMN, type FieldName } from "../../event/fields.ts";
import type { AsOf, EventFilter, EventQuery } from "../../event/query.ts";
import { COLUMN_LIST, COLUMNS, type Column, type SqlValue, sqlOf } from "./columns.ts";
import type { Dictionary } from "./dictionary.ts";

/** Conditions on `events` and their parameters. */
export interface Where {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** A page and one event more: ask with the parameters and the number of rows. */
export function pageSql({ sql }: Where): string {
  return `SELECT ${COLUMN_LIST} FROM events${sql} ORDER BY recorded_at DESC, node_id DESC, seq DESC LIMIT ?`;
}

/** `total` never overflows and is exact for as long as a JavaScript number is. */
export function statsSql({ sql }: Where): string {
  return (
    'SELECT status, backend_type, model, total("count"), total(prompt_tokens), total(completion_tokens), ' +
    `total(total_tokens) FROM events${sql} GROUP BY status, backend_type, model`
  );
}

/** The conditions of a filter or query; null when no event can meet them. */
export function whereOf(query: EventFilter & Partial<EventQuery>, dictionary: Dictionary): Where | null {
  const conditions: Where[] = [...bounds(query)];
  if (query.asOf !== undefined) conditions.push(notBeyond(query.asOf));
  for (const [name, values] of Object.entries(query.where)) {
    const condition = oneOf(columnOf(name as FieldName), values, dictionary);
    if (condition === null) return null;
    conditions.push(condition);
  }
  if (!query.includeSystem && query.where.kind === undefined) {
    const system = dictionary.find("kind", "system");
    if (system !== undefined) conditions.push({ sql: "kind IS NOT ?", params: [system] });
  }
  if (conditions.length === 0) return { sql: "", params: [] };
  return {
    sql: ` WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`,
    params: conditions.flatMap(({ params }) => params),
  };
}

function columnOf(name: FieldName): Column {
  return COLUMNS[COLUMN[name]] as Column;
}

/** At most one upper bound: given two, SQLite may start from the wider one, on every page anew. */
function* bounds({ since, until, after }: EventFilter & Partial<EventQuery>): Generator<Where> {
  if (since !== undefined) yield { sql: "recorded_at >= ?", params: [since] };
  if (after !== undefined && (until === undefined || until >= after.recordedAt)) {
    const node = sqlOf(columnOf("node_id"), after.nodeId);
    if (node === undefined) throw new DaybookError("bad_cursor");
    yield { sql: "(recorded_at, node_id, seq) < (?, ?, ?)", params: [after.recordedAt, node, after.seq] };
  } else if (until !== undefined) yield { sql: "recorded_at <= ?", params: [until] };
}

/** Seqs start at 1, so that 0 leaves out the nodes that are not named. */
function notBeyond(asOf: AsOf): Where {
  const params: SqlValue[] = [];
  for (const [nodeId, seq] of Object.entries(asOf)) {
    const node = sqlOf(columnOf("node_id"), nodeId);
    if (node !== undefined) params.push(node, seq);
  }
  if (params.length === 0) return { sql: "FALSE", params };
  return { sql: `seq <= CASE node_id ${"WHEN ? THEN ? ".repeat(params.length / 2)}ELSE 0 END`, params };
}

/** Null when the column can hold, or the dictionary has, none of the values. */
function oneOf(column: Column, values: readonly Cell[], dictionary: Dictionary): Where | null {
  const params: SqlValue[] = [];
  for (const cell of values) {
    if (cell === null) continue;
    const value = sqlOf(column, cell);
    const param =
      column.form === "word" && typeof value === "string" ? dictionary.find(column.name, value) : value;
    if (param !== undefined) params.push(param);
  }
  const name = `"${column.name}"`;
  const present = params.length === 0 ? null : `${name} IN (${params.map(() => "?").join(", ")})`;
  const absent = values.includes(null) ? `${name} IS NULL` : null;
  if (present === null && absent === null) return null;
  return { sql: `(${[present, absent].filter((term) => term !== null).join(" OR ")})`, params };
}
