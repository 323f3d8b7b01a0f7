// What people and sessions did is what a plain count of their events gives.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { AuditEvent } from "../../src/event/fields.ts";
import type { ActivityQuestion, SubjectActivity } from "../../src/stores/activity.ts";
import type { Store } from "../../src/stores/store.ts";
import { type Cells, NodeLog, START_MS } from "../support/events.ts";
import { appendAll, type Cases, eventsOf } from "./case.ts";
import { anyFilter } from "./filters.ts";
import { activityOf, assertSums } from "./model.ts";

const NODE = "00000000000000a1";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ENDPOINTS = ["/a", "/b", "/c", "/d", "/e", "/f", "/g", null];

/** What makes no difference here, so that there are as few shapes as real traffic has, and events are soon appended. */
const ALIKE: Cells = {
  action: "chat",
  caller: "http",
  name: null,
  method: "POST",
  entity_type: null,
  model: "demo",
  upstream_model: null,
  backend_type: "local",
  provider: null,
  streaming: null,
  finish_reason: null,
  policy_decision: "n/a",
  tokens_estimated: null,
  api_key_id: null,
  client_ip: null,
  ttft_ms: null,
  upstream_request_id: null,
  parent_event_id: null,
  entity_id: null,
  attempts: null,
  policy_reason: null,
  input_json: null,
  new_values: null,
  justification: null,
  metadata: null,
};

/** Over 40 days, some exactly at midnight or a millisecond before. */
function lived(seq: number): Cells {
  const at = (seq * 7_919_317) % (40 * DAY_MS);
  const midnight = at - (at % DAY_MS);
  return {
    recorded_at: START_MS + (seq % 5 === 0 ? midnight : seq % 5 === 1 ? Math.max(0, midnight - 1) : at),
    endpoint: ENDPOINTS[seq % ENDPOINTS.length] ?? null,
    quota_violation: seq % 11 === 0 ? "daily_cost" : null,
    ...(seq % 7 === 0 ? { kind: "system" } : {}),
  };
}

async function assertAsCounted(store: Store, events: readonly AuditEvent[], question: ActivityQuestion) {
  const { subjects, total, lookedBackTo } = await store.activity(question);
  const message = JSON.stringify(question);
  const sorted = subjects.map(
    (subject): SubjectActivity => ({ ...subject, others: [...subject.others].sort() }),
  );
  assertSums(sorted, activityOf(events, question), message);
  assert.equal(total, activityOf(events, { ...question, limit: Infinity }).length, message);
  assert.equal(lookedBackTo, null, message);
}

const anyTime = fc
  .tuple(fc.integer({ min: -1, max: 41 * 24 }), fc.constantFrom(0, -1, 1, 1234, HOUR_MS / 2))
  .map(([hours, more]) => START_MS + hours * HOUR_MS + more);

