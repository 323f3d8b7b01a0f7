// What people and sessions did. Sums of users come from rollups; sessions, latencies and first and last events are in no
// rollup, and are looked up in the newest events of those who are shown.
import type { EventFilter } from "../../query/filter.ts";
import {
  type Activity,
  type ActivityBucket,
  type ActivityQuestion,
  type SubjectActivity,
  TOP_ENDPOINTS,
} from "../activity.ts";
import { Latency } from "../latency.ts";
import { MAX_BUCKETS, MAX_FACETS } from "../store.ts";
import { boundsOf, byField, collect, failedOf, type Source } from "./collect.ts";
import { columnOf } from "./columns.ts";
import { clamped, EVENT_SUM_LIST, mapIn, Sums, sumsIn } from "./rollups.ts";
import { type Bounds, depthSql, type Search, scanSql, searchOf, within } from "./select.ts";

/** Events that are looked at, one by one: as many as fit into a second. */
const LOOKED_AT = 250_000;
const USER = columnOf("user_id").at;

/** Of one subject, by shape. */
type Shapes = ReadonlyMap<number, Sums>;

/** What events tell of one subject. `others`: ids of its sessions' words, or of its actors. */
interface Told {
  readonly shapes: Map<number, Sums>;
  readonly latency: Latency;
  readonly others: Set<number>;
  firstAt: number | null;
  lastAt: number | null;
}

/** The events that are looked at. */
interface Look {
  readonly search: Search;
  readonly bounds: Bounds;
  /** No event is too old to be looked at. */
  readonly isWhole: boolean;
}

/** Throws a RangeError for a `limit` or buckets beyond what there may be. `lookedAt`: events that are looked at. */
export function activity(source: Source, question: ActivityQuestion, lookedAt = LOOKED_AT): Activity {
  const { filter, limit, bucketMs } = question;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_FACETS)
    throw new RangeError(`limit is 1 to ${MAX_FACETS}`);
  const buckets = bucketMs === null ? 0 : (filter.until - filter.since) / bucketMs;
  if (!(buckets <= MAX_BUCKETS)) throw new RangeError(`there are at most ${MAX_BUCKETS} buckets`);
  const of = question.by === "user_id" ? ofUsers : ofSessions;
  return of(source, question, lookedAt);
}

function ofUsers(
  source: Source,
  { filter, minRequests, limit, bucketMs }: ActivityQuestion,
  lookedAt: number,
): Activity {
  const users = [...sumsOfUsers(source, filter)]
    .map(([user, shapes]) => ({ user, shapes, requests: requestsOf(shapes) }))
    .filter(({ requests }) => requests >= minRequests)
    .sort((a, b) => b.requests - a.requests || (a.user < b.user ? -1 : 1));
  const shown = users.slice(0, limit);
  const theirs = narrowed(
    filter,
    "user_id",
    shown.map(({ user }) => user),
  );
  const look = lookAt(source, theirs, lookedAt);
  const told = new Map<string, Told>();
  if (look !== null) {
    for (const { actor, session, ...event } of eventsOf(source, look)) {
      const user = userOf(source, actor);
      if (user !== null) tell(told, user, event, session);
    }
    if (!look.isWhole) findEnds(source, look.search, boundsOf(theirs), told);
  }
  const buckets = bucketMs === null ? null : bucketsOf(source, theirs, bucketMs);
  return {
    subjects: shown.map(({ user, shapes }) => {
      const { others, ...seen } = told.get(user) ?? nothingTold();
      const sessions = [...others].map((id) => source.dictionary.word(id));
      return subjectOf(source, user, { ...seen, shapes }, sessions, buckets?.get(user) ?? []);
    }),
    total: users.length,
    lookedBackTo: look === null || look.isWhole ? null : look.bounds.from,
  };
}

