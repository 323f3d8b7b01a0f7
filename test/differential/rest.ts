// REST: lists, counts, sums, histograms and facets of a filter.
import assert from "node:assert/strict";
import type { AuditEvent, FieldName } from "../../src/event/fields.ts";
import { isoTime } from "../../src/event/json.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { writeFilter } from "../../src/query/parameters.ts";
import { writeText } from "../../src/query/text.ts";
import { histogramJson, statsJson } from "../../src/read/sums-json.ts";
import { TOKENS } from "../api/served-api.ts";
import { assertSums, facetsOf, histogramOf, statsOf } from "../conformance/model.ts";
import { jsonOf } from "./world.ts";

const HOUR_MS = 3_600_000;
const FACETS: readonly FieldName[] = ["status", "user_id", "total_tokens"];
/** Of lists. */
const LIMITS = [40, 7, 150];
/** A list is read to its end with one filter in so many; of the others a page or two. */
const WHOLE = 25;
const MAX_LIMIT = 1000;

type Ask = (path: string, parameters: URLSearchParams) => Promise<{ text: string; next: string | null }>;

interface Case {
  readonly ask: Ask;
  readonly index: number;
  readonly filter: EventFilter;
  readonly expected: readonly AuditEvent[];
  readonly parameters: URLSearchParams;
  /** Says which filter it was. */
  readonly message: string;
}

export async function checkRest(
  url: string,
  filter: EventFilter,
  expected: readonly AuditEvent[],
  index: number,
): Promise<void> {
  // As parameters, or as a line of text.
  const parameters = index % 2 === 0 ? writeFilter(filter) : new URLSearchParams({ q: writeText(filter) });
  const message = JSON.stringify(filter);
  const one: Case = { ask: askOf(url), index, filter, expected, parameters, message };
  const others = [checkHistogram, checkFacets, checkCount];
  await Promise.all([checkList(one), checkStats(one), others[index % others.length]?.(one)]);
}

function askOf(url: string): Ask {
  return async (path, parameters) => {
    const response = await fetch(`${url}/admin/audit-logs${path}?${parameters}`, {
      headers: { authorization: `Bearer ${TOKENS.admin}` },
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return { text, next: /\?([^>]*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1] ?? null };
  };
}

/** However short the pages may be that a search of little makes. */
async function checkList({ ask, index, expected, parameters, message }: Case): Promise<void> {
  const isWhole = index % WHOLE === 0;
  const limit = isWhole ? MAX_LIMIT : (LIMITS[index % LIMITS.length] ?? 1);
  const wanted = isWhole ? Number.POSITIVE_INFINITY : limit * (1 + (index % 2));
  const found: string[] = [];
  let count = 0;
  let at: URLSearchParams | null = withMore(parameters, { limit: String(limit) });
  while (at !== null && count < wanted) {
    const { text, next }: { text: string; next: string | null } = await ask("", at);
    const inner = text.slice(1, -1);
    if (inner !== "") found.push(inner);
    count += (text.match(/"schema_version":/g) ?? []).length;
    at = next === null ? null : new URLSearchParams(next);
  }
  const right = expected.slice(0, isWhole ? undefined : Math.max(wanted, count));
  assert.equal(found.join(","), right.map(jsonOf).join(","), message);
}

async function checkStats({ ask, expected, parameters, message }: Case): Promise<void> {
  const { text } = await ask("/stats", parameters);
  assertSums(JSON.parse(text), statsJson(statsOf(expected)), message);
}

async function checkCount({ ask, expected, parameters, message }: Case): Promise<void> {
  const count = expected.reduce((sum, event) => sum + event.count, 0);
  assert.deepEqual((await ask("/count", parameters)).text, `{"count":${count}}`, message);
}

async function checkFacets({ ask, expected, parameters, message }: Case): Promise<void> {
  const { text } = await ask("/facets", withMore(parameters, { fields: FACETS.join(","), limit: "5" }));
  const right = FACETS.map((name) => [name, { values: facetsOf(expected, name, 5), exact: true }]);
  assert.deepEqual(JSON.parse(text), Object.fromEntries(right), message);
}

async function checkHistogram({ ask, index, filter, expected, message }: Case): Promise<void> {
  const bucketMs = [HOUR_MS, 24 * HOUR_MS, 5 * HOUR_MS][Math.floor(index / 3) % 3] ?? HOUR_MS;
  const since = filter.since ?? Date.UTC(2026, 2, 1);
  const until = Math.max(since, filter.until ?? since + 1500 * HOUR_MS);
  const parameters = withMore(writeFilter({ ...filter, since, until }), { bucket: `${bucketMs / HOUR_MS}h` });
  const { text } = await ask("/histogram", parameters);
  const within = expected.filter(({ recorded_at: at }) => at >= since && at <= until);
  const buckets = histogramJson(histogramOf(within, bucketMs), { since, until }, bucketMs);
  assertSums(JSON.parse(text), buckets, `${message} ${isoTime(since)}`);
}

function withMore(parameters: URLSearchParams, more: Record<string, string>): URLSearchParams {
  return new URLSearchParams([...parameters, ...Object.entries(more)]);
}
