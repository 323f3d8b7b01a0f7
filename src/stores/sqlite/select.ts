// From a typed filter to a search: which index yields the events in time order, and what is checked on what it yields.
// The index is chosen here, by a fixed priority, and pinned (INDEXED BY): SQLite's planner picks a wrong one among
// several, by a factor of 50 at 5 million events (`+` and statistics did not help it as surely).
import { DaybookError } from "../../event/errors.ts";
import type { Cell, FieldName } from "../../event/fields.ts";
import type { AsOf, EventFilter, EventKey } from "../../event/query.ts";
import { type Column, columnOf, EVENT_LIST, type SqlValue, sqlOf } from "./columns.ts";
import type { Dictionary } from "./dictionary.ts";
import { EVENT_ID_HEAD, HEAD_OF_PARAMETER, REQUEST_ID_HEAD } from "./tables.ts";

/** A condition and its parameters. */
export interface Where {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

export interface Search {
  readonly index: string;
  /** What the index begins with, and what is checked on the rows; no bounds. */
  readonly prefix: readonly Where[];
  readonly rest: readonly Where[];
  /** Ids of the shapes that the filter lets through; null: all of them. */
  readonly shapes: readonly number[] | null;
}

/** Bounds on recorded_at, both included. */
export interface Bounds {
  readonly from: number;
  readonly to: number;
}

/** What the connection knows of words and shapes. */
export interface Words {
  readonly dictionary: Dictionary;
  /** Ids of the shapes that meet the conditions, which name columns of `shapes`. */
  readonly findShapes: (sql: string, params: readonly SqlValue[]) => number[];
}

/** Null when no event can meet the filter. */
export function searchOf({ where, includeSystem }: EventFilter, words: Words): Search | null {
  const shapeTerms: Where[] = [];
  const terms = new Map<FieldName, Where>();
  for (const [name, values] of Object.entries(where) as [FieldName, readonly Cell[]][]) {
    const column = columnOf(name);
    const term = oneOf(column, values, words.dictionary);
    if (term === null) return null;
    if (column.home === "shape") shapeTerms.push(term);
    else terms.set(name, term);
  }
  if (!includeSystem && where.kind === undefined)
    shapeTerms.push({ sql: "kind IS NOT 'system'", params: [] });
  const shapes = shapeTerms.length === 0 ? null : words.findShapes(...joined(shapeTerms));
  if (shapes?.length === 0) return null;
  return { ...pathOf(where, terms, shapes), shapes };
}

function pathOf(
  where: EventFilter["where"],
  terms: Map<FieldName, Where>,
  shapes: readonly number[] | null,
): Omit<Search, "shapes"> {
  const all = [...terms.values()];
  const path = (index: string, prefix: readonly Where[] = []) => ({
    index,
    prefix,
    rest: all.filter((term) => !prefix.includes(term)),
  });
  const only = (name: FieldName) =>
    where[name]?.length === 1 && where[name][0] !== null ? terms.get(name) : undefined;
  const event = only("event_id");
  if (event !== undefined) return path("events_event_id", [headIs(EVENT_ID_HEAD, event)]);
  const request = only("request_id");
  if (request !== undefined) return path("events_request_id", [headIs(REQUEST_ID_HEAD, request)]);
  const user = only("user_id");
  if (user !== undefined) return path("events_user", [user]);
  const key = only("api_key_id");
  if (key !== undefined) return path("events_key", [key]);
  if (shapes?.every((id) => id < 0)) return path("events_failed", [{ sql: "shape < 0", params: [] }]);
  return path("events_time");
}

function headIs(head: string, { params }: Where): Where {
  const [id = null] = params;
  return { sql: `${head} = ${HEAD_OF_PARAMETER}`, params: [id, id, id] };
}

/** Events of a search, newest first: ask with the parameters and the number of rows. */
export function pageSql(search: Search, bounds: Bounds, more: readonly Where[]): Where {
  const [sql, params] = joined([...termsOf(search, bounds), ...more]);
  const order = "recorded_at DESC, node_id DESC, seq DESC";
  return {
    sql: `SELECT ${EVENT_LIST} FROM events INDEXED BY ${search.index} WHERE ${sql} ORDER BY ${order} LIMIT ?`,
    params,
  };
}

/** When the nth newest entry of the search's index was recorded, counted without looking at the rows. */
export function depthSql({ index, prefix }: Search, bounds: Bounds): Where {
  const [sql, params] = joined([...prefix, within(bounds)]);
  return {
    sql: `SELECT recorded_at FROM events INDEXED BY ${index} WHERE ${sql} ORDER BY recorded_at DESC LIMIT 1 OFFSET ?`,
    params,
  };
}

/** `columns` of all events of a search, in no order. */
export function scanSql(search: Search, bounds: Bounds, columns: string): Where {
  const [sql, params] = joined(termsOf(search, bounds));
  return { sql: `SELECT ${columns} FROM events INDEXED BY ${search.index} WHERE ${sql}`, params };
}

function termsOf({ prefix, rest, shapes }: Search, bounds: Bounds): Where[] {
  const terms = [...prefix, within(bounds)];
  if (shapes !== null) terms.push(shapeIn(shapes));
  return [...terms, ...rest];
}

/** `+`: it is checked on what the index yields, and never makes another order. */
export function shapeIn(shapes: readonly number[]): Where {
  return { sql: "+shape IN (SELECT value FROM json_each(?))", params: [JSON.stringify(shapes)] };
}

function joined(terms: readonly Where[]): [sql: string, params: SqlValue[]] {
  return [terms.map(({ sql }) => sql).join(" AND "), terms.flatMap(({ params }) => params)];
}

function within({ from, to }: Bounds): Where {
  return { sql: "recorded_at BETWEEN ? AND ?", params: [from, to] };
}

/** Throws `bad_cursor` when it names no node. */
export function before({ recordedAt, nodeId, seq }: EventKey): Where {
  const node = sqlOf(columnOf("node_id"), nodeId);
  if (node === undefined) throw new DaybookError("bad_cursor");
  return { sql: "(+recorded_at, node_id, seq) < (?, ?, ?)", params: [recordedAt, node, seq] };
}

/** Seqs start at 1, so that 0 leaves out the nodes that are not named. */
export function notBeyond(asOf: AsOf): Where {
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
  const present =
    params.length === 0
      ? null
      : params.length === 1
        ? `${name} = ?`
        : `${name} IN (${params.map(() => "?").join(", ")})`;
  const absent = values.includes(null) ? `${name} IS NULL` : null;
  if (present === null && absent === null) return null;
  return { sql: `(${[present, absent].filter((term) => term !== null).join(" OR ")})`, params };
}