function ofSessions(
  source: Source,
  { filter, minRequests, limit }: ActivityQuestion,
  lookedAt: number,
): Activity {
  const not = { ...filter.not, session_id: [...(filter.not?.session_id ?? []), null] };
  const look = lookAt(source, { ...filter, not }, lookedAt);
  if (look === null) return { subjects: [], total: 0, lookedBackTo: null };
  const sessions = newestSessions(source, look).filter(({ requests }) => requests >= minRequests);
  const shown = sessions.slice(0, limit).map(({ id }) => ({ id, session: source.dictionary.word(id) }));
  const search = searchOf(
    narrowed(
      filter,
      "session_id",
      shown.map(({ session }) => session),
    ),
    source,
  );
  const told = new Map<number, Told>();
  if (search !== null)
    for (const { actor, session, ...event } of eventsOf(source, { ...look, search }))
      if (session !== null) tell(told, session, event, actor);
  return {
    subjects: shown.map(({ id, session }) => {
      const { others, ...seen } = told.get(id) ?? nothingTold();
      const users = [...others].map((actor) => userOf(source, actor)).filter((user) => user !== null);
      return subjectOf(source, session, seen, [...new Set(users)], []);
    }),
    total: sessions.length,
    lookedBackTo: look.isWhole ? null : look.bounds.from,
  };
}

function sumsOfUsers(source: Source, filter: EventFilter): Map<string, Map<number, Sums>> {
  const users = new Map<string, Map<number, Sums>>();
  const nobodys = new Sums();
  collect(source, { filter, byActor: true, inFull: true, latencies: false }, (_, actor, shape) => {
    const user = userOf(source, actor);
    return user === null ? nobodys : sumsIn(mapIn(users, user), shape);
  });
  return users;
}

/** Of each user the buckets that have events, oldest first. */
function bucketsOf(source: Source, filter: EventFilter, bucketMs: number): Map<string, ActivityBucket[]> {
  const users = new Map<string, Map<number, Map<number, Sums>>>();
  const nobodys = new Sums();
  const question = { filter, bucketMs, byActor: true, inFull: true, latencies: false };
  collect(source, question, (startMs, actor, shape) => {
    const user = userOf(source, actor);
    if (user === null) return nobodys;
    return sumsIn(mapIn(mapIn(users, user), startMs - (startMs % bucketMs)), Math.sign(shape));
  });
  return new Map(
    [...users].map(([user, starts]) => [
      user,
      [...starts]
        .sort(([a], [b]) => a - b)
        .map(([from, bySign]) => {
          const { requests, totalTokens, costMicros } = totalsOf(bySign);
          return { from, requests, failed: failedOf(bySign), totalTokens, costMicros };
        }),
    ]),
  );
}

/** The filter for some of those whom it lets through. */
function narrowed(
  filter: EventFilter,
  field: ActivityQuestion["by"],
  subjects: readonly string[],
): EventFilter {
  return { ...filter, where: { ...filter.where, [field]: subjects } };
}

/** How far back a look at a filter's events goes, counted in entries of the index that it goes by; null: there are none. */
function lookAt(source: Source, filter: EventFilter, lookedAt: number): Look | null {
  const search = searchOf(filter, source);
  if (search === null) return null;
  const bounds = boundsOf(filter);
  const { prefixes, index } = search;
  let entries = 0;
  for (const { sql, params } of prefixes) {
    const span = within(bounds);
    const some = `SELECT 1 FROM events INDEXED BY ${index} WHERE ${sql} AND ${span.sql} LIMIT ?`;
    const found = source.all(`SELECT count(*) FROM (${some})`, [...params, ...span.params, lookedAt + 1]);
    entries += found[0]?.[0] as number;
  }
  if (entries <= lookedAt) return { search, bounds, isWhole: true };
  const each = Math.ceil(lookedAt / prefixes.length);
  const floors = prefixes.map((prefix) => {
    const { sql, params } = depthSql(search, prefix, bounds);
    return (source.all(sql, [...params, each])[0]?.[0] ?? bounds.from) as number;
  });
  return { search, bounds: { ...bounds, from: Math.max(...floors) }, isWhole: false };
}

interface Seen {
  readonly at: number;
  readonly shape: number;
  readonly durationMs: number | null;
  /** As EVENT_SUM_LIST has them. */
  readonly sums: readonly unknown[];
}

function* eventsOf(
  source: Source,
  { search, bounds }: Look,
): Generator<Seen & { readonly actor: number | null; readonly session: number | null }> {
  const columns = `recorded_at, shape, duration_ms, actor, session_id, ${EVENT_SUM_LIST}`;
  for (const prefix of search.prefixes) {
    const { sql, params } = scanSql(search, prefix, bounds, columns);
    for (const [at, shape, durationMs, actor, session, ...sums] of source.each(sql, params) as Iterable<
      [number, number, number | null, number | null, number | null, ...unknown[]]
    >)
      yield { at, shape, durationMs, actor, session, sums };
  }
}

