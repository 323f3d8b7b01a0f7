// What sums are made of: rollups for the whole periods of a question, and the events themselves for the rests at its
// ends and where a filter asks what no rollup has.
import type { FieldName } from "../../event/fields.ts";
import type { EventFilter } from "../../query/filter.ts";
import type { ActorDays } from "./actor-days.ts";
import { columnOf, type SqlValue } from "./columns.ts";
import type { Lookup, Where } from "./conditions.ts";
import {
  addRow,
  clamped,
  EVENT_SUM_LIST,
  GRAINS,
  type Grain,
  HOUR,
  SUM_LIST,
  type Sums,
  sumsIn,
} from "./rollups.ts";
import { among, type Bounds, MAX_PREFIXES, type Search, scanSql, searchOf } from "./select.ts";
import { cover, type Rest, type Span } from "./spans.ts";

/** A connection as this file needs it, within one snapshot. */
export interface Source extends Lookup {
  readonly all: (sql: string, params: readonly SqlValue[]) => SqlValue[][];
  readonly each: (sql: string, params: readonly SqlValue[]) => Iterable<SqlValue[]>;
  readonly actorDays: ActorDays;
}

/** Where the sums of a period (its start), subject (an actor; 0: everybody) and shape are to be added. */
type Into = (startMs: number, subject: number, shape: number) => Sums;

interface Question {
  readonly filter: EventFilter;
  /** Actors are told apart. */
  readonly byActor?: boolean;
  /** And so are periods and shapes, of which actors have none otherwise. */
  readonly inFull?: boolean;
  /** Periods may not be longer, nor cross its multiples. */
  readonly bucketMs?: number;
  /**
   * What alone is told apart: shapes (of no period, which begin at 0), or in each bucket or period what failed (shape -1)
   * and what did not (shape 1). Then no actors are.
   */
  readonly inSum?: "shapes" | "failures";
  /** Whether anybody looks at the latencies. */
  readonly latencies: boolean;
  /** Nobody looks at anything but `requests`, by actor. */
  readonly onlyRequests?: boolean;
}

/** Longer ones, which only a wrong clock makes, are read by range. */
const MAX_PERIODS = 10_000;

export function sumsBySubject(
  source: Source,
  filter: EventFilter,
  by: "api_key_id" | "user_id",
): Map<string, Sums> {
  return bySubject(source, sumsByActor(source, filter), by);
}

export function sumsByActor(source: Source, filter: EventFilter): Map<number, Sums> {
  const actors = new Map<number, Sums>();
  collect(source, { filter, byActor: true, latencies: false }, (_, actor) => sumsIn(actors, actor));
  return actors;
}

/** Nothing but `requests`, which are remembered. */
export function requestsByActor(source: Source, filter: EventFilter): Map<number, Sums> {
  const actors = new Map<number, Sums>();
  const question = { filter, byActor: true, latencies: false, onlyRequests: true };
  collect(source, question, (_, actor) => sumsIn(actors, actor));
  return actors;
}

export function bySubject(
  source: Source,
  actors: ReadonlyMap<number, Sums>,
  by: "api_key_id" | "user_id",
): Map<string, Sums> {
  const { at } = columnOf(by);
  const subjects = new Map<string, Sums>();
  for (const [actor, sums] of actors) {
    const subject = source.actors.cells(actor)[at];
    if (typeof subject === "string") sumsIn(subjects, subject).merge(sums);
  }
  return subjects;
}

export function sumsByShape(source: Source, filter: EventFilter, latencies: boolean): Map<number, Sums> {
  const shapes = new Map<number, Sums>();
  collect(source, { filter, latencies, inSum: "shapes" }, (_, __, shape) => sumsIn(shapes, shape));
  return shapes;
}

