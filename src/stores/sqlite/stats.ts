// Counts and sums: from rollups for the whole periods of a question, and from the events themselves for the rests at
// its ends and where a filter asks what no rollup has.
import { type FieldName, isFieldName } from "../../event/fields.ts";
import type { EventFilter } from "../../event/query.ts";
import { type Bucket, type Facets, MAX_BUCKETS, MAX_FACETS, type Stats, type Usage } from "../store.ts";
import { cellOf, columnOf, type SqlValue } from "./columns.ts";
import {
  addRow,
  clamped,
  EVENT_SUM_LIST,
  GRAINS,
  type Grain,
  mapIn,
  SUM_LIST,
  Sums,
  sumsIn,
} from "./rollups.ts";
import { type Bounds, depthSql, type Search, scanSql, searchOf, shapeIn, type Words } from "./select.ts";
import type { Shapes } from "./shapes.ts";
import { cover, type Rest, type Span } from "./spans.ts";

/** A connection as this file needs it, within one snapshot. */
export interface Source extends Words {
  readonly shapes: Shapes;
  readonly all: (sql: string, params: readonly SqlValue[]) => SqlValue[][];
  readonly each: (sql: string, params: readonly SqlValue[]) => Iterable<SqlValue[]>;
}

/** Where the sums of a period (its start), subject (0: everybody) and shape are to be added. */
type Into = (startMs: number, subject: number, shape: number) => Sums;

interface Question {
  readonly filter: EventFilter;
  /** Whose sums are told apart. */
  readonly by?: "user_id" | "api_key_id";
  /** Periods may not be longer, nor cross its multiples. */
  readonly bucketMs?: number;
}

/** Newest entries of an index that facets look at. */
const FACET_WINDOW = 100_000;
/** Longer ones, which only a wrong clock makes, are read by range. */
const MAX_PERIODS = 10_000;

export function stats(source: Source, filter: EventFilter): Stats {
  const shapes = new Map<number, Sums>();
  collect(source, { filter }, (_, __, shape) => sumsIn(shapes, shape));
  const all = new Sums();
  for (const sums of shapes.values()) all.merge(sums);
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
    p50Ms: all.latency.quantile(0.5),
    p95Ms: all.latency.quantile(0.95),
    p99Ms: all.latency.quantile(0.99),
  };
}

export function histogram(source: Source, filter: EventFilter, bucketMs: number): Bucket[] {
  const { since, until } = filter;
  const buckets = since === undefined || until === undefined ? Number.NaN : (until - since) / bucketMs;
  if (!Number.isInteger(bucketMs) || bucketMs < 1 || !(buckets <= MAX_BUCKETS))
    throw new RangeError(`a histogram has since, until and at most ${MAX_BUCKETS} buckets between them`);
  const starts = new Map<number, Map<number, Sums>>();
  collect(source, { filter, bucketMs }, (startMs, _, shape) =>
    sumsIn(mapIn(starts, startMs - (startMs % bucketMs)), shape),
  );
  return [...starts]
    .sort(([a], [b]) => a - b)
    .map(([from, shapes]) => {
      const all = new Sums();
      for (const sums of shapes.values()) all.merge(sums);
      const [requests = 0, , , totalTokens = 0, , costMicros = 0] = all.values;
      return {
        from,
        requests,
        failed: failedOf(shapes),
        totalTokens,
        costMicros,
        p95Ms: all.latency.quantile(0.95),
      };
    });
}

export function usage(source: Source, by: "api_key_id" | "user_id", since: number): Usage[] {
  const subjects = new Map<number, Sums>();
  const filter = { where: {}, since, includeSystem: true };
  collect(source, { filter, by }, (_, subject) => sumsIn(subjects, subject));
  return [...subjects].map(([subject, { values }]) => {
    const [requests = 0, promptTokens = 0, completionTokens = 0, totalTokens = 0, , costMicros = 0] = values;
    return {
      subject: source.dictionary.word(subject),
      requests,
      promptTokens,
      completionTokens,
      totalTokens,
      costMicros,
    };
  });
}

export function facets(source: Source, filter: EventFilter, field: FieldName, limit: number): Facets {
  if (!isFieldName(field)) throw new RangeError("a facet is of a field");
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_FACETS)
    throw new RangeError(`limit is 1 to ${MAX_FACETS}`);
  const by = field === "user_id" || field === "api_key_id" ? field : undefined;
  const others = Object.keys(filter.where).filter((name) => name !== by && !isOfShape(name as FieldName));
  if (others.length > 0 || (by === undefined && !isOfShape(field)))
    return recentFacets(source, filter, field, limit);
  const counts = new Map<string | number | boolean, number>();
  if (by === undefined) {
    const shapes = new Map<number, Sums>();
    collect(source, { filter }, (_, __, shape) => sumsIn(shapes, shape));
    for (const [value, requests] of byField(source, shapes, field)) counts.set(value, requests);
  } else {
    const subjects = new Map<number, Sums>();
    collect(source, { filter, by }, (_, subject) => sumsIn(subjects, subject));
    for (const [subject, { requests }] of subjects) counts.set(source.dictionary.word(subject), requests);
  }
  return { values: top(counts, limit), exact: true };
}

