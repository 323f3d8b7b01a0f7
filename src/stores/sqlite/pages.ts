// Pages of a list. A page looks at a bounded stretch of its index, so that a filter that finds little costs no more in
// a long log than in a short one: then it is short, or empty, and says where to go on.
import { COLUMN, eventOf, type Row } from "../../event/fields.ts";
import {
  type AsOf,
  type EventKey,
  type EventQuery,
  MAX_LIMIT,
  MAX_ROWS,
  type RowsQuery,
} from "../../query/filter.ts";
import type { Page, Rows } from "../store.ts";
import { boundsOf, type Source } from "./collect.ts";
import { readRow, shapeOf } from "./columns.ts";
import type { Where } from "./conditions.ts";
import {
  type Bounds,
  before,
  depthSql,
  notBeyond,
  onlyBeyond,
  pageSql,
  type Search,
  searchOf,
} from "./select.ts";

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

/** Few entries first: most pages are full at once. */
export function page(source: Source, query: EventQuery, asOf: AsOf, windows: Windows): Page {
  checkLimit(query, MAX_LIMIT);
  const isOfRows = query.asOf !== undefined;
  const sizes = (search: Search) => [windows.first, mostOf(search, isOfRows, windows)];
  const { rows, next } = part(source, query, sizes);
  return { events: rows.map(eventOf), next, asOf };
}

/** Whoever wants everything gains nothing by few entries, but most exports leave little out. */
export function rows(source: Source, query: RowsQuery, asOf: AsOf, windows: Windows): Rows {
  checkLimit(query, MAX_ROWS);
  return { ...part(source, query, (search) => [2 * query.limit, mostOf(search, true, windows)]), asOf };
}

function checkLimit({ limit }: { readonly limit: number }, most: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > most) throw new RangeError(`limit is 1 to ${most}`);
}

function mostOf({ rest }: Search, isOfRows: boolean, { inRows, inIndex }: Windows): number {
  return rest.length > 0 || isOfRows ? inRows : inIndex;
}

function part(
  source: Source,
  query: RowsQuery,
  sizes: (search: Search) => readonly number[],
): Omit<Rows, "asOf"> {
  const after = query.after === undefined ? null : before(query.after);
  const search = searchOf(query, source);
  if (search === null) return { rows: [], alike: [], next: null };
  const { from, to: until } = boundsOf(query);
  const to = Math.min(until, latest(query.after));
  let floor: number | null = null;
  for (const window of sizes(search)) {
    floor = floorOf(source, search, { from, to }, Math.ceil(window / search.prefixes.length));
    const { rows: found, alike } = rowsOf(source, search, { from: floor ?? from, to }, query, after);
    const rows = found.slice(0, query.limit);
    const last = rows.at(-1);
    if (last !== undefined && found.length > rows.length) return { rows, alike, next: keyOf(last) };
    if (floor === null) return { rows, alike, next: null };
    if (window === sizes(search).at(-1)) return { rows, alike, next: { recordedAt: floor, ...LOWEST } };
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
function rowsOf(
  source: Source,
  search: Search,
  bounds: Bounds,
  { asOf, beyond, limit }: RowsQuery,
  after: Where | null,
): Pick<Rows, "rows" | "alike"> {
  const more = [
    after,
    asOf === undefined ? null : notBeyond(asOf),
    beyond === undefined ? null : onlyBeyond(beyond),
  ].filter((term) => term !== null);
  const found = search.prefixes.flatMap((prefix) => {
    const { sql, params } = pageSql(search, prefix, bounds, more);
    return source.all(sql, [...params, limit + 1]);
  });
  const rows = found.map((values) => readRow(values, source));
  if (search.prefixes.length === 1) return { rows, alike: found.map(shapeOf) };
  return { rows: rows.sort(newestFirst), alike: null };
}

function newestFirst(a: Row, b: Row): number {
  const [one, other] = [keyOf(a), keyOf(b)];
  return (
    other.recordedAt - one.recordedAt ||
    (one.nodeId < other.nodeId ? 1 : one.nodeId > other.nodeId ? -1 : other.seq - one.seq)
  );
}

function keyOf(row: Row): EventKey {
  const { recorded_at, node_id, seq } = COLUMN;
  return { recordedAt: row[recorded_at] as number, nodeId: row[node_id] as string, seq: row[seq] as number };
}
