// Where events are too many to be looked at: what is told is exact, or of the events since a time that is told too.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type AuditEvent, eventOf } from "../../../src/event/fields.ts";
import { activity } from "../../../src/stores/sqlite/activity.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import type { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.ts";
import { activityOf, assertSums } from "../../conformance/model.ts";
import { NodeLog, START_MS } from "../../support/events.ts";
import { tempFolder } from "../../support/temp.ts";

const HOUR_MS = 3_600_000;
/** The event at the bound is looked at too. */
const most = (lookedAt: number) => lookedAt + 1;
const USERS = ["ana", "bob", "cho"];

async function filled() {
  const store = (await openSqliteStore(join(tempFolder(), "events.db"), "write")) as SqliteStore;
  const log = new NodeLog("00000000000000a1", 3);
  const batch = log.next(400, (seq) => ({
    recorded_at: START_MS + seq * HOUR_MS,
    user_id: USERS[seq % 3] ?? null,
    session_id: `s${Math.floor(seq / 16)}`,
    kind: "mcp",
  }));
  assert.deepEqual(await store.append(batch), { result: "appended" });
  return { store, events: batch.events.map(({ row }) => eventOf(row)) };
}

const since = (events: readonly AuditEvent[], at: number) =>
  events.filter((event) => event.recorded_at >= at);

test("sums, first and last events of users are exact however few events are looked at, the rest since then", async () => {
  const { store, events } = await filled();
  const filter = { where: {}, since: START_MS, until: START_MS + 500 * HOUR_MS };
  const question = { filter, by: "user_id", minRequests: 1, limit: 9, bucketMs: null } as const;
  for (const lookedAt of [3, 50, 200, 399]) {
    const { subjects, total, lookedBackTo } = activity(store.source, question, lookedAt);
    assert.ok(lookedBackTo !== null && lookedBackTo > START_MS, `${lookedAt}`);
    assert.ok(since(events, lookedBackTo).length <= most(lookedAt), `${since(events, lookedBackTo).length}`);
    assert.equal(total, USERS.length);
    const recent = activityOf(since(events, lookedBackTo), question);
    const expected = activityOf(events, question).map((whole) => {
      const seen = recent.find(({ subject }) => subject === whole.subject);
      return {
        ...whole,
        meanMs: seen?.meanMs ?? null,
        p95Ms: seen?.p95Ms ?? null,
        others: seen?.others ?? [],
      };
    });
    const told = subjects.map((each) => ({ ...each, others: [...each.others].sort() }));
    assertSums(told, expected, `${lookedAt} events`);
  }
  assert.equal(activity(store.source, question, 400).lookedBackTo, null);
  await store.close();
});

test("sessions are those of the events that are looked at, and it is told since when", async () => {
  const { store, events } = await filled();
  const filter = { where: {}, since: START_MS, until: START_MS + 500 * HOUR_MS };
  const question = { filter, by: "session_id", minRequests: 1, limit: 99, bucketMs: null } as const;
  for (const lookedAt of [1, 40, 250]) {
    const { subjects, total, lookedBackTo } = activity(store.source, question, lookedAt);
    assert.ok(lookedBackTo !== null);
    assert.ok(
      since(events, lookedBackTo).length <= most(lookedAt),
      `${since(events, lookedBackTo).length} ${lookedAt}`,
    );
    const expected = activityOf(since(events, lookedBackTo), question);
    const told = subjects.map((each) => ({ ...each, others: [...each.others].sort() }));
    assertSums(told, expected, `${lookedAt} events`);
    assert.equal(total, expected.length);
  }
  await store.close();
});
