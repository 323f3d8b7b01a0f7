// Counts and sums: from rollups for the whole periods of a question, and from the events themselves for the rests at
// its ends and where a filter asks what no rollup has.
import { type FieldName, isFieldName } from "../../event/fields.ts";
import { type EventFilter, fieldsOf } from "../../query/filter.ts";
import { Latency } from "../latency.ts";
import { type Bucket, type Facets, MAX_BUCKETS, MAX_FACETS, type Stats, type Usage } from "../store.ts";
import { cellOf, columnOf, type SqlValue } from "./columns.ts";
import type { Lookup } from "./conditions.ts";
import {
  addRow,
  clamped,
  EVENT_SUM_LIST,
  GRAINS,
  type Grain,
  HOUR,
  mapIn,
  SUM_LIST,
  Sums,
  sumsIn,
} from "./rollups.ts";
import { among, type Bounds, depthSql, MAX_PREFIXES, type Search, scanSql, searchOf } from "./select.ts";
import { cover, type Rest, type Span } from "./spans.ts";

/** A connection as this file needs it, within one snapshot. */
export interface Source extends Lookup {
  readonly all: (sql: string, params: readonly SqlValue[]) => SqlValue[][];
  readonly each: (sql: string, params: readonly SqlValue[]) => Iterable<SqlValue[]>;
}

/** Where the sums of a period (its start), subject (an actor; 0: everybody) and shape are to be added. */
type Into = (startMs: number, subject: number, shape: number) => Sums;

interface Question {
  readonly filter: EventFilter;
  /** Actors are told apart. */
  readonly byActor?: boolean;
  /** Periods may not be longer, nor cross its multiples. */
  readonly bucketMs?: number;
  /** Whether anybody looks at the latencies. */
  readonly latencies: boolean;
}

/** Newest entries of an index that facets look at. */
const FACET_WINDOW = 100_000;
/** Longer ones, which only a wrong clock makes, are read by range. */
const MAX_PERIODS = 10_000;

export function stats(source: Source, filter: EventFilter): Stats {
  const shapes = new Map<number, Sums>();
  const latency = new Latency();
  collect(source, { filter, latencies: true }, (_, __, shape) => sumsIn(shapes, shape, latency));
  const all = new Sums(latency);
  for (const { values } of shapes.values()) all.add(values);
  const [
    totalRequests = 0,
    promptTokens = 0,
    completionTokens = 0,
    totalTokens = 0,
    cachedTokens = 0,
    costMicros = 0,
  ] = all.values;
  const byStatus = byField(source, shapes, "status");
  return {
    totalRequests,
    byStatus: Object.fromEntries(byStatus),
    byBackend: Object.fromEntries(byField(source, shapes, "backend_type")),
    uniqueModels: byField(source, shapes, "model").size,
    failed: failedOf(shapes),
    promptTokens,
    completionTokens,
    totalTokens,
    cachedTokens,
    costMicros,
    p50Ms: latency.quantile(0.5),
    p95Ms: latency.quantile(0.95),
    p99Ms: latency.quantile(0.99),
  };
}

export function histogram(source: Source, filter: EventFilter, bucketMs: number): Bucket[] {
  const { since, until } = filter;
  const buckets = since === undefined || until === undefined ? Number.NaN : (until - since) / bucketMs;
  if (!Number.isInteger(bucketMs) || bucketMs < 1 || !(buckets <= MAX_BUCKETS))
    throw new RangeError(`a histogram has since, until and at most ${MAX_BUCKETS} buckets between them`);
  /** By the start of the bucket: what succeeded, and what did not. */
  const starts = new Map<number, Map<number, Sums>>();
  collect(source, { filter, bucketMs, latencies: true }, (startMs, _, shape) =>
    sumsIn(mapIn(starts, startMs - (startMs % bucketMs)), Math.sign(shape)),
  );
  return [...starts]
    .sort(([a], [b]) => a - b)
    .map(([from, bySign]) => {
      const all = new Sums();
      for (const sums of bySign.values()) all.merge(sums);
      const [requests = 0, , , totalTokens = 0, , costMicros = 0] = all.values;
      const p95Ms = all.latency.quantile(0.95);
      return { from, requests, failed: failedOf(bySign), totalTokens, costMicros, p95Ms };
    });
}

export function usage(source: Source, by: "api_key_id" | "user_id", since: number): Usage[] {
  const filter = { where: {}, since, includeSystem: true };
  return [...sumsBySubject(source, filter, by)].map(([subject, { values }]) => {
    const [requests = 0, promptTokens = 0, completionTokens = 0, totalTokens = 0, , costMicros = 0] = values;
    return { subject, requests, promptTokens, completionTokens, totalTokens, costMicros };
  });
}

