// The read side of a store as plain functions over events: what drivers are compared with.
import assert from "node:assert/strict";
import type { AuditEvent, Cell, FieldName } from "../../src/event/fields.ts";
import type { EventFilter, Match } from "../../src/query/filter.ts";
import { TEXT_FIELDS } from "../../src/query/matches.ts";
import type { ActivityQuestion, SubjectActivity } from "../../src/stores/activity.ts";
import type { Bucket, Facets, Group, Stats, Usage } from "../../src/stores/store.ts";

/** The events that a filter lets through, newest first. */
export function select(events: readonly AuditEvent[], filter: EventFilter): AuditEvent[] {
  return newestFirst(letThrough(events, filter));
}

/** Those that are in order already are sorted soonest. */
export function newestFirst(events: readonly AuditEvent[]): AuditEvent[] {
  return events.toSorted((a, b) => -byKey(a, b));
}

/** Field by field and match by match, with regular expressions: on purpose not as src/query/matches.ts does it. */
function letThrough(events: readonly AuditEvent[], filter: EventFilter): AuditEvent[] {
  const { where, not = {}, within = {}, text = [], notText = [], since, until, includeSystem } = filter;
  const takesSystem = includeSystem || where.kind !== undefined;
  let left = events.filter(
    ({ recorded_at: at, kind }) =>
      at >= (since ?? -Infinity) && at <= (until ?? Infinity) && (kind !== "system" || takesSystem),
  );
  const narrow = (lists: object, isWanted: boolean) => {
    for (const [name, list] of Object.entries(lists) as [FieldName, readonly Match[]][])
      left = left.filter((event) => list.some((match) => isMet(match, event[name])) === isWanted);
  };
  narrow(where, true);
  narrow(Object.fromEntries(Object.entries(within).map(([name, range]) => [name, [range]])), true);
  narrow(not, false);
  const holds = (event: AuditEvent, word: string) => searchedOf(event).some((value) => value.includes(word));
  for (const word of text.map(ascii)) left = left.filter((event) => holds(event, word));
  for (const word of notText.map(ascii)) left = left.filter((event) => !holds(event, word));
  return left;
}

const SEARCHED = new WeakMap<AuditEvent, readonly string[]>();

function searchedOf(event: AuditEvent): readonly string[] {
  const known = SEARCHED.get(event);
  if (known !== undefined) return known;
  const searched = TEXT_FIELDS.map((name) => ascii(String(event[name] ?? "")));
  SEARCHED.set(event, searched);
  return searched;
}

function isMet(match: Match, cell: Cell): boolean {
  if (typeof match !== "object" || match === null) return match === cell;
  if ("glob" in match) return typeof cell === "string" && expressionOf(match.glob).test(cell);
  if (typeof cell !== "number") return false;
  return cell >= (match.least ?? -Infinity) && cell <= (match.most ?? Infinity);
}

const EXPRESSIONS = new Map<string, RegExp>();

/** `\\` protects stars, quotes and itself. */
function expressionOf(glob: string): RegExp {
  const known = EXPRESSIONS.get(glob);
  if (known !== undefined) return known;
  const source = glob.replaceAll(/\\[\\*"]|[\s\S]/gu, (token) => {
    if (token === "*") return "[\\s\\S]*";
    return (token.length === 2 && token.startsWith("\\") ? token.slice(1) : token).replaceAll(
      /[\\^$.*+?()[\]{}|/-]/g,
      (special) => `\\x${special.charCodeAt(0).toString(16)}`,
    );
  });
  const expression = new RegExp(`^${source}$`);
  EXPRESSIONS.set(glob, expression);
  return expression;
}