export const ACTIVITY: Cases = {
  "what users and sessions did, under any filter, is what a plain count gives": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE, 7);
    for (let round = 0; round < 4; round++) await appendAll(store, log.next(100, lived));
    const events = eventsOf(log.events);
    const question = fc.record({
      filter: fc
        .tuple(
          anyFilter(events, anyTime, ["kind", "status", "model", "user_id", "session_id"]),
          anyTime,
          anyTime,
        )
        .map(([filter, a, b]) => ({ ...filter, since: Math.min(a, b), until: Math.max(a, b) })),
      by: fc.constantFrom("user_id" as const, "session_id" as const),
      minRequests: fc.constantFrom(1, 1, 50),
      limit: fc.constantFrom(1, 3, 1000),
      bucketMs: fc.constantFrom(null, HOUR_MS, DAY_MS),
    });
    await fc.assert(
      fc.asyncProperty(question, async (asked) =>
        assertAsCounted(store, events, asked.by === "user_id" ? asked : { ...asked, bucketMs: null }),
      ),
      { numRuns: 200 },
    );
  },

  "a session goes on over midnight, and its user's days are cut there, in UTC": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const midnight = START_MS + DAY_MS;
    await appendAll(
      store,
      log.next(4, (seq) => ({
        recorded_at: midnight + ([-HOUR_MS, -1, 0, HOUR_MS][seq - 1] ?? 0),
        user_id: "ana",
        session_id: "night",
        count: 1,
        kind: "mcp",
      })),
    );
    const question = {
      filter: { where: {}, since: START_MS, until: START_MS + 3 * DAY_MS },
      minRequests: 1,
      limit: 9,
    };
    const users = await store.activity({ ...question, by: "user_id", bucketMs: DAY_MS });
    assert.deepEqual(
      users.subjects.map(({ subject, others, buckets }) => [
        subject,
        others,
        buckets.map(({ from, requests }) => [from, requests]),
      ]),
      [
        [
          "ana",
          ["night"],
          [
            [START_MS, 2],
            [midnight, 2],
          ],
        ],
      ],
    );
    const sessions = await store.activity({ ...question, by: "session_id", bucketMs: null });
    assert.deepEqual(
      sessions.subjects.map(({ subject, requests, others, firstAt, lastAt }) => [
        subject,
        requests,
        others,
        firstAt,
        lastAt,
      ]),
      [["night", 4, ["ana"], midnight - HOUR_MS, midnight + HOUR_MS]],
    );
  },

  "who was erased has no activity any more; the sums are a pseudonym's": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendAll(
      store,
      log.next(20, (seq) => ({
        recorded_at: START_MS + seq,
        user_id: seq % 2 === 0 ? "ana" : "bob",
        session_id: "s",
        count: 1,
        kind: "mcp",
        metadata: null,
      })),
    );
    const subject = { userId: "ana", pseudonym: "ers_1", holds: [] };
    for (let step = await store.erase(subject); step.next !== null; )
      step = await store.erase(subject, step.next);
    const question = { filter: { where: {}, since: 0, until: START_MS + DAY_MS }, minRequests: 1, limit: 9 };
    const users = await store.activity({ ...question, by: "user_id", bucketMs: null });
    assert.deepEqual(
      users.subjects.map(({ subject: user, requests, others }) => [user, requests, others]),
      [
        ["bob", 10, ["s"]],
        ["ers_1", 10, []],
      ],
    );
    const sessions = await store.activity({ ...question, by: "session_id", bucketMs: null });
    assert.deepEqual(
      sessions.subjects.map(({ subject: session, requests, others }) => [session, requests, others]),
      [["s", 10, ["bob"]]],
    );
  },

  "numbers of 100,000 events are those of a plain count": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE, 9);
    const made: AuditEvent[] = [];
    for (let round = 0; round < 20; round++) {
      const batch = log.next(5000, (seq) => ({ ...lived(seq), ...ALIKE }));
      await appendAll(store, batch);
      made.push(...eventsOf(batch.events));
    }
    const filter = { where: {}, since: START_MS + 3 * DAY_MS + 1234, until: START_MS + 33 * DAY_MS };
    const question = { filter, minRequests: 1, limit: 1000 };
    await assertAsCounted(store, made, { ...question, by: "user_id", bucketMs: HOUR_MS });
    await assertAsCounted(store, made, { ...question, by: "session_id", bucketMs: null });
  },

  "an activity is asked for within 1 to 1000 subjects and 2000 buckets": async (open) => {
    const store = await open();
    const question = { by: "user_id", minRequests: 1, limit: 1, bucketMs: null } as const;
    const filter = { where: {}, since: 0, until: 2001 * HOUR_MS };
    for (const wrong of [
      { limit: 0 },
      { limit: 1.5 },
      { limit: 1001 },
      { bucketMs: HOUR_MS },
      { bucketMs: 0 },
    ])
      await assert.rejects(store.activity({ ...question, filter, ...wrong }), RangeError);
  },
};
