// The tables, and the view that people query with tools of their own.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { type AuditEvent, eventOf, FIELDS } from "../../../src/event/fields.ts";
import { ACTOR_COLUMNS, SHAPE_COLUMNS } from "../../../src/stores/sqlite/columns.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { createTables } from "../../../src/stores/sqlite/tables.ts";
import { NodeLog } from "../../support/events.ts";

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

test("a repeating value is kept once for its field, and a set of values that belong together as one tuple", () => {
  const events = log.events.map(({ row }) => eventOf(row));
  const inTuples = new Set<string>([...SHAPE_COLUMNS, ...ACTOR_COLUMNS].map(({ name }) => name));
  const words = new Set(
    FIELDS.filter(
      (field) => "repeats" in field && field.name !== "node_id" && !inTuples.has(field.name),
    ).flatMap(({ name }) =>
      events.flatMap((event) => (event[name] === null ? [] : `${name}=${event[name]}`)),
    ),
  );
  const rows = db.prepare("SELECT field || '=' || value AS word FROM dictionary").all();
  assert.deepEqual(new Set(rows.map(({ word }) => word)), words);
  assert.equal(rows.length, words.size);
  for (const [table, columns] of [
    ["shapes", SHAPE_COLUMNS],
    ["actors", ACTOR_COLUMNS],
  ] as const) {
    const tuples = events.map((event) => columns.map(({ name }) => event[name]));
    const known = tuples
      .filter((tuple) => tuple.some((cell) => cell !== null))
      .map((tuple) => JSON.stringify(tuple));
    const kept = db
      .prepare(`SELECT cells FROM ${table}`)
      .all()
      .map(({ cells }) => cells);
    assert.deepEqual(new Set(kept), new Set(known));
    assert.equal(kept.length, new Set(known).size);
  }
});

test("making the tables again is nothing: another process may have been first", () => {
  const before = db.prepare("SELECT * FROM sqlite_schema").all();
  createTables(db, "events.db");
  assert.deepEqual(db.prepare("SELECT * FROM sqlite_schema").all(), before);
});

test("request and trace ids of our form are kept as their bytes, others as they are", () => {
  const types = (name: string) =>
    db.prepare(`SELECT typeof(${name}) AS type, count(*) AS events FROM events GROUP BY 1`).all();
  assert.deepEqual(
    types("request_id").map(({ type }) => type),
    ["blob"],
  );
  assert.deepEqual(
    types("trace_id").map(({ type }) => type),
    ["blob"],
  );
  assert.deepEqual(new Set(types("upstream_request_id").map(({ type }) => type)), new Set(["null", "text"]));
});

/** SQLite has no booleans. */
function asShown(event: AuditEvent): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, typeof value === "boolean" ? Number(value) : value]),
  );
}

test("a store from before the first release is refused and kept", async () => {
  const file = join(root, "older.db");
  await (await openSqliteStore(file, "write")).close();
  const raw = new DatabaseSync(file);
  raw.exec("PRAGMA user_version = 2");
  raw.close();
  for (const access of ["write", "read"] as const)
    await assert.rejects(openSqliteStore(file, access), /from before the first release/);
});
