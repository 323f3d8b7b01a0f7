// Sums by period, field and subject: whatever they are read from, they are what a plain count of the events gives.
import assert from "node:assert/strict";
import fc from "fast-check";
import { FIELDS, type FieldName } from "../../src/event/fields.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { MAX_BUCKETS, MAX_FACETS, type Store } from "../../src/stores/store.ts";
import { type Cells, NodeLog, START_MS } from "../support/events.ts";
import { appendAll, type Cases, eventsOf } from "./case.ts";
import { anyFilter } from "./filters.ts";
import { assertSums, facetsOf, groupsOf, histogramOf, select, statsOf, usageOf } from "./model.ts";

const NODE = "00000000000000a1";
const OTHER = "00000000000000b2";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Over hours, days and what is longer: 70 days. */
const SPAN_MS = 70 * DAY_MS;

/** What most questions ask: fields whose sums a store may keep. */
const ASKED: readonly FieldName[] = [
  "kind",
  "status",
  "model",
  "backend_type",
  "user_id",
  "api_key_id",
  "name",
];
const SCALARS = FIELDS.filter(({ type }) => type !== "json").map(({ name }) => name);

/** Times at the edges of hours and days, and any others. */
const anyTime = fc
  .tuple(fc.integer({ min: -1, max: 71 * 24 }), fc.constantFrom(0, -1, 1, 1234, HOUR_MS / 2))
  .map(([hours, more]) => START_MS + hours * HOUR_MS + more);

const anySums = (events: Parameters<typeof anyFilter>[0]) =>
  fc.oneof(anyFilter(events, anyTime, ASKED), anyFilter(events, anyTime));

function spread(seq: number): Cells {
  // Some exactly at the edges of an hour.
  const at = (seq * 7_919_317) % SPAN_MS;
  return {
    recorded_at: START_MS + (seq % 5 === 0 ? at - (at % HOUR_MS) : at),
    ...(seq % 7 === 0 ? { kind: "system" } : {}),
  };
}

async function spreadOut(store: Store) {
  const [one, two] = [new NodeLog(NODE, 5), new NodeLog(OTHER, 6)];
  for (let round = 0; round < 4; round++) await appendAll(store, one.next(60, spread), two.next(40, spread));
  return eventsOf(one.events, two.events);
}

export const SUMS: Cases = {
  "stats of any filter are those of a plain count": async (open) => {
    const store = await open();
    const events = await spreadOut(store);
    await fc.assert(
      fc.asyncProperty(anySums(events), async (filter) => {
        const stats = await store.stats(filter);
        assertSums(stats, statsOf(select(events, filter)), JSON.stringify(filter));
      }),
      { numRuns: 200 },
    );
  },

  "histograms of any filter and bucket are those of a plain count": async (open) => {
    const store = await open();
    const events = await spreadOut(store);
    const width = fc.constantFrom(
      HOUR_MS,
      2 * HOUR_MS,
      7 * HOUR_MS,
      DAY_MS,
      7 * DAY_MS,
      64 * DAY_MS,
      3_333_333,
    );
    await fc.assert(
      fc.asyncProperty(anySums(events), anyTime, width, async (filter, since, bucketMs) => {
        const until = filter.until ?? since + 200 * bucketMs;
        const asked = { ...filter, since: Math.min(since, until), until };
        if ((until - asked.since) / bucketMs > MAX_BUCKETS) return;
        const message = JSON.stringify([asked, bucketMs]);
        assertSums(
          await store.histogram(asked, bucketMs),
          histogramOf(select(events, asked), bucketMs),
          message,
        );
      }),
      { numRuns: 150 },
    );
  },

  "facets of any filter and field are those of a plain count, while the log is short": async (open) => {
    const store = await open();
    const events = await spreadOut(store);
    const field = fc.oneof(fc.constantFrom(...ASKED), fc.constantFrom(...SCALARS));
    await fc.assert(
      fc.asyncProperty(anySums(events), field, fc.constantFrom(1, 3, 1000), async (filter, name, limit) => {
        const names = [name, "status", "user_id"] as const;
        const expected = names.map((each) => ({
          values: facetsOf(select(events, filter), each, limit),
          exact: true,
        }));
        assert.deepEqual(await store.facets(filter, names, limit), expected, JSON.stringify([filter, name]));
      }),
      { numRuns: 200 },
    );
  },

  "groups of any filter and fields are those of a plain count": async (open) => {
    const store = await open();
    const events = await spreadOut(store);
    const fields = fc.subarray(["kind", "action", "endpoint", "status", "error_code"] as const, {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(anySums(events), fields, fc.constantFrom(1, 3, 1000), async (filter, names, limit) => {
        const groupings = [names, [], ["status"]] as const;
        const right = groupings.map((each) => groupsOf(select(events, filter), each, limit));
        assertSums(await store.groups(filter, groupings, limit), right, JSON.stringify([filter, names]));
      }),
      { numRuns: 100 },
    );
    await assert.rejects(store.groups({ where: {} }, [["request_id"]], 1), RangeError);
    assert.deepEqual(await store.groups({ where: {} }, [], 1), []);
  },

  "usage of every key and user since any time is that of a plain count": async (open) => {
    const store = await open();
    const events = await spreadOut(store);
    const by = fc.constantFrom("api_key_id" as const, "user_id" as const);
    await fc.assert(
      fc.asyncProperty(by, anyTime, async (subject, since) => {
        const sorted = (usage: { subject: string }[]) =>
          usage.sort((a, b) => (a.subject < b.subject ? -1 : 1));
        assert.deepEqual(
          sorted(await store.usage({ by: subject, since })),
          sorted(usageOf(events, subject, since)),
        );
      }),
      { numRuns: 60 },
    );
  },

  "sums of two connections that append by turns are one": async (open) => {
    const [one, two] = [await open(), await open()];
    const logs = [new NodeLog(NODE, 1), new NodeLog(OTHER, 2)] as const;
    for (let round = 0; round < 5; round++) await appendAll(one, logs[0].next(9), logs[0].next(0));
    for (let round = 0; round < 5; round++) {
      await appendAll(two, logs[1].next(9));
      await appendAll(one, logs[0].next(9));
    }
    const events = eventsOf(logs[0].events, logs[1].events);
    for (const store of [one, two])
      assertSums(await store.stats({ where: {} }), statsOf(select(events, { where: {} })), "both");
  },

  "a histogram without bounds, or of too many buckets, is refused": async (open) => {
    const store = await open();
    const filters: [EventFilter, number][] = [
      [{ where: {} }, HOUR_MS],
      [{ where: {}, since: 0 }, HOUR_MS],
      [{ where: {}, since: 0, until: HOUR_MS * (MAX_BUCKETS + 1) }, HOUR_MS],
      [{ where: {}, since: 0, until: 9 }, 0],
      [{ where: {}, since: 0, until: 9 }, 1.5],
    ];
    for (const [filter, bucketMs] of filters)
      await assert.rejects(store.histogram(filter, bucketMs), RangeError);
  },

  "a facet is asked for within 1 to 1000 values": async (open) => {
    const store = await open();
    for (const limit of [0, 1.5, MAX_FACETS + 1])
      await assert.rejects(store.facets({ where: {} }, ["model"], limit), RangeError);
  },
};
