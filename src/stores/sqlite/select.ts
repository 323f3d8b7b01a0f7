// From a typed filter to a search: which index yields the events in time order, and what is checked on what it yields.
// The index is chosen here, by a fixed priority, and pinned (INDEXED BY): SQLite's planner picks a wrong one among
// several, by a factor of 50 at 5 million events (`+` and statistics did not help it as surely).
import { DaybookError } from "../../event/errors.ts";
import type { FieldName } from "../../event/fields.ts";
import type { AsOf, EventFilter, EventKey } from "../../query/filter.ts";
import { columnOf, EVENT_LIST, type SqlValue, sqlOf } from "./columns.ts";
import { allowsNoActor, joined, type Lookup, termsFor, type Where } from "./conditions.ts";
import { EVENT_ID_HEAD, HEAD_OF_PARAMETER, REQUEST_ID_HEAD } from "./tables.ts";

export interface Search {
  readonly index: string;
  /** What the index begins with: an entry for each part of it that is read. No bounds. */
  readonly prefixes: readonly Where[];
  /** Checked on the rows. */
  readonly rest: readonly Where[];
  /** Whether that is more than what `actors` says. */
  readonly isOfRows: boolean;
  /** Ids of the shapes that the filter lets through; null: all of them. */
  readonly shapes: readonly number[] | null;
  /** Ids of the actors that it lets through; null: all of them, or also events that have none. */
  readonly actors: readonly number[] | null;
}

/** Bounds on recorded_at, both included. */
export interface Bounds {
  readonly from: number;
  readonly to: number;
}

/** More actors than these are checked on the rows instead of being read one after the other. */
export const MAX_PREFIXES = 16;

/** Null when no event can meet the filter. */
export function searchOf(filter: EventFilter, lookup: Lookup): Search | null {
  const { where, includeSystem } = filter;
  const found = termsFor(filter, lookup);
  if (found === null) return null;
  const { shape, actor, event } = found;
  if (!includeSystem && where.kind === undefined) shape.push({ sql: "kind IS NOT 'system'", params: [] });
  const shapes = shape.length === 0 ? null : lookup.findTuples("shapes", ...joined(shape));
  const actors = actor.length === 0 ? null : lookup.findTuples("actors", ...joined(actor));
  const allowsNobody = allowsNoActor(filter);
  if (shapes?.length === 0 || (actors?.length === 0 && !allowsNobody)) return null;
  const rest = [...event.values()];
  if (actors !== null && allowsNobody) {
    const some = among("actor", actors);
    rest.push({ sql: `(actor IS NULL OR ${some.sql})`, params: some.params });
    return { ...pathOf(where, event, rest, shapes, null), shapes, actors: null, isOfRows: true };
  }
  const isOfRows = event.size > 0;
  return { ...pathOf(where, event, rest, shapes, actors), shapes, actors, isOfRows };
}

function pathOf(
  where: EventFilter["where"],
  terms: ReadonlyMap<string, Where>,
  rest: readonly Where[],
  shapes: Search["shapes"],
  actors: Search["actors"],
): Pick<Search, "index" | "prefixes" | "rest"> {
  const all = actors === null ? rest : [...rest, among("actor", actors)];
  const only = (name: FieldName) =>
    where[name]?.length === 1 && typeof where[name][0] === "string" ? terms.get(name) : undefined;
  const event = only("event_id");
  if (event !== undefined)
    return { index: "events_event_id", prefixes: [headIs(EVENT_ID_HEAD, event)], rest: all };
  const request = only("request_id");
  if (request !== undefined)
    return { index: "events_request_id", prefixes: [headIs(REQUEST_ID_HEAD, request)], rest: all };
  if (actors !== null && actors.length <= MAX_PREFIXES)
    return {
      index: "events_actor",
      prefixes: actors.map((id) => ({ sql: "actor = ?", params: [id] })),
      rest,
    };
  if (shapes?.every((id) => id < 0))
    return { index: "events_failed", prefixes: [{ sql: "shape < 0", params: [] }], rest: all };
  return { index: "events_time", prefixes: [{ sql: "TRUE", params: [] }], rest: all };
}

function headIs(head: string, { params }: Where): Where {
  const [id = null] = params;
  return { sql: `${head} = ${HEAD_OF_PARAMETER}`, params: [id, id, id] };
}

/** Events of a search, newest first, for each of its prefixes: ask with the parameters and the number of rows. */
export function pageSql(search: Search, prefix: Where, bounds: Bounds, more: readonly Where[]): Where {
  const [sql, params] = joined([...termsOf(search, prefix, bounds), ...more]);
  const order = "recorded_at DESC, node_id DESC, seq DESC";
  return {
    sql: `SELECT ${EVENT_LIST} FROM events INDEXED BY ${search.index} WHERE ${sql} ORDER BY ${order} LIMIT ?`,
    params,
  };
}

/** When the nth newest entry under a prefix was recorded, counted without looking at the rows. */
export function depthSql({ index }: Search, prefix: Where, bounds: Bounds): Where {
  const [sql, params] = joined([prefix, within(bounds)]);
  return {
    sql: `SELECT recorded_at FROM events INDEXED BY ${index} WHERE ${sql} ORDER BY recorded_at DESC LIMIT 1 OFFSET ?`,
    params,
  };
}

/** `columns` of all events of a search under a prefix, in no order. */
export function scanSql(search: Search, prefix: Where, bounds: Bounds, columns: string): Where {
  const [sql, params] = joined(termsOf(search, prefix, bounds));
  return { sql: `SELECT ${columns} FROM events INDEXED BY ${search.index} WHERE ${sql}`, params };
}

function termsOf({ rest, shapes }: Search, prefix: Where, bounds: Bounds): Where[] {
  const terms = [prefix, within(bounds)];
  if (shapes !== null) terms.push(among("shape", shapes));
  return [...terms, ...rest];
}

/** `+`: it is checked on what the index yields, and never makes another order. */
export function among(column: "shape" | "actor" | "subject", ids: readonly number[]): Where {
  return { sql: `+${column} IN (SELECT value FROM json_each(?))`, params: [JSON.stringify(ids)] };
}

export function within({ from, to }: Bounds): Where {
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
  const { sql, params } = seqOfNode(asOf);
  return { sql: `seq <= ${sql}`, params };
}

/** Nodes that are not named are beyond as a whole. */
export function onlyBeyond(asOf: AsOf): Where {
  const { sql, params } = seqOfNode(asOf);
  return { sql: `seq > ${sql}`, params };
}

/** The seq that `asOf` has for the node of a row, else 0. */
function seqOfNode(asOf: AsOf): Where {
  const params: SqlValue[] = [];
  for (const [nodeId, seq] of Object.entries(asOf)) {
    const node = sqlOf(columnOf("node_id"), nodeId);
    if (node !== undefined) params.push(node, seq);
  }
  if (params.length === 0) return { sql: "0", params };
  return { sql: `CASE node_id ${"WHEN ? THEN ? ".repeat(params.length / 2)}ELSE 0 END`, params };
}
