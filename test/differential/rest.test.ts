// REST against a naive reading of the events: lists, counts, sums, histograms and facets.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { AuditEvent, FieldName } from "../../src/event/fields.ts";
import { isoTime } from "../../src/event/json.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { writeFilter } from "../../src/query/parameters.ts";
import { writeText } from "../../src/query/text.ts";
import { openReader } from "../../src/read/reader.ts";
import { histogramJson, statsJson } from "../../src/read/sums-json.ts";
import { type ServedApi, serveApi, TOKENS } from "../api/served-api.ts";
import { assertSums, facetsOf, histogramOf, statsOf } from "../conformance/model.ts";
import { inZones, jsonOf, makeWorld, type World } from "./world.ts";

const LIMIT = 40;
const HOUR_MS = 3_600_000;
const FACETS: readonly FieldName[] = ["status", "user_id", "total_tokens"];

let world: World;
let api: ServedApi;

before(async () => {
  world = await makeWorld();
  api = await serveApi([], { reader: await openReader(world.address) });
});
after(async () => {
  await api[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** As parameters, or as a line of text. */
function asked(filter: EventFilter, index: number): URLSearchParams {
  return index % 2 === 0 ? writeFilter(filter) : new URLSearchParams({ q: writeText(filter) });
}

async function ask(
  path: string,
  parameters: URLSearchParams,
): Promise<{ text: string; next: string | null }> {
  const response = await fetch(`${api.url}/admin/audit-logs${path}?${parameters}`, {
    headers: { authorization: `Bearer ${TOKENS.admin}` },
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return { text, next: /\?([^>]*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1] ?? null };
}

inZones(
  "lists, counts, sums, histograms and facets of any filter are those of a naive reading",
  () => world,
  async (filters) => {
    for (const [index, filter] of filters.entries()) {
      const expected = world.expected(filter);
      const parameters = asked(filter, index);
      const message = JSON.stringify(filter);
      const stats = statsOf(expected);
      const [, summed] = await Promise.all([
        checkList(expected, parameters, message),
        ask("/stats", parameters),
      ]);
      assertSums(JSON.parse(summed.text), statsJson(stats), message);
      if (index % 3 === 0) await checkHistogram(filter, message, index);
      else if (index % 3 === 1) await checkFacets(expected, parameters, message);
      else
        assert.deepEqual((await ask("/count", parameters)).text, `{"count":${stats.totalRequests}}`, message);
    }
  },
);

/** The first two pages, however short those may be that a search of little makes. */
async function checkList(
  expected: readonly AuditEvent[],
  parameters: URLSearchParams,
  message: string,
): Promise<void> {
  const right = expected.slice(0, 2 * LIMIT).map(jsonOf);
  const found: string[] = [];
  let count = 0;
  let at: URLSearchParams | null = withMore(parameters, { limit: String(LIMIT) });
  while (at !== null && count < 2 * LIMIT) {
    const { text, next }: { text: string; next: string | null } = await ask("", at);
    const inner = text.slice(1, -1);
    if (inner !== "") found.push(inner);
    count += (text.match(/"schema_version":/g) ?? []).length;
    at = next === null ? null : new URLSearchParams(next);
  }
  assert.equal(found.join(","), right.join(","), message);
}

async function checkFacets(
  expected: readonly AuditEvent[],
  parameters: URLSearchParams,
  message: string,
): Promise<void> {
  const { text } = await ask("/facets", withMore(parameters, { fields: FACETS.join(","), limit: "5" }));
  const right = FACETS.map((name) => [name, { values: facetsOf(expected, name, 5), exact: true }]);
  assert.deepEqual(JSON.parse(text), Object.fromEntries(right), message);
}

async function checkHistogram(filter: EventFilter, message: string, index: number): Promise<void> {
  const bucketMs = [HOUR_MS, 24 * HOUR_MS, 5 * HOUR_MS][index % 3] ?? HOUR_MS;
  const since = filter.since ?? Date.UTC(2026, 2, 1);
  const until = Math.max(since, filter.until ?? since + 1500 * HOUR_MS);
  const bounded = { ...filter, since, until };
  const parameters = withMore(writeFilter(bounded), { bucket: `${bucketMs / HOUR_MS}h` });
  const { text } = await ask("/histogram", parameters);
  const buckets = histogramOf(world.expected(bounded), bucketMs);
  assertSums(
    JSON.parse(text),
    histogramJson(buckets, { since, until }, bucketMs),
    `${message} ${isoTime(since)}`,
  );
}

function withMore(parameters: URLSearchParams, more: Record<string, string>): URLSearchParams {
  return new URLSearchParams([...parameters, ...Object.entries(more)]);
}
