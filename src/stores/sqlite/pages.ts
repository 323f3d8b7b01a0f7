// Pages of a list. A page looks at a bounded stretch of its index, so that a filter that finds little costs no more in
// a long log than in a short one: then it is short, or empty, and says where to go on.
import { type AuditEvent, eventOf } from "../../event/fields.ts";
import type { AsOf, EventKey, EventQuery } from "../../query/filter.ts";
import type { Page } from "../store.ts";
import { boundsOf, type Source } from "./collect.ts";
import { readRow } from "./columns.ts";
import type { Where } from "./conditions.ts";
import { type Bounds, before, depthSql, notBeyond, pageSql, type Search, searchOf } from "./select.ts";

/**
 * Index entries that a page looks at: few first, for most pages are full at once; then as many as fit into 50 ms at 5
 * million events, which are fewer where the events themselves must be looked at. Entries of one millisecond stay
 * together.
 */
export interface Windows {
  readonly first: number;
  readonly inIndex: number;
  readonly inRows: number;
}

export const WINDOWS: Windows = { first: 2_000, inIndex: 150_000, inRows: 15_000 };

/** Before every event of its time: nothing of that time is left. */
const LOWEST = { nodeId: "0000000000000000", seq: 0 };

/** When events after this one, that is older ones, were recorded at the latest. */
function latest(after: EventKey | undefined): number {
  if (after === undefined) return Number.MAX_SAFE_INTEGER;
  const { recordedAt, nodeId, seq } = after;
  return nodeId === LOWEST.nodeId && seq === LOWEST.seq ? recordedAt - 1 : recordedAt;
}

export function page(source: Source, query: EventQuery, asOf: AsOf, windows: Windows): Page {
  const after = query.after === undefined ? null : before(query.after);
  const search = searchOf(query, source);
  if (search === null) return { events: [], next: null, asOf };
  const { from, to: until } = boundsOf(query);
  const to = Math.min(until, latest(query.after));
  const most = search.rest.length > 0 || query.asOf !== undefined ? windows.inRows : windows.inIndex;
  for (const window of [windows.first, most]) {
    const floor = floorOf(source, search, { from, to }, Math.ceil(window / search.prefixes.length));
    const found = eventsOf(source, search, { from: floor ?? from, to }, query, after);
    const events = found.slice(0, query.limit);
    const last = events.at(-1);
    if (last !== undefined && found.length > events.length) return { events, next: keyOf(last), asOf };
    if (floor === null) return { events, next: null, asOf };
    if (window === most) return { events, next: { recordedAt: floor, ...LOWEST }, asOf };
  }
  throw new Error("a page has windows");
}

/** Down to when all prefixes are looked through; null: to their ends. */
function floorOf(source: Source, search: Search, bounds: Bounds, entries: number): number | null {
  let floor: number | null = null;
  for (const prefix of search.prefixes) {
    const { sql, params } = depthSql(search, prefix, bounds);
    const depth = source.all(sql, [...params, entries])[0]?.[0] as number | undefined;
    if (depth !== undefined) floor = Math.max(floor ?? 0, depth);
  }
  return floor;
}

/** One more than the limit, where there are so many. */
function eventsOf(
  source: Source,
  search: Search,
  bounds: Bounds,
  { asOf, limit }: EventQuery,
  after: Where | null,
): AuditEvent[] {
  const more = [after, asOf === undefined ? null : notBeyond(asOf)].filter((term) => term !== null);
  const found = search.prefixes.flatMap((prefix) => {
    const { sql, params } = pageSql(search, prefix, bounds, more);
    return source.all(sql, [...params, limit + 1]).map((values) => eventOf(readRow(values, source)));
  });
  if (search.prefixes.length > 1) found.sort(newestFirst);
  return found;
}

function newestFirst(a: AuditEvent, b: AuditEvent): number {
  return (
    b.recorded_at - a.recorded_at || (a.node_id < b.node_id ? 1 : a.node_id > b.node_id ? -1 : b.seq - a.seq)
  );
}

function keyOf(event: AuditEvent): EventKey {
  return { recordedAt: event.recorded_at, nodeId: event.node_id, seq: event.seq };
}