function ascii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function byKey(a: AuditEvent, b: AuditEvent): number {
  return a.recorded_at - b.recorded_at || compareText(a.node_id, b.node_id) || a.seq - b.seq;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

export function statsOf(events: readonly AuditEvent[]): Stats {
  const counts = (name: FieldName) => Object.fromEntries(countsOf(events, name));
  const durations = durationsOf(events);
  return {
    totalRequests: sum(events, "count"),
    byStatus: counts("status"),
    byBackend: counts("backend_type"),
    uniqueModels: new Set(events.flatMap(({ model }) => model ?? [])).size,
    failed: sum(events.filter(failed), "count"),
    promptTokens: sum(events, "prompt_tokens"),
    completionTokens: sum(events, "completion_tokens"),
    totalTokens: sum(events, "total_tokens"),
    cachedTokens: sum(events, "cached_tokens"),
    costMicros: sum(events, "cost_micros"),
    p50Ms: quantileOf(durations, 0.5),
    p95Ms: quantileOf(durations, 0.95),
    p99Ms: quantileOf(durations, 0.99),
  };
}

export function histogramOf(events: readonly AuditEvent[], bucketMs: number): Bucket[] {
  const buckets = Map.groupBy(events, ({ recorded_at }) => recorded_at - (recorded_at % bucketMs));
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([from, group]) => ({
      from,
      requests: sum(group, "count"),
      failed: sum(group.filter(failed), "count"),
      totalTokens: sum(group, "total_tokens"),
      costMicros: sum(group, "cost_micros"),
      p95Ms: quantileOf(durationsOf(group), 0.95),
    }));
}

export function facetsOf(events: readonly AuditEvent[], field: FieldName, limit: number): Facets["values"] {
  return countsOf(events, field)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([value, requests]) => ({ value, requests }));
}

export function groupsOf(
  events: readonly AuditEvent[],
  fields: readonly FieldName[],
  limit: number,
): Group[] {
  const groups = Map.groupBy(events, (event) => JSON.stringify(fields.map((field) => event[field])));
  return [...groups]
    .map(([key, group]) => ({ key, group, durations: durationsOf(group) }))
    .map(({ key, group, durations }) => ({
      key,
      values: JSON.parse(key) as Cell[],
      requests: sum(group, "count"),
      failed: sum(group.filter(failed), "count"),
      totalTokens: sum(group, "total_tokens"),
      costMicros: sum(group, "cost_micros"),
      meanMs: meanOf(group),
      p50Ms: quantileOf(durations, 0.5),
      p95Ms: quantileOf(durations, 0.95),
      p99Ms: quantileOf(durations, 0.99),
    }))
    .sort((one, other) => other.requests - one.requests || compareText(one.key, other.key))
    .slice(0, limit)
    .map(({ key: _, ...group }) => group);
}

export function usageOf(events: readonly AuditEvent[], by: "api_key_id" | "user_id", since: number): Usage[] {
  const recent = events.filter(({ recorded_at }) => recorded_at >= since);
  return [...Map.groupBy(recent, (event) => event[by])].flatMap(([subject, group]) =>
    subject === null
      ? []
      : {
          subject,
          requests: sum(group, "count"),
          promptTokens: sum(group, "prompt_tokens"),
          completionTokens: sum(group, "completion_tokens"),
          totalTokens: sum(group, "total_tokens"),
          costMicros: sum(group, "cost_micros"),
        },
  );
}

/** `others` are sorted. */
export function activityOf(events: readonly AuditEvent[], question: ActivityQuestion): SubjectActivity[] {
  const { filter, by, minRequests, limit, bucketMs } = question;
  const subjects = Map.groupBy(select(events, filter), (event) => event[by]);
  const found = [...subjects].flatMap(([subject, group]) =>
    subject === null || sum(group, "count") < minRequests ? [] : subjectOf(subject, group, by, bucketMs),
  );
  return found
    .sort(
      (a, b) =>
        (by === "user_id" ? b.requests - a.requests : Number(b.lastAt) - Number(a.lastAt)) ||
        compareText(a.subject, b.subject),
    )
    .slice(0, limit);
}