function tell<K>(told: Map<K, Told>, subject: K, event: Seen, other: number | null): void {
  const { at, shape, durationMs, sums } = event;
  let of = told.get(subject);
  if (of === undefined) {
    of = nothingTold();
    told.set(subject, of);
  }
  sumsIn(of.shapes, shape).add(sums);
  if (durationMs !== null) of.latency.add(durationMs);
  if (other !== null) of.others.add(other);
  of.firstAt = Math.min(of.firstAt ?? at, at);
  of.lastAt = Math.max(of.lastAt ?? at, at);
}

function nothingTold(): Told {
  return { shapes: new Map(), latency: new Latency(), others: new Set(), firstAt: null, lastAt: null };
}

/** The first and last events of users, also those that were too old to be looked at: two steps in an index for each actor. */
function findEnds(source: Source, search: Search, bounds: Bounds, told: Map<string, Told>): void {
  for (const actor of search.actors ?? []) {
    const user = userOf(source, actor);
    if (user === null) continue;
    const byActor = { ...search, index: "events_actor" };
    const { sql, params } = scanSql(byActor, { sql: "actor = ?", params: [actor] }, bounds, "recorded_at");
    for (const order of ["ASC", "DESC"]) {
      const at = source.all(`${sql} ORDER BY recorded_at ${order} LIMIT 1`, params)[0]?.[0] as
        | number
        | undefined;
      if (at === undefined) break;
      const of = told.get(user) ?? nothingTold();
      told.set(user, of);
      of.firstAt = Math.min(of.firstAt ?? at, at);
      of.lastAt = Math.max(of.lastAt ?? at, at);
    }
  }
}

/** Those with the newest event first; of equal ones the smaller id. */
function newestSessions(source: Source, { search, bounds }: Look) {
  const sessions = new Map<number, { readonly id: number; requests: number; last: number }>();
  for (const prefix of search.prefixes) {
    const { sql, params } = scanSql(search, prefix, bounds, 'session_id, total("count"), max(recorded_at)');
    for (const row of source.each(`${sql} GROUP BY 1`, params)) {
      const [id, requests, last] = row as [number, number, number];
      const known = sessions.get(id);
      if (known === undefined) sessions.set(id, { id, requests: clamped(requests), last });
      else {
        known.requests = clamped(known.requests + requests);
        known.last = Math.max(known.last, last);
      }
    }
  }
  const word = (id: number) => source.dictionary.word(id);
  return [...sessions.values()].sort((a, b) => b.last - a.last || (word(a.id) < word(b.id) ? -1 : 1));
}

function subjectOf(
  source: Source,
  subject: string,
  seen: Omit<Told, "others" | "shapes"> & { readonly shapes: Shapes },
  others: readonly string[],
  buckets: readonly ActivityBucket[],
): SubjectActivity {
  const { shapes, latency, firstAt, lastAt } = seen;
  const quotas = byField(source, shapes, "quota_violation").values();
  const topEndpoints = [...byField(source, shapes, "endpoint")]
    .map(([value, requests]) => ({ value: String(value), requests }))
    .sort((a, b) => b.requests - a.requests || (a.value < b.value ? -1 : 1))
    .slice(0, TOP_ENDPOINTS);
  return {
    subject,
    ...totalsOf(shapes),
    failed: failedOf(shapes),
    byKind: Object.fromEntries(byField(source, shapes, "kind")),
    quotaViolations: [...quotas].reduce((sum, requests) => clamped(sum + requests), 0),
    topEndpoints,
    firstAt,
    lastAt,
    meanMs: latency.mean(),
    p95Ms: latency.quantile(0.95),
    others,
    buckets,
  };
}

function totalsOf(shapes: Shapes) {
  const all = new Sums();
  for (const { values } of shapes.values()) all.add(values);
  return all.totals;
}

function requestsOf(shapes: Shapes): number {
  return totalsOf(shapes).requests;
}

function userOf(source: Source, actor: number | null): string | null {
  const user = actor === null ? null : source.actors.cells(actor)[USER];
  return typeof user === "string" ? user : null;
}
