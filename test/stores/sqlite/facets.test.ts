// Facets of users in a long log: over its newest part, as much of it as can be looked at soon, and they say so.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type AuditEvent, eventOf } from "../../../src/event/fields.ts";
import type { EventFilter } from "../../../src/query/filter.ts";
import { ActorDays } from "../../../src/stores/sqlite/actor-days.ts";
import { facets } from "../../../src/stores/sqlite/facets.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import type { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.ts";
import { facetsOf, select } from "../../conformance/model.ts";
import { NodeLog, START_MS } from "../../support/events.ts";
import { tempFolder } from "../../support/temp.ts";

const DAY_MS = 86_400_000;
const DAYS = 6;
let store: SqliteStore;
let events: AuditEvent[];

before(async () => {
  store = (await openSqliteStore(`${tempFolder()}/events.db`, "write")) as SqliteStore;
  const log = new NodeLog("00000000000000a1", 3);
  await store.append(
    log.next(600, (seq) => ({
      recorded_at: START_MS + Math.floor((seq * DAYS * DAY_MS) / 601),
      user_id: `user-${(seq * 7) % 30}`,
      status: seq % 5 === 0 ? "error" : "success",
      // A few sorts of events that are shown to nobody who does not ask for them.
      kind: seq % 200 === 7 ? "system" : "inference",
    })),
  );
  events = log.events.map(({ row }) => eventOf(row));
});
after(() => store.close());

function usersOf(filter: EventFilter, windows: { events: number; sums: number }) {
  const [facet] = facets(store.source, filter, ["user_id"], 100, windows);
  assert.ok(facet);
  return facet;
}

const right = (filter: EventFilter) => facetsOf(select(events, filter), "user_id", 100);

test("users are counted exactly where that is soon done", () => {
  const system = { where: {}, includeSystem: true };
  for (const filter of [{ where: {} }, system, { where: {}, since: START_MS + DAY_MS / 2 }])
    assert.deepEqual(usersOf(filter, { events: 1000, sums: 1000 }), { values: right(filter), exact: true });
});

test("of too many days the newest whole ones are counted", () => {
  const { values, exact } = usersOf({ where: {} }, { events: 1000, sums: 250 });
  assert.equal(exact, false);
  const days = Array.from({ length: DAYS }, (_, day) => day).filter((day) => {
    const counted = right({ where: {}, since: START_MS + day * DAY_MS });
    return JSON.stringify(counted) === JSON.stringify(values);
  });
  assert.equal(days.length, 1);
  assert.ok((days[0] ?? 0) > 0);
});

test("of a part of a day with too many events the newest are counted, and all days after it", () => {
  for (const where of [{}, { status: ["error"] }]) {
    const since = START_MS + DAY_MS / 4;
    const entries = 7;
    const { values, exact } = usersOf({ where, since }, { events: entries, sums: 1000 });
    const part = select(events, { where, since, until: START_MS + DAY_MS - 1 });
    const from = part[entries]?.recorded_at;
    assert.ok(from !== undefined);
    assert.deepEqual({ values, exact }, { values: right({ where, since: from }), exact: false });
  }
});

test("a few users are always counted exactly", () => {
  const filter = { where: { user_id: ["user-7"] }, since: START_MS + 1 };
  assert.deepEqual(usersOf(filter, { events: 1, sums: 1 }), { values: right(filter), exact: true });
});

test("what is remembered of days is what they are, whatever is added to them by others", async () => {
  const file = `${tempFolder()}/events.db`;
  const writer = (await openSqliteStore(file, "write")) as SqliteStore;
  const log = new NodeLog("00000000000000a1", 4);
  const reader = (await openSqliteStore(file, "read")) as SqliteStore;
  // Late ones too, and days that nobody had been in.
  for (const days of [[0, 2], [1], [0], [5, 2], [2]]) {
    await writer.append(
      log.next(40, (seq) => ({
        recorded_at: START_MS + (days[seq % days.length] ?? 0) * DAY_MS + seq,
        user_id: `user-${seq % 7}`,
        status: seq % 3 === 0 ? "error" : "success",
      })),
    );
    const all = log.events.map(({ row }) => eventOf(row));
    for (const filter of [
      { where: {} },
      { where: { status: ["error"] } },
      { where: {}, until: START_MS + DAY_MS },
    ]) {
      const right = { values: facetsOf(select(all, filter), "user_id", 100), exact: true };
      for (let time = 0; time < 2; time++)
        assert.deepEqual((await reader.facets(filter, ["user_id"], 100))[0], right);
    }
  }
  await reader.close();
  await writer.close();
});

test("more than may be remembered is counted all the same", () => {
  const { source } = store;
  const right = new ActorDays().requests(source, 0, Number.POSITIVE_INFINITY);
  assert.ok(right.size > 30);
  const few = new ActorDays(100);
  for (let time = 0; time < 3; time++)
    assert.deepEqual(few.requests(source, 0, Number.POSITIVE_INFINITY), right);
});

test("a day is too many from the first row on that is, also when its rows were counted before", () => {
  const { source } = store;
  const days = new ActorDays();
  const found = (most: number) => days.tooMany(source, 0, Number.POSITIVE_INFINITY, most);
  const first = Math.floor(START_MS / DAY_MS);
  const [all = 0] = (source.all("SELECT count(*) FROM rollups WHERE grain = 3", [])[0] ?? []) as number[];
  for (let time = 0; time < 2; time++)
    assert.deepEqual([found(0), found(all - 1), found(all)], [first + DAYS - 1, first, null]);
});
