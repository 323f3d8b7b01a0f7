// Pages of a list. A page looks at a bounded stretch of its index, so that a filter that finds little costs no more in
// a long log than in a short one: then it is short, or empty, and says where to go on.
import { type AuditEvent, eventOf } from "../../event/fields.ts";
import type { AsOf, EventKey, EventQuery } from "../../event/query.ts";
import type { Page } from "../store.ts";
import { readRow } from "./columns.ts";
import { before, depthSql, notBeyond, pageSql, type Search, searchOf, type Where } from "./select.ts";
import { boundsOf, type Source } from "./stats.ts";

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

export const WINDOWS: Windows = { first: 2_000, inIndex: 150_000, inRows: 30_000 };

/** Before every event of its time. */
const LOWEST = { nodeId: "0000000000000000", seq: 0 };

export function page(source: Source, query: EventQuery, asOf: AsOf, windows: Windows): Page {
  const after = query.after === undefined ? null : before(query.after);
  const search = searchOf(query, source);
  if (search === null) return { events: [], next: null, asOf };
  const { from, to: until } = boundsOf(query);
  const to = Math.min(until, query.after?.recordedAt ?? until);
  const most = search.rest.length > 0 || query.asOf !== undefined ? windows.inRows : windows.inIndex;
  for (const window of [windows.first, most]) {
    const depth = depthSql(search, { from, to });
    const floor = source.all(depth.sql, [...depth.params, window])[0]?.[0] as number | undefined;
    const found = eventsOf(source, search, { from: floor ?? from, to }, query, after);
    const events = found.slice(0, query.limit);
    const last = events.at(-1);
    if (last !== undefined && found.length > events.length) return { events, next: keyOf(last), asOf };
    if (floor === undefined) return { events, next: null, asOf };
    if (window === most) return { events, next: { recordedAt: floor, ...LOWEST }, asOf };
  }
  throw new Error("a page has windows");
}

/** One more than the limit, where there are so many. */
function eventsOf(
  source: Source,
  search: Search,
  bounds: { readonly from: number; readonly to: number },
  { asOf, limit }: EventQuery,
  after: Where | null,
): AuditEvent[] {
  const terms = [after, asOf === undefined ? null : notBeyond(asOf)].filter((term) => term !== null);
  const { sql, params } = pageSql(search, bounds, terms);
  return source
    .all(sql, [...params, limit + 1])
    .map((values) => eventOf(readRow(values, source.shapes, source.dictionary)));
}

function keyOf(event: AuditEvent): EventKey {
  return { recordedAt: event.recorded_at, nodeId: event.node_id, seq: event.seq };
}