/** Adds all that matches to where `into` says. */
export function collect(source: Source, question: Question, into: Into): void {
  const { filter } = question;
  const search = searchOf(filter, source);
  if (search === null) return;
  const ofActors = question.byActor === true || search.actors !== null;
  const grains = search.isOfRows ? [] : grainsFor(ofActors, question.bucketMs);
  const add = (rest: Rest, what: What) => {
    // Where no rollup helps, there may be any number of events: then they come one by one.
    if (question.inSum === undefined || search.isOfRows) addEvents(source, search, rest, what, into);
    else addSums(source, search, rest, what, { into, keys: eventKeys(question) });
  };
  const end = endOf(source, filter);
  const { spans, rests } = cover(
    boundsOf(filter).from,
    end,
    grains.map(({ unitMs }) => unitMs),
  );
  for (const span of spans) {
    const grain = grains.find(({ unitMs }) => unitMs === span.unitMs) as Grain;
    for (const row of rowsFor(source, question, grain, span, search)) {
      const [period, subject, shape] = row as [number, number, number];
      addRow(into(period * grain.unitMs, subject, shape), row, 3);
    }
    const times = { from: span.from * span.unitMs, to: span.to * span.unitMs };
    if (ofActors && question.latencies) add(times, "latencies");
  }
  for (const rest of rests) add(rest, question.byActor ? "actors" : "all");
}

