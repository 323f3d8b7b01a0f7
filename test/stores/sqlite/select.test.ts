// Which index a filter goes by, and that SQLite does what it is told: no filter may scan or sort the whole log.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, test } from "node:test";
import type { EventFilter } from "../../../src/query/filter.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { depthSql, pageSql, searchOf } from "../../../src/stores/sqlite/select.ts";
import { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.ts";
import type { Store } from "../../../src/stores/store.ts";
import { eventsOf, found, idsOf, pagesOf } from "../../conformance/case.ts";
import { select } from "../../conformance/model.ts";
import { type Cells, NodeLog, START_MS } from "../../support/events.ts";
import { tempFolder } from "../../support/temp.ts";

const NODE = "00000000000000a1";
const file = `${tempFolder()}/events.db`;
const log = new NodeLog(NODE);
let db: DatabaseSync;
let lookup: Parameters<typeof searchOf>[1];

/** 3,000 events, a second apart but for some of one time; one in a hundred is of the model `rare`. */
function cells(seq: number): Cells {
  return {
    recorded_at: START_MS + (seq - (seq % 7)) * 1000,
    user_id: seq % 3 === 0 ? "ana" : `user-${seq % 50}`,
    api_key_id: null,
    model: seq % 100 === 0 ? "rare" : "usual",
    upstream_request_id: seq % 150 === 0 ? "up-rare" : null,
    request_id: seq === 1234 ? "mine" : `req_${seq.toString(16).padStart(32, "0")}`,
  };
}

before(async () => {
  const store = (await openSqliteStore(file, "write")) as SqliteStore;
  for (let batch = 0; batch < 3; batch++) await store.append(log.next(1000, cells));
  await store.close();
  db = new DatabaseSync(file);
  lookup = new SqliteStore(db, file, "read").source;
});

const MANY = Array.from({ length: 40 }, (_, index) => `user-${index}`);
const ERROR = { status: ["error"] };
/** A filter, the index that it goes by, and what that is asked for. */
const PATHS: readonly (readonly [EventFilter["where"], string])[] = [
  [{}, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ model: ["rare"] }, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ client_ip: ["127.0.0.1"], streaming: [true] }, "events_time (recorded_at>? AND recorded_at<?)"],
  [ERROR, "events_failed (recorded_at>? AND recorded_at<?)"],
  [{ ...ERROR, model: ["rare", "usual"] }, "events_failed (recorded_at>? AND recorded_at<?)"],
  [{ user_id: ["ana"] }, "events_actor (actor=? AND recorded_at>? AND recorded_at<?)"],
  [
    { user_id: ["ana", "user-1"], ...ERROR, model: ["rare", "usual"] },
    "events_actor (actor=? AND recorded_at>? AND recorded_at<?)",
  ],
  [
    { user_id: ["ana"], client_ip: ["127.0.0.1"] },
    "events_actor (actor=? AND recorded_at>? AND recorded_at<?)",
  ],
  [{ user_id: [null] }, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ user_id: MANY }, "events_time (recorded_at>? AND recorded_at<?)"],
  [
    { request_id: ["mine"], user_id: ["ana"] },
    "events_request_id (<expr>=? AND recorded_at>? AND recorded_at<?)",
  ],
  [{ event_id: ["0190a000-0000-7000-8000-000000000000"], ...ERROR }, "events_event_id (<expr>=?)"],
];

for (const [where, path] of PATHS) {
  test(`the search for ${JSON.stringify(where).slice(0, 60)} goes by its index`, () => {
    const search = searchOf({ where, includeSystem: true }, lookup);
    assert.ok(search);
    const bounds = { from: 0, to: START_MS * 2 };
    for (const prefix of search.prefixes) {
      const page = pageSql(search, prefix, bounds, []);
      const read = steps(page.sql, [...page.params, 51]);
      assert.ok(read.startsWith(`SEARCH events USING INDEX ${path}`), read);
      // An id has few events. Of all others, those of one time are sorted among themselves, and no more.
      if (search.index === "events_event_id") continue;
      assert.doesNotMatch(read, /TEMP B-TREE FOR ORDER BY/);
      const depth = depthSql(search, prefix, bounds);
      const counted = steps(depth.sql, [...depth.params, 1000]);
      assert.equal(counted, `SEARCH events USING COVERING INDEX ${path}`);
    }
  });
}