function sumsBySubject(source: Source, filter: EventFilter, by: "api_key_id" | "user_id"): Map<string, Sums> {
  const actors = new Map<number, Sums>();
  collect(source, { filter, byActor: true, latencies: false }, (_, actor) => sumsIn(actors, actor));
  const { at } = columnOf(by);
  const subjects = new Map<string, Sums>();
  for (const [actor, sums] of actors) {
    const subject = source.actors.cells(actor)[at];
    if (typeof subject === "string") sumsIn(subjects, subject).merge(sums);
  }
  return subjects;
}

export function facets(source: Source, filter: EventFilter, field: FieldName, limit: number): Facets {
  if (!isFieldName(field)) throw new RangeError("a facet is of a field");
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_FACETS)
    throw new RangeError(`limit is 1 to ${MAX_FACETS}`);
  const homes = new Set([field, ...fieldsOf(filter)].map((name) => columnOf(name).home));
  const isOfRows = filter.text !== undefined || filter.notText !== undefined || homes.has("event");
  if (isOfRows || (homes.has("actor") && field !== "user_id" && field !== "api_key_id"))
    return recentFacets(source, filter, field, limit);
  const counts = new Map<string | number | boolean, number>();
  if (field === "user_id" || field === "api_key_id") {
    for (const [subject, { requests }] of sumsBySubject(source, filter, field)) counts.set(subject, requests);
  } else {
    const shapes = new Map<number, Sums>();
    collect(source, { filter, latencies: false }, (_, __, shape) => sumsIn(shapes, shape));
    for (const [value, requests] of byField(source, shapes, field)) counts.set(value, requests);
  }
  return { values: top(counts, limit), exact: true };
}

/** Counted over the newest entries of the index that the search goes by. */
function recentFacets(source: Source, filter: EventFilter, field: FieldName, limit: number): Facets {
  const search = searchOf(filter, source);
  if (search === null) return { values: [], exact: true };
  const bounds = boundsOf(filter);
  const { form, home, at } = columnOf(field);
  const column = home === "event" ? `"${field}"` : home;
  const counts = new Map<string | number | boolean, number>();
  let exact = true;
  for (const prefix of search.prefixes) {
    const depth = depthSql(search, prefix, bounds);
    const floor = source.all(depth.sql, [...depth.params, FACET_WINDOW])[0]?.[0] as number | undefined;
    if (floor !== undefined) exact = false;
    const window = { ...bounds, from: floor ?? bounds.from };
    const scan = scanSql(search, prefix, window, `${column}, total("count")`);
    for (const [found, requests] of source.each(`${scan.sql} GROUP BY 1`, scan.params)) {
      if (found === null || found === undefined) continue;
      const value =
        home === "event"
          ? cellOf(form, found, source.dictionary)
          : source[`${home}s`].cells(found as number)[at];
      if (value !== null && value !== undefined) addTo(counts, value, Number(requests));
    }
  }
  return { values: top(counts, limit), exact };
}

function top(counts: ReadonlyMap<string | number | boolean, number>, limit: number): Facets["values"] {
  return [...counts]
    .filter(([, requests]) => requests > 0)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([value, requests]) => ({ value, requests }));
}

/** Adds all that matches to where `into` says. */
function collect(source: Source, question: Question, into: Into): void {
  const { filter } = question;
  const search = searchOf(filter, source);
  if (search === null) return;
  const ofActors = question.byActor === true || search.actors !== null;
  const grains = search.isOfRows ? [] : grainsFor(ofActors, question.bucketMs);
  const end = endOf(source, filter);
  const { spans, rests } = cover(
    boundsOf(filter).from,
    end,
    grains.map(({ unitMs }) => unitMs),
  );
  for (const span of spans) {
    const grain = grains.find(({ unitMs }) => unitMs === span.unitMs) as Grain;
    const rows = question.byActor ? sumsOfActors : rollupRows;
    for (const row of rows(source, grain, span, search)) {
      const [period, subject, shape] = row as [number, number, number];
      addRow(into(period * grain.unitMs, subject, shape), row, 3);
    }
    const times = { from: span.from * span.unitMs, to: span.to * span.unitMs };
    if (ofActors && question.latencies) addEvents(source, search, times, "latencies", into);
  }
  for (const rest of rests) addEvents(source, search, rest, question.byActor ? "actors" : "all", into);
}

/** Exclusive; Infinity where `until` leaves nothing out, so that no period is cut for it. */
function endOf(source: Source, { until }: EventFilter): number {
  if (until === undefined) return Number.POSITIVE_INFINITY;
  // Sums may be newer than the events that are left.
  const [event, hour] = source.all(
    `SELECT (SELECT recorded_at FROM events INDEXED BY events_time ORDER BY recorded_at DESC LIMIT 1),
      (SELECT period FROM rollups WHERE grain = ? ORDER BY period DESC LIMIT 1)`,
    [HOUR.id],
  )[0] as [number | null, number | null];
  const isAfterAll = until >= (event ?? 0) && Math.floor(until / HOUR.unitMs) >= (hour ?? 0);
  return isAfterAll ? Number.POSITIVE_INFINITY : until + 1;
}

