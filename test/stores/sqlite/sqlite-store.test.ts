// What the contract leaves to SQLite: locks, durability, failures, files that go away.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, beforeEach, test } from "node:test";
import { connect, createPrivately, setPragmas } from "../../../src/stores/sqlite/connection.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.ts";
import { createTables } from "../../../src/stores/sqlite/tables.ts";
import { NodeLog } from "../../support/events.ts";

const NODE = "00000000000000a1";
const root = mkdtempSync(join(tmpdir(), "daybook-sqlite-"));
after(() => rmSync(root, { recursive: true }));

let file = "";
let places = 0;
beforeEach(() => {
  file = join(root, `${++places}.db`);
});

/** A store whose connection the test can set otherwise. */
function openWith(sql: string): { store: SqliteStore; db: DatabaseSync } {
  createPrivately(file);
  const db = connect(file, "write");
  setPragmas(db, file, "write");
  createTables(db, file);
  const store = new SqliteStore(db, file, "write");
  db.exec(sql);
  return { store, db };
}

/** A step that reads a table which gets longer: all but a constant, the list of tables, and a table of one row. */
const GROWS = /^SCAN (?!CONSTANT|sqlite_schema$|forgotten$)/;

/** What is prepared on the connection from now on. */
function preparedOn(db: DatabaseSync): string[] {
  const asked: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    asked.push(sql);
    return prepare(sql);
  };
  return asked;
}

async function countIn(path: string): Promise<number> {
  const store = await openSqliteStore(path, "read");
  const { events } = await store.query({ where: {}, limit: 1000 });
  await store.close();
  return events.length;
}

test("a reader in the middle of a query holds up no append and keeps what it saw", async () => {
  const store = await openSqliteStore(file, "write");
  const log = new NodeLog(NODE);
  await store.append(log.next(3));
  const reader = new DatabaseSync(file, { readOnly: true });
  const count = () => reader.prepare("SELECT count(*) AS count FROM events").get()?.count;
  reader.exec("BEGIN");
  assert.equal(count(), 3);
  assert.deepEqual(await store.append(log.next(2)), { result: "appended" });
  assert.equal(count(), 3);
  reader.exec("COMMIT");
  assert.equal(count(), 5);
  reader.close();
  await store.close();
});

test("a checkpoint moves what was appended into the file itself", async () => {
  const store = await openSqliteStore(file, "write");
  const log = new NodeLog(NODE);
  await store.append(log.next(3));
  await store.checkpoint();
  await store.append(log.next(2));
  copyFileSync(file, `${file}.before`);
  await store.checkpoint();
  copyFileSync(file, `${file}.after`);
  assert.deepEqual([await countIn(`${file}.before`), await countIn(`${file}.after`)], [3, 5]);
  await store.close();
});

test("a checkpoint that a reader holds up is not taken for done", async () => {
  const { store } = openWith("PRAGMA busy_timeout = 0");
  const log = new NodeLog(NODE);
  await store.append(log.next(3));
  const reader = new DatabaseSync(file, { readOnly: true });
  reader.exec("BEGIN; SELECT * FROM events");
  await store.append(log.next(3));
  await assert.rejects(store.checkpoint(), { code: "SQLITE_BUSY" });
  reader.exec("COMMIT");
  await store.checkpoint();
  reader.close();
  await store.close();
});

test("a writer that waits in vain for another fails by name, and can try again", async () => {
  const { store } = openWith("PRAGMA busy_timeout = 0");
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  const batch = new NodeLog(NODE).next(3);
  await assert.rejects(store.append(batch), { code: "SQLITE_BUSY" });
  other.exec("ROLLBACK");
  assert.deepEqual(await store.append(batch), { result: "appended" });
  other.close();
  await store.close();
});

test("a full disk leaves the store as it was, and the batch goes in when there is room", async () => {
  const { store, db } = openWith("PRAGMA max_page_count = 40");
  const log = new NodeLog(NODE);
  await store.append(log.next(10));
  const before = await store.query({ where: {}, limit: 1000 });
  const large = log.next(500, (seq) => ({ model: `model-${seq}` }));
  await assert.rejects(store.append(large), { code: "SQLITE_FULL" });
  assert.deepEqual(await store.query({ where: {}, limit: 1000 }), before);
  db.exec("PRAGMA max_page_count = 4294967294");
  assert.deepEqual(await store.append(large), { result: "appended" });
  assert.equal((await store.query({ where: { model: ["model-500"] }, limit: 1 })).events[0]?.seq, 500);
  await store.close();
});

test("a store whose file was removed or replaced is not healthy, and nothing in it counts as durable", async () => {
  const store = await openSqliteStore(file, "write");
  await store.health();
  renameSync(file, `${file}.moved`);
  await assert.rejects(store.health(), { code: "ENOENT" });
  await assert.rejects(store.checkpoint(), { code: "ENOENT" });
  writeFileSync(file, "");
  await assert.rejects(store.health(), /replaced by another file/);
  await assert.rejects(store.checkpoint(), /replaced by another file/);
  await store.close();
});

test("a store that a newer Daybook took over is not healthy", async () => {
  const { store, db } = openWith("PRAGMA user_version = 99");
  await assert.rejects(store.health(), { code: "newer_version" });
  db.exec("PRAGMA user_version = 4");
  await store.health();
  await store.close();
});

test("a value that does not fit is told by its field and never shown", async () => {
  const store = await openSqliteStore(file, "write");
  const batch = new NodeLog(NODE).next(3, (seq) => (seq === 2 ? { status_code: "canary-7c1f" } : {}));
  await assert.rejects(store.append(batch), (error: Error) => {
    assert.match(error.message, /^status_code /);
    assert.ok(!JSON.stringify([error.message, error.stack]).includes("canary-7c1f"));
    return true;
  });
  await store.close();
});

test("a page is asked for within 1 to 1000 events", async () => {
  const store = await openSqliteStore(file, "write");
  for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
    await assert.rejects(store.query({ where: {}, limit }), RangeError, String(limit));
  }
  await store.close();
});

test("a cursor that names no node is not one of ours", async () => {
  const store = await openSqliteStore(file, "write");
  const after = { recordedAt: 1, nodeId: "x'; --", seq: 1 };
  await assert.rejects(store.query({ where: {}, limit: 1, after }), { code: "bad_cursor" });
  await store.close();
});

test("nothing that an append asks for reads a whole table, so that none gets slower as it grows", async () => {
  createPrivately(file);
  const db = connect(file, "write");
  setPragmas(db, file, "write");
  createTables(db, file);
  const asked = preparedOn(db);
  const store = new SqliteStore(db, file, "write");
  const log = new NodeLog(NODE);
  for (let batch = 0; batch < 10; batch++) await store.append(log.next(100));
  const plans = asked.map((sql) => {
    const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    return {
      sql,
      scanned: steps.map(({ detail }) => String(detail)).filter((step) => GROWS.test(step)),
    };
  });
  assert.ok(plans.length > 10);
  assert.deepEqual(
    plans.filter(({ scanned }) => scanned.length > 0),
    [],
  );
  await store.close();
});
