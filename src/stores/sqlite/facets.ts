// Which values there are, how often, and what they sum up to: from rollups where those know it, else counted over the
// newest events of a long log.
import { type Cell, type FieldName, isFieldName } from "../../event/fields.ts";
import { type EventFilter, fieldsOf } from "../../query/filter.ts";
import { type Facets, GROUPED_FIELDS, type Group, MAX_FACETS } from "../store.ts";
import { addTo, boundsOf, byField, bySubject, requestsByActor, type Source, sumsByShape } from "./collect.ts";
import { cellOf, columnOf } from "./columns.ts";
import type { Where } from "./conditions.ts";
import { ACTOR, clamped, Sums } from "./rollups.ts";
import { depthSql, scanSql, searchOf } from "./select.ts";

/** What facets look at, so that they take 50 ms at most. */
export interface FacetWindows {
  /** Newest entries of an index: events are read one by one. */
  readonly events: number;
  /** Sums by actor, shape and day: 60 days of a thousand keys that use a few models each. */
  readonly sums: number;
}

export const FACET_WINDOWS: FacetWindows = { events: 15_000, sums: 450_000 };

type Counts = Map<string | number | boolean, number>;

export function facets(
  source: Source,
  filter: EventFilter,
  fields: readonly FieldName[],
  limit: number,
  windows: FacetWindows = FACET_WINDOWS,
): Facets[] {
  if (!fields.every(isFieldName)) throw new RangeError("a facet is of a field");
  refuseLimit(limit);
  const asksRows = asksOfRows(filter);
  const asksActors = fieldsOf(filter).some((name) => columnOf(name).home === "actor");
  const isRecent = (field: FieldName) => {
    const { home } = columnOf(field);
    return home === "event" || asksRows || (asksActors && home === "shape");
  };
  const recent = recentCounts(source, filter, [...new Set(fields)].filter(isRecent), windows.events);
  /** Read once for all fields that need them. */
  let shapes: Map<number, Sums> | null = null;
  let actors: { readonly sums: Map<number, Sums>; readonly exact: boolean } | null = null;
  return fields.map((field) => {
    if (isRecent(field))
      return { values: top(recent.counts.get(field) ?? new Map(), limit), exact: recent.exact };
    if (columnOf(field).home === "shape") {
      shapes ??= sumsByShape(source, filter, false);
      return { values: top(byField(source, shapes, field), limit), exact: true };
    }
    actors ??= newestActors(source, filter, windows);
    const subjects = bySubject(source, actors.sums, field as "user_id");
    const counts: Counts = new Map([...subjects].map(([subject, { requests }]) => [subject, requests]));
    return { values: top(counts, limit), exact: actors.exact };
  });
}

/** Sums by actor since when both the days' sums and the events of the part of a day before them fit their windows. */
function newestActors(source: Source, filter: EventFilter, windows: FacetWindows) {
  const bounds = boundsOf(filter);
  const search = searchOf(filter, source);
  let since: number | undefined;
  // A few actors are looked up one by one.
  if (search !== null && search.actors === null) {
    const [first, end] = [Math.ceil(bounds.from / ACTOR.unitMs), Math.floor((bounds.to + 1) / ACTOR.unitMs)];
    const day = source.actorDays.tooMany(source, first, end, windows.sums);
    if (day !== null) since = (day + 1) * ACTOR.unitMs;
    else {
      const to = Math.min(bounds.to, Math.ceil(bounds.from / ACTOR.unitMs) * ACTOR.unitMs - 1);
      const [prefix] = search.prefixes as [Where];
      const depth = depthSql(search, prefix, { from: bounds.from, to });
      since = source.all(depth.sql, [...depth.params, windows.events])[0]?.[0] as number | undefined;
    }
  }
  const exact = since === undefined;
  return { sums: requestsByActor(source, since === undefined ? filter : { ...filter, since }), exact };
}

export function groups(
  source: Source,
  filter: EventFilter,
  groupings: readonly (readonly FieldName[])[],
  limit: number,
): Group[][] {
  if (!groupings.flat().every((name) => GROUPED_FIELDS.includes(name)))
    throw new RangeError("groups are by some of GROUPED_FIELDS");
  refuseLimit(limit);
  const shapes = sumsByShape(source, filter, true);
  return groupings.map((fields) => grouped(source, shapes, fields).slice(0, limit));
}