/** What events themselves tell: all of them, those with an actor, or nothing but their latencies. */
function addEvents(
  source: Source,
  search: Search,
  rest: Rest,
  what: "all" | "actors" | "latencies",
  into: Into,
): void {
  const bounds = { from: rest.from, to: Math.min(rest.to - 1, Number.MAX_SAFE_INTEGER) };
  const columns = what === "latencies" ? SUM_LIST.replaceAll(/\w+/g, "NULL") : EVENT_SUM_LIST;
  for (const prefix of search.prefixes) {
    const { sql, params } = scanSql(
      search,
      prefix,
      bounds,
      `recorded_at, actor, shape, ${columns}, duration_ms`,
    );
    for (const row of source.each(sql, params)) {
      const [recordedAt, actor, shape] = row as [number, number | null, number];
      if (actor === null && what === "actors") continue;
      const duration = row.at(-1);
      if (what === "latencies" && duration === null) continue;
      const sums = into(recordedAt, what === "actors" ? (actor as number) : 0, shape);
      sums.add(row, 3);
      if (typeof duration === "number") sums.latency.add(duration);
    }
  }
}

/** The longest first. */
function grainsFor(ofActors: boolean, bucketMs: number | undefined): Grain[] {
  return GRAINS.filter(
    (grain) => grain.ofActors === ofActors && (bucketMs === undefined || bucketMs % grain.unitMs === 0),
  );
}

const ROW_LIST = `r.period, r.subject, r.shape, ${SUM_LIST}, latency`;

function rollupRows(
  source: Source,
  { id }: Grain,
  span: Span,
  { shapes, actors }: Search,
): Iterable<SqlValue[]> {
  const shape = shapes === null ? { sql: "TRUE", params: [] } : among("shape", shapes);
  const [first, last] = source.all(
    `SELECT (SELECT period FROM rollups WHERE grain = ?1 ORDER BY period LIMIT 1),
      (SELECT period FROM rollups WHERE grain = ?1 ORDER BY period DESC LIMIT 1)`,
    [id],
  )[0] as [number | null, number | null];
  if (first === null || last === null) return [];
  const [low, high] = [Math.max(span.from, first), Math.min(span.to - 1, last)];
  if (actors !== null && actors.length <= MAX_PREFIXES && high - low < MAX_PERIODS) {
    // Day by day: the days' rows are many, the actors' few.
    return source.each(
      `WITH RECURSIVE days (period) AS (SELECT ?1 WHERE ?1 <= ?2 UNION ALL SELECT period + 1 FROM days WHERE period < ?2)
       SELECT ${ROW_LIST} FROM days CROSS JOIN rollups AS r ON r.grain = ?3 AND r.period = days.period
       AND r.subject IN (SELECT value FROM json_each(?4)) WHERE ${shape.sql}`,
      [low, high, id, JSON.stringify(actors), ...shape.params],
    );
  }
  const subject = actors === null ? { sql: "TRUE", params: [] } : among("subject", actors);
  return source.each(
    `SELECT ${ROW_LIST} FROM rollups AS r WHERE grain = ? AND period BETWEEN ? AND ? AND ${subject.sql} AND ${shape.sql}`,
    [id, low, high, ...subject.params, ...shape.params],
  );
}

/** As rollupRows, but added up over periods and shapes. */
function sumsOfActors(source: Source, { id }: Grain, span: Span, { shapes, actors }: Search): SqlValue[][] {
  const terms = [
    shapes === null ? null : among("shape", shapes),
    actors === null ? null : among("subject", actors),
  ].filter((term) => term !== null);
  const sums = SUM_LIST.replaceAll(/\w+/g, (name) => `total(${name})`);
  return source.all(
    `SELECT 0, subject, 0, ${sums} FROM rollups WHERE grain = ? AND period >= ? AND period < ?
     ${terms.map(({ sql }) => `AND ${sql}`).join(" ")} GROUP BY subject`,
    [id, span.from, Math.min(span.to, Number.MAX_SAFE_INTEGER), ...terms.flatMap(({ params }) => params)],
  );
}

export function boundsOf({ since, until }: EventFilter): Bounds {
  return { from: Math.max(since ?? 0, 0), to: until ?? Number.MAX_SAFE_INTEGER };
}

function byField(
  source: Source,
  shapes: ReadonlyMap<number, Sums>,
  field: FieldName,
): Map<string | number | boolean, number> {
  const { at } = columnOf(field);
  const counts = new Map<string | number | boolean, number>();
  for (const [shape, { requests }] of shapes) {
    const value = source.shapes.cells(shape)[at] ?? null;
    if (value !== null) addTo(counts, value, requests);
  }
  return counts;
}

/** Shapes of what did not succeed have negative ids. */
function failedOf(shapes: ReadonlyMap<number, Sums>): number {
  let failed = 0;
  for (const [shape, { requests }] of shapes) if (shape < 0) failed = clamped(failed + requests);
  return failed;
}

function addTo<K>(counts: Map<K, number>, key: K, more: number): void {
  counts.set(key, clamped((counts.get(key) ?? 0) + more));
}
