// The tables, and the view that people query with tools of their own.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { type AuditEvent, eventOf, FIELDS } from "../../../src/event/fields.ts";
import { Dictionary } from "../../../src/stores/sqlite/dictionary.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { pageSql, whereOf } from "../../../src/stores/sqlite/select.ts";
import { createTables } from "../../../src/stores/sqlite/tables.ts";
import { NodeLog, START_MS } from "../../support/events.ts";

const NODE = "00000000000000a1";
const root = mkdtempSync(join(tmpdir(), "daybook-sqlite-"));
const log = new NodeLog(NODE);
let db: DatabaseSync;

before(async () => {
  const file = join(root, "events.db");
  const store = await openSqliteStore(file, "write");
  await store.append(log.next(200));
  await store.close();
  db = new DatabaseSync(file);
});

after(() => {
  db.close();
  rmSync(root, { recursive: true });
});

test("the view audit_events shows every field under its own name, in order, and nothing else", () => {
  const rows = db.prepare("SELECT * FROM audit_events ORDER BY node_id, seq").all();
  assert.deepEqual(
    Object.keys(rows[0] ?? {}),
    FIELDS.map(({ name }) => name),
  );
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    log.events.map(({ row }) => asShown(eventOf(row))),
  );
});

test("the view is filtered by what it shows", () => {
  const event = log.events
    .map(({ row }) => eventOf(row))
    .find(({ parent_event_id }) => parent_event_id !== null);
  assert.ok(event);
  const { event_id, parent_event_id, node_id, model } = event;
  const where = "event_id = ? AND parent_event_id = ? AND node_id = ? AND model IS ?";
  const rows = db
    .prepare(`SELECT seq FROM audit_events WHERE ${where}`)
    .all(event_id, parent_event_id, node_id, model);
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    [event.seq],
  );
});

test("a repeating value is kept once for its field", () => {
  const events = log.events.map(({ row }) => eventOf(row));
  const words = new Set(
    FIELDS.filter((field) => "repeats" in field && field.name !== "node_id").flatMap(({ name }) =>
      events.flatMap((event) => (event[name] === null ? [] : `${name}=${event[name]}`)),
    ),
  );
  const rows = db.prepare("SELECT field || '=' || value AS word FROM dictionary").all();
  assert.deepEqual(new Set(rows.map(({ word }) => word)), words);
  assert.equal(rows.length, words.size);
});

test("making the tables again is nothing: another process may have been first", () => {
  const before = db.prepare("SELECT * FROM sqlite_schema").all();
  createTables(db, "events.db");
  assert.deepEqual(db.prepare("SELECT * FROM sqlite_schema").all(), before);
});

test("a filter that no event can meet is not searched for", () => {
  const dictionary = new Dictionary(db);
  for (const where of [
    { model: ["unknown"] },
    { user_id: [1, "unknown"] },
    { event_id: ["x"] },
    { seq: [] },
  ]) {
    assert.equal(whereOf({ where }, dictionary), null, JSON.stringify(where));
    assert.equal(whereOf({ where: { status: ["error"], ...where } }, dictionary), null);
  }
  assert.notEqual(whereOf({ where: { model: ["unknown", null] } }, dictionary), null);
});

test("UUIDs and node ids are kept as their bytes", () => {
  const rows = db.prepare("SELECT DISTINCT typeof(event_id), length(event_id), length(node_id) FROM events");
  rows.setReturnArrays(true);
  assert.deepEqual(rows.all(), [["blob", 16, 8]]);
});

test("lists are read from the order's index, from the cursor on, and never sorted", () => {
  const dictionary = new Dictionary(db);
  const after = { recordedAt: START_MS + 20, nodeId: NODE, seq: 60 };
  const until = START_MS + 30;
  const plans = [
    [{}, /^SCAN events USING INDEX events_order$/],
    [{ where: { model: ["demo", null], status: ["error"] } }, /^SCAN events USING INDEX events_order$/],
    [{ until }, /events_order \(recorded_at<\?\)$/],
    [{ after }, /events_order \(\(recorded_at,node_id,seq\)<\(\?,\?,\?\)\)$/],
    [{ after, until, since: 0, asOf: { [NODE]: 99 } }, /AND \(recorded_at,node_id,seq\)<\(\?,\?,\?\)\)$/],
    [{ after, until: 0 }, /events_order \(recorded_at<\?\)$/],
  ] as const;
  for (const [query, plan] of plans) {
    const where = whereOf({ where: {}, includeSystem: true, ...query }, dictionary);
    assert.ok(where);
    const steps = db.prepare(`EXPLAIN QUERY PLAN ${pageSql(where)}`).all(...where.params, 10);
    assert.match(steps.map(({ detail }) => detail).join("; "), plan);
  }
});

/** SQLite has no booleans. */
function asShown(event: AuditEvent): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, typeof value === "boolean" ? Number(value) : value]),
  );
}

test("tables of version 1 are brought up to date, with the charges of the events that they hold", async () => {
  const file = join(root, "older.db");
  const made = await openSqliteStore(file, "write");
  const older = new NodeLog(NODE);
  await made.append(older.next(60));
  const charges = await made.charges();
  await made.close();
  const raw = new DatabaseSync(file);
  raw.exec("DROP TABLE charges; DROP TABLE charged; PRAGMA user_version = 1");
  raw.close();
  const store = await openSqliteStore(file, "write");
  try {
    assert.deepEqual(await store.charges(), charges);
    assert.equal((await store.append(older.next(1))).result, "appended");
  } finally {
    await store.close();
  }
});