/** As rollupRows, as far as the question asks. */
function rowsFor(
  source: Source,
  { byActor, inFull, inSum, latencies, onlyRequests }: Question,
  grain: Grain,
  span: Span,
  search: Search,
): Iterable<SqlValue[]> {
  if (inSum !== undefined) return rollupRows(source, grain, span, search, summed(inSum, latencies));
  if (!byActor || inFull) return rollupRows(source, grain, span, search);
  if (!onlyRequests || search.actors !== null) return sumsOfActors(source, grain, span, search);
  const shapes = search.shapes === null ? undefined : (exceptOthers(source, search.shapes) ?? undefined);
  return [...source.actorDays.requests(source, span.from, span.to, shapes)].map(([actor, requests]) => [
    0,
    actor,
    0,
    requests,
  ]);
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
type What = "all" | "actors" | "latencies";

/** As addEvents, where no more than `keys` is told apart: SQLite adds up what has the same, and a row each is saved. */
function addSums(
  source: Source,
  search: Search,
  rest: Rest,
  what: What,
  { into, keys }: { readonly into: Into; readonly keys: string },
): void {
  const sums = what === "latencies" ? "" : `, ${EVENT_TOTALS}`;
  for (const prefix of search.prefixes) {
    const { sql, params } = scanSql(
      search,
      prefix,
      boundsOfRest(rest),
      `${keys}, json_group_array(duration_ms)${sums}`,
    );
    for (const [startMs, shape, durations, ...totals] of source.all(`${sql} GROUP BY 1, 2`, params)) {
      const added = into(startMs as number, 0, shape as number);
      added.add(totals);
      for (const duration of JSON.parse(durations as string) as (number | null)[])
        if (duration !== null) added.latency.add(duration);
    }
  }
}

function addEvents(source: Source, search: Search, rest: Rest, what: What, into: Into): void {
  const bounds = boundsOfRest(rest);
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

function boundsOfRest({ from, to }: Rest): Bounds {
  return { from, to: Math.min(to - 1, Number.MAX_SAFE_INTEGER) };
}

/** The longest first. */
function grainsFor(ofActors: boolean, bucketMs: number | undefined): Grain[] {
  return GRAINS.filter(
    (grain) => grain.ofActors === ofActors && (bucketMs === undefined || bucketMs % grain.unitMs === 0),
  );
}

/** What is read of each row, or of all that have a shape. */
interface Reading {
  readonly list: string;
  readonly group: string;
}

const ROWS: Reading = { list: `r.period, r.subject, r.shape, ${SUM_LIST}, latency`, group: "" };
/** One text of many latencies, with the length of each before it: a row each costs more than what is in it. */
const LATENCIES = "group_concat(printf('%04X', length(latency)) || hex(latency), '')";
const EVENT_TOTALS = totalsOf(EVENT_SUM_LIST);
const FAILURE = "iif(shape < 0, -1, 1)";

/** Period, subject and shape of what is told apart. */
function summed(inSum: "shapes" | "failures", latencies: boolean): Reading {
  const keys = inSum === "shapes" ? "0, 0, shape" : `r.period, 0, ${FAILURE}`;
  const list = `${keys}, ${totalsOf(SUM_LIST)}, ${latencies ? LATENCIES : "NULL"}`;
  return { list, group: "GROUP BY 1, 3" };
}

/** The same of events: begin of the period, and shape. */
function eventKeys({ inSum, bucketMs = 1 }: Question): string {
  return inSum === "shapes" ? "0, shape" : `recorded_at - recorded_at % ${bucketMs}, ${FAILURE}`;
}

function totalsOf(list: string): string {
  return list.replaceAll(/[^, ]+/g, "total($&)");
}

function rollupRows(
  source: Source,
  { id }: Grain,
  span: Span,
  { shapes, actors }: Search,
  { list, group } = ROWS,
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
       SELECT ${list} FROM days CROSS JOIN rollups AS r ON r.grain = ?3 AND r.period = days.period
       AND r.subject IN (SELECT value FROM json_each(?4)) WHERE ${shape.sql} ${group}`,
      [low, high, id, JSON.stringify(actors), ...shape.params],
    );
  }
  const subject = actors === null ? { sql: "TRUE", params: [] } : among("subject", actors);
  return source.each(
    `SELECT ${list} FROM rollups AS r WHERE grain = ? AND period BETWEEN ? AND ? AND ${subject.sql} AND ${shape.sql}
     ${group}`,
    [id, low, high, ...subject.params, ...shape.params],
  );
}

/**
 * As rollupRows, but added up over periods and shapes: over shapes first, as the rows lie, so that what is sorted by
 * actor is a fraction of them.
 */
function sumsOfActors(source: Source, { id }: Grain, span: Span, { shapes, actors }: Search): SqlValue[][] {
  const terms = [
    shapes === null ? null : exceptOthers(source, shapes),
    actors === null ? null : among("subject", actors),
  ].filter((term) => term !== null);
  const totals = SUM_LIST.split(", ")
    .map((name) => `total(${name}) AS ${name}`)
    .join(", ");
  return source.all(
    `SELECT 0, subject, 0, ${totals} FROM (
       SELECT subject, ${totals} FROM rollups WHERE grain = ? AND period >= ? AND period < ?
       ${terms.map(({ sql }) => `AND ${sql}`).join(" ")} GROUP BY period, subject
     ) GROUP BY subject`,
    [id, span.from, Math.min(span.to, Number.MAX_SAFE_INTEGER), ...terms.flatMap(({ params }) => params)],
  );
}

/** As many as are compared one by one sooner than they are looked up. */
const MAX_OTHERS = 8;

/** `shapes`, by naming the others where those are few: most filters leave out nothing but Daybook's own events. */
function exceptOthers(source: Source, shapes: readonly number[]): Where | null {
  const named = new Set(shapes);
  const all = source.all("SELECT id FROM shapes LIMIT ?", [shapes.length + MAX_OTHERS + 1]);
  const others = all.flatMap(([shape]) => (named.has(shape as number) ? [] : [shape as number]));
  if (all.length > shapes.length + MAX_OTHERS) return among("shape", shapes);
  return { sql: ["TRUE", ...others.map(() => "+shape <> ?")].join(" AND "), params: others };
}

export function boundsOf({ since, until }: EventFilter): Bounds {
  return { from: Math.max(since ?? 0, 0), to: until ?? Number.MAX_SAFE_INTEGER };
}

export function byField(
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
export function failedOf(shapes: ReadonlyMap<number, Sums>): number {
  let failed = 0;
  for (const [shape, { requests }] of shapes) if (shape < 0) failed = clamped(failed + requests);
  return failed;
}

export function addTo<K>(counts: Map<K, number>, key: K, more: number): void {
  counts.set(key, clamped((counts.get(key) ?? 0) + more));
}