/** Filters of other sorts, and what they go by. */
const OTHER_PATHS: readonly (readonly [EventFilter, string])[] = [
  [{ where: {}, not: { status: ["success"] } }, "events_failed (recorded_at>? AND recorded_at<?)"],
  [{ where: { status: [{ glob: "err*" }] } }, "events_failed (recorded_at>? AND recorded_at<?)"],
  [{ where: { model: [{ glob: "ra*" }] } }, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ where: { user_id: [{ glob: "an*" }] } }, "events_actor (actor=? AND recorded_at>? AND recorded_at<?)"],
  [{ where: {}, not: { user_id: ["ana"] } }, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ where: {}, not: { user_id: [null] } }, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ where: {}, within: { total_tokens: { least: 5 } } }, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ where: { client_ip: [{ glob: "127.*" }] } }, "events_time (recorded_at>? AND recorded_at<?)"],
  [{ where: {}, text: ["RARE"], notText: ["usual"] }, "events_time (recorded_at>? AND recorded_at<?)"],
  [
    { where: { user_id: ["ana"] }, text: ["rare"], within: { duration_ms: { most: 9 } } },
    "events_actor (actor=? AND recorded_at>? AND recorded_at<?)",
  ],
];

for (const [filter, path] of OTHER_PATHS) {
  test(`the search for ${JSON.stringify(filter).slice(0, 90)} goes by its index`, () => {
    const search = searchOf({ ...filter, includeSystem: true }, lookup);
    assert.ok(search);
    for (const prefix of search.prefixes) {
      const page = pageSql(search, prefix, { from: 0, to: START_MS * 2 }, []);
      const read = steps(page.sql, [...page.params, 51]);
      assert.ok(read.startsWith(`SEARCH events USING INDEX ${path}`), read);
      assert.doesNotMatch(read, /TEMP B-TREE FOR ORDER BY|SCAN (?!json_each)/);
    }
  });
}

test("a star over words looks at the words of its field, not at events", () => {
  const search = searchOf({ where: { client_ip: [{ glob: "127.*" }] }, includeSystem: true }, lookup);
  const [prefix] = search?.prefixes ?? [];
  assert.ok(search && prefix);
  const page = pageSql(search, prefix, { from: 0, to: START_MS * 2 }, []);
  assert.match(
    steps(page.sql, [...page.params, 51]),
    /SEARCH dictionary USING (COVERING )?INDEX \S+ \(field=\?/,
  );
});

test("a filter that no event can meet is not searched for", () => {
  const hopeless: EventFilter["where"][] = [
    { model: ["unknown"] },
    { model: ["rare"], kind: ["exec"] },
    { user_id: [1, "unknown"] },
    { user_id: ["ana"], api_key_id: ["unknown"] },
    { event_id: ["x"] },
    { seq: [] },
  ];
  for (const where of hopeless) {
    assert.equal(searchOf({ where }, lookup), null, JSON.stringify(where));
    assert.equal(searchOf({ where: { status: ["error"], ...where } }, lookup), null);
  }
  assert.notEqual(searchOf({ where: { user_id: ["unknown", null] } }, lookup), null);
});

const small = { first: 20, inIndex: 100, inRows: 50 };

test("a search that finds little ends after a bounded stretch, and goes on from there to the end", async () => {
  const store = new SqliteStore(db, file, "read", small);
  const events = eventsOf(log.events);
  for (const where of [
    { model: ["rare"] },
    { upstream_request_id: ["up-rare"] },
    { user_id: ["ana"], model: ["rare"] },
    {},
  ]) {
    const pages = await pagesOf(store as Store, { where, limit: 50 });
    assert.deepEqual(idsOf(pages.flatMap((page) => page.events)), idsOf(select(events, { where })));
    const least = Object.keys(where).length === 0 ? 60 : where.user_id === undefined ? 25 : 8;
    assert.ok(pages.length >= least, `${JSON.stringify(where)} took ${pages.length} pages`);
    assert.equal(pages.at(-1)?.next, null);
  }
  assert.ok(
    (await store.query({ where: { model: ["rare"] }, limit: 50, since: START_MS + 2_999_000 })).next === null,
  );
});

test("events of one time stay on the pages of one stretch, however many they are", async () => {
  const path = `${tempFolder()}/events.db`;
  const writer = await openSqliteStore(path, "write");
  const alike = new NodeLog(NODE);
  await writer.append(alike.next(400, () => ({ recorded_at: START_MS, model: "usual" })));
  await writer.append(alike.next(1, () => ({ recorded_at: START_MS - 1, model: "rare" })));
  await writer.close();
  const store = new SqliteStore(new DatabaseSync(path), path, "read", small);
  assert.equal((await found(store as Store, { limit: 30 })).length, 401);
  assert.equal((await found(store as Store, { where: { model: ["rare"] }, limit: 30 })).length, 1);
  await store.close();
});

function steps(sql: string, params: readonly (string | number | Uint8Array | null)[]): string {
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params);
  return rows.map(({ detail }) => detail).join("; ");
}