function grouped(source: Source, shapes: ReadonlyMap<number, Sums>, fields: readonly FieldName[]): Group[] {
  const places = fields.map((name) => columnOf(name).at);
  const found = new Map<string, { values: Cell[]; all: Sums; failed: number }>();
  for (const [shape, sums] of shapes) {
    const cells = source.shapes.cells(shape);
    const values = places.map((at) => cells[at] ?? null);
    const key = JSON.stringify(values);
    const group = found.get(key) ?? { values, all: new Sums(), failed: 0 };
    found.set(key, group);
    group.all.merge(sums);
    if (shape < 0) group.failed = clamped(group.failed + sums.requests);
  }
  return [...found]
    .filter(([, { all }]) => all.requests > 0)
    .sort(([a, one], [b, other]) => other.all.requests - one.all.requests || (a < b ? -1 : 1))
    .map(([, { values, all, failed }]) => groupOf(values, all, failed));
}

function groupOf(values: readonly Cell[], { values: sums, latency }: Sums, failed: number): Group {
  const [requests = 0, , , totalTokens = 0, , costMicros = 0] = sums;
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((quantile) => latency.quantile(quantile));
  return {
    values,
    requests,
    failed,
    totalTokens,
    costMicros,
    meanMs: latency.mean(),
    p50Ms: p50Ms ?? null,
    p95Ms: p95Ms ?? null,
    p99Ms: p99Ms ?? null,
  };
}

/** Whether it takes the events' own rows to tell which of them the filter lets through. */
function asksOfRows(filter: EventFilter): boolean {
  const { text, notText } = filter;
  if (text !== undefined || notText !== undefined) return true;
  return fieldsOf(filter).some((name) => columnOf(name).home === "event");
}

function refuseLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_FACETS)
    throw new RangeError(`limit is 1 to ${MAX_FACETS}`);
}

/** Counted over the newest entries of the index that the search goes by, all fields of tuples at once. */
function recentCounts(
  source: Source,
  filter: EventFilter,
  fields: readonly FieldName[],
  entries: number,
): { readonly counts: ReadonlyMap<FieldName, Counts>; readonly exact: boolean } {
  const counts = new Map<FieldName, Counts>(fields.map((field) => [field, new Map()]));
  const search = fields.length === 0 ? null : searchOf(filter, source);
  if (search === null) return { counts, exact: true };
  const own = fields.filter((field) => columnOf(field).home === "event");
  const tupled = fields.filter((field) => columnOf(field).home !== "event");
  const bounds = boundsOf(filter);
  const window = Math.ceil(entries / search.prefixes.length);
  let exact = true;
  for (const prefix of search.prefixes) {
    const depth = depthSql(search, prefix, bounds);
    const floor = source.all(depth.sql, [...depth.params, window])[0]?.[0] as number | undefined;
    if (floor !== undefined) exact = false;
    const within = { ...bounds, from: floor ?? bounds.from };
    const grouped = (columns: string, by: string) => {
      const { sql, params } = scanSql(search, prefix, within, `${columns}, total("count")`);
      return source.each(`${sql} GROUP BY ${by}`, params);
    };
    if (tupled.length > 0) {
      for (const [shape, actor, requests] of grouped("shape, actor", "1, 2")) {
        for (const field of tupled) {
          const { home, at } = columnOf(field);
          const id = home === "shape" ? shape : actor;
          const value = id === null ? null : source[`${home as "shape"}s`].cells(id as number)[at];
          if (value !== null && value !== undefined)
            addTo(counts.get(field) as Counts, value, Number(requests));
        }
      }
    }
    for (const field of own) {
      for (const [found, requests] of grouped(`"${field}"`, "1")) {
        if (found === null || found === undefined) continue;
        const value = cellOf(columnOf(field).form, found, source.dictionary);
        addTo(counts.get(field) as Counts, value, Number(requests));
      }
    }
  }
  return { counts, exact };
}

function top(counts: ReadonlyMap<string | number | boolean, number>, limit: number): Facets["values"] {
  return [...counts]
    .filter(([, requests]) => requests > 0)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([value, requests]) => ({ value, requests }));
}