function subjectOf(
  subject: string,
  group: readonly AuditEvent[],
  by: ActivityQuestion["by"],
  bucketMs: number | null,
): SubjectActivity {
  const others = group.flatMap((event) => event[by === "user_id" ? "session_id" : "user_id"] ?? []);
  const times = group.map(({ recorded_at }) => recorded_at);
  return {
    subject,
    requests: sum(group, "count"),
    failed: sum(group.filter(failed), "count"),
    byKind: Object.fromEntries(countsOf(group, "kind")),
    quotaViolations: sum(
      group.filter(({ quota_violation }) => quota_violation !== null),
      "count",
    ),
    promptTokens: sum(group, "prompt_tokens"),
    completionTokens: sum(group, "completion_tokens"),
    totalTokens: sum(group, "total_tokens"),
    cachedTokens: sum(group, "cached_tokens"),
    costMicros: sum(group, "cost_micros"),
    topEndpoints: facetsOf(group, "endpoint", 5).map(({ value, requests }) => ({
      value: String(value),
      requests,
    })),
    firstAt: times.reduce((a, b) => Math.min(a, b)),
    lastAt: times.reduce((a, b) => Math.max(a, b)),
    meanMs: meanOf(group),
    p95Ms: quantileOf(durationsOf(group), 0.95),
    others: [...new Set(others)].sort(compareText),
    buckets: bucketMs === null ? [] : histogramOf(group, bucketMs).map(({ p95Ms: _, ...bucket }) => bucket),
  };
}

/** As deepEqual, but for latencies, which may be 5 % off, in tenths of a millisecond. */
export function assertSums(actual: unknown, expected: unknown, message: string): void {
  const latencies: [number | null, number | null][] = [];
  const without = (value: unknown, into: (ms: number | null) => void): unknown =>
    JSON.parse(
      JSON.stringify(value, (key, part: unknown) => {
        if (!/^(?:p\d\d|mean)(?:Ms|_ms)$/.test(key)) return part;
        into(part as number | null);
        return undefined;
      }),
    );
  const found: (number | null)[] = [];
  const right: (number | null)[] = [];
  assert.deepEqual(
    without(actual, (ms) => found.push(ms)),
    without(expected, (ms) => right.push(ms)),
    message,
  );
  for (const [index, ms] of right.entries()) latencies.push([found[index] ?? null, ms]);
  for (const [is, should] of latencies) {
    const near =
      is === null || should === null ? is === should : Math.abs(is - should) <= should * 0.05 + 0.05;
    assert.ok(near, `${message}: a latency is ${is}, not ${should}`);
  }
}

type Summed =
  | "count"
  | "prompt_tokens"
  | "completion_tokens"
  | "total_tokens"
  | "cached_tokens"
  | "cost_micros";

const MAX = Number.MAX_SAFE_INTEGER;

function sum(events: readonly AuditEvent[], name: Summed): number {
  let total = 0;
  for (const event of events) total += event[name] ?? 0;
  return Math.min(total, MAX);
}

function failed({ status }: AuditEvent): boolean {
  return status !== "success";
}

function countsOf(events: readonly AuditEvent[], field: FieldName): [Exclude<Cell, null>, number][] {
  const counts = new Map<Exclude<Cell, null>, number>();
  for (const event of events) {
    const value = event[field];
    if (value !== null) counts.set(value, Math.min((counts.get(value) ?? 0) + event.count, MAX));
  }
  return [...counts];
}

function meanOf(events: readonly AuditEvent[]): number | null {
  const all = events.flatMap(({ duration_ms }) => duration_ms ?? []);
  return all.length === 0 ? null : all.reduce((sum, ms) => sum + ms, 0) / all.length;
}

/** Sorted. */
function durationsOf(events: readonly AuditEvent[]): Float64Array {
  return Float64Array.from(events.flatMap(({ duration_ms }) => duration_ms ?? [])).sort();
}

/** By nearest rank. */
function quantileOf(sorted: Float64Array, quantile: number): number | null {
  return sorted[Math.max(1, Math.ceil(sorted.length * quantile)) - 1] ?? null;
}
