// The tables of the trails before this one: their columns, their rows, and what was asked of them (source-queries.ts).
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, test } from "node:test";
import { isoTime } from "../../../src/event/json.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { tempFolder } from "../../support/temp.ts";
import { type Asked, BATCH, DESCRIBED, EVENTS, QUOTED } from "./source-queries.ts";

const file = `${tempFolder()}/events.db`;
let db: DatabaseSync;

before(async () => {
  const store = await openSqliteStore(file, "write");
  await store.append(BATCH);
  await store.close();
  db = new DatabaseSync(file);
});

const COLUMNS = {
  audit_logs:
    "id request_id timestamp model backend_type endpoint duration_ms status prompt_tokens completion_tokens total_tokens error_type error_message",
  logs: "timestamp caller type name input_json duration_ms policy_decision reason status error",
  audit_logs_v2:
    "id session_id user_id client_ip action_type endpoint http_method request_size response_size response_time_ms status_code success resource_usage metadata timestamp",
  request_logs:
    "id request_id user_id api_key_id provider_id route_id method path status_code created_at latency_ms route provider error_code",
  admin_audit_logs: "id actor_user_id action entity_type entity_id payload_json created_at",
};
const KINDS: Readonly<Record<string, readonly string[]>> = {
  audit_logs: ["inference"],
  logs: ["mcp"],
  audit_logs_v2: ["inference", "mcp", "admin", "api"],
  request_logs: ["inference", "mcp", "api"],
  admin_audit_logs: ["admin"],
};

for (const [view, columns] of Object.entries(COLUMNS)) {
  test(`${view} has the columns of its source, and a row for each event that it was about`, () => {
    const rows = db.prepare(`SELECT * FROM ${view}`).all();
    assert.equal(Object.keys(rows[0] ?? {}).join(" "), columns);
    assert.equal(rows.length, EVENTS.filter(({ kind }) => KINDS[view]?.includes(kind)).length);
  });
}

test("a row shows what the event holds", () => {
  const event = EVENTS.find(({ kind, user_id }) => kind === "inference" && user_id !== null);
  assert.ok(event);
  const row = { ...db.prepare("SELECT * FROM audit_logs WHERE request_id = ?").get(event.request_id) };
  assert.ok(Number.isInteger(row.id));
  assert.equal(row.timestamp, isoTime(event.timestamp));
  for (const name of ["model", "backend_type", "status", "total_tokens", "error_type"] as const)
    assert.equal(row[name], event[name], name);
  const requested = db.prepare("SELECT * FROM request_logs WHERE request_id = ?").get(event.request_id);
  assert.deepEqual(
    [requested?.user_id, requested?.path, requested?.latency_ms],
    [event.user_id, event.endpoint, event.duration_ms ?? 0],
  );
});

/** As SQLite takes it. */
function edited({ sql, edits = [] }: Pick<Asked, "sql" | "edits">): string {
  return edits.reduce((text, [from, to]) => {
    assert.ok(text.includes(from));
    return text.replaceAll(from, to);
  }, sql);
}

for (const [name, asked] of Object.entries(DESCRIBED)) {
  test(`the sources' tables tell what is described: ${name}`, () => {
    const rows = db
      .prepare(edited(asked))
      .all()
      .map((row) => ({ ...row }));
    assert.ok(rows.length > 0);
    assert.deepEqual(rows, asked.answers());
  });
}

for (const [id, { sql, edits = [] }] of Object.entries(QUOTED)) {
  test(`word for word: ${id}, ${sql}: deleting by hand is answered with why not, and nothing is gone`, () => {
    const count = () => db.prepare("SELECT count(*) AS n FROM events").get()?.n;
    const all = count();
    for (const change of [
      edited({ sql, edits }),
      // A28, as described: what is older than it is kept.
      "DELETE FROM audit_logs WHERE timestamp < '2027-01-01'",
      "UPDATE audit_logs SET status = 'success'",
      "INSERT INTO admin_audit_logs (action) VALUES ('x')",
    ])
      assert.throws(() => db.exec(change), /The audit trail only grows: .*retention_days/);
    assert.equal(count(), all);
  });
}

test("where a source says NOT NULL, there is a value", () => {
  const asked = {
    audit_logs: ["request_id", "timestamp", "status"],
    audit_logs_v2: ["session_id", "action_type", "endpoint", "http_method", "timestamp"],
    request_logs: ["request_id", "created_at", "latency_ms"],
    admin_audit_logs: ["action", "created_at"],
  };
  for (const [view, columns] of Object.entries(asked))
    for (const column of columns)
      assert.equal(
        db.prepare(`SELECT count(*) AS n FROM ${view} WHERE ${column} IS NULL`).get()?.n,
        0,
        column,
      );
});