/** Counted over the newest entries of the index that the search goes by. */
function recentFacets(source: Source, filter: EventFilter, field: FieldName, limit: number): Facets {
  const search = searchOf(filter, source);
  if (search === null) return { values: [], exact: true };
  const bounds = boundsOf(filter);
  const depth = depthSql(search, bounds);
  const floor = source.all(depth.sql, [...depth.params, FACET_WINDOW])[0]?.[0];
  const { form, home, at } = columnOf(field);
  const scan = scanSql(
    search,
    floor === undefined ? bounds : { ...bounds, from: floor as number },
    `${home === "shape" ? "shape" : `"${field}"`}, total("count")`,
  );
  const counts = new Map<string | number | boolean, number>();
  for (const [found, requests] of source.each(`${scan.sql} GROUP BY 1`, scan.params)) {
    if (found === null || found === undefined) continue;
    const value =
      home === "shape" ? source.shapes.cells(found as number)[at] : cellOf(form, found, source.dictionary);
    if (value !== null && value !== undefined) addTo(counts, value, Number(requests));
  }
  return { values: top(counts, limit), exact: floor === undefined };
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
  const { filter, by } = question;
  const search = searchOf(filter, source);
  if (search === null) return;
  const bounds = boundsOf(filter);
  const subject = subjectOf(filter, by);
  const grains = subject === undefined ? [] : grainsFor(subject, question.bucketMs);
  const units = grains.map(({ unitMs }) => unitMs);
  const end = filter.until === undefined ? Number.POSITIVE_INFINITY : filter.until + 1;
  const { spans, rests } = cover(bounds.from, end, units);
  for (const span of spans) {
    const grain = grains.find(({ unitMs }) => unitMs === span.unitMs) as Grain;
    for (const row of rollupRows(source, grain, span, search, filter)) {
      const [period, whom, shape] = row as [number, number, number];
      addRow(into(period * grain.unitMs, whom, shape), row, 3);
    }
  }
  for (const rest of rests) addEvents(source, search, rest, by, into);
}

function addEvents(source: Source, search: Search, rest: Rest, by: Question["by"], into: Into): void {
  const bounds = { from: rest.from, to: Math.min(rest.to - 1, Number.MAX_SAFE_INTEGER) };
  const columns = `recorded_at, ${by ?? 0}, shape, ${EVENT_SUM_LIST}, duration_ms`;
  const { sql, params } = scanSql(search, bounds, columns);
  for (const row of source.each(sql, params)) {
    const [recordedAt, whom, shape] = row as [number, number | null, number];
    if (whom === null) continue;
    const sums = into(recordedAt, whom, shape);
    sums.add(row, 3);
    const duration = row.at(-1);
    if (typeof duration === "number") sums.latency.add(duration);
  }
}

/** The subject whose rollups can answer; undefined: none can. */
function subjectOf({ where }: EventFilter, by: Question["by"]): Grain["subject"] | undefined {
  const names = Object.keys(where).filter((name) => !isOfShape(name as FieldName));
  const [name = by, ...more] = names;
  if (name === undefined) return null;
  if (more.length > 0 || (by !== undefined && by !== name)) return undefined;
  if (name !== "user_id" && name !== "api_key_id") return undefined;
  return where[name]?.includes(null) ? undefined : name;
}

/** The longest first. */
function grainsFor(subject: Grain["subject"], bucketMs: number | undefined): Grain[] {
  return GRAINS.filter(
    (grain) => grain.subject === subject && (bucketMs === undefined || bucketMs % grain.unitMs === 0),
  );
}

const ROW_LIST = `r.period, r.subject, r.shape, ${SUM_LIST}, latency`;

function rollupRows(
  source: Source,
  { id, subject }: Grain,
  span: Span,
  { shapes }: Search,
  { where }: EventFilter,
): Iterable<SqlValue[]> {
  const shape = shapes === null ? { sql: "TRUE", params: [] } : shapeIn(shapes);
  const values = subject === null ? undefined : where[subject];
  const to = Math.min(span.to, Number.MAX_SAFE_INTEGER);
  if (subject !== null && values !== undefined) {
    const [first, last] = source.all(
      `SELECT (SELECT period FROM rollups WHERE grain = ?1 ORDER BY period LIMIT 1),
        (SELECT period FROM rollups WHERE grain = ?1 ORDER BY period DESC LIMIT 1)`,
      [id],
    )[0] as [number | null, number | null];
    if (first === null || last === null) return [];
    const [low, high] = [Math.max(span.from, first), Math.min(to - 1, last)];
    if (low > high) return [];
    const ids = values.map((word) => source.dictionary.find(subject, String(word)) ?? 0);
    if (high - low < MAX_PERIODS) {
      // Day by day: the days' rows are many, the subject's few.
      return source.each(
        `WITH RECURSIVE days (period) AS (VALUES (?) UNION ALL SELECT period + 1 FROM days WHERE period < ?)
         SELECT ${ROW_LIST} FROM days CROSS JOIN rollups AS r ON r.grain = ? AND r.period = days.period
         AND r.subject IN (SELECT value FROM json_each(?)) WHERE ${shape.sql}`,
        [low, high, id, JSON.stringify(ids), ...shape.params],
      );
    }
    return source.each(
      `SELECT ${ROW_LIST} FROM rollups AS r WHERE grain = ? AND period BETWEEN ? AND ?
       AND +subject IN (SELECT value FROM json_each(?)) AND ${shape.sql}`,
      [id, low, high, JSON.stringify(ids), ...shape.params],
    );
  }
  return source.each(
    `SELECT ${ROW_LIST} FROM rollups AS r WHERE grain = ? AND period >= ? AND period < ? AND ${shape.sql}`,
    [id, span.from, to, ...shape.params],
  );
}

export function boundsOf({ since, until }: EventFilter): Bounds {
  return { from: Math.max(since ?? 0, 0), to: until ?? Number.MAX_SAFE_INTEGER };
}

function isOfShape(name: FieldName): boolean {
  return columnOf(name).home === "shape";
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
