// Queries of the trails before this one, on the same tables and columns, under the ids of what described them. C49's is
// word for word; of the others the fields, filters, order and limits are said, and this is their SQL as their databases
// take it. It runs on SQLite as it is, but for what is named beside it.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, test } from "node:test";
import { type AuditEvent, eventOf } from "../../../src/event/fields.ts";
import { isoTime } from "../../../src/event/json.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { type Cells, NodeLog, START_MS } from "../../support/events.ts";
import { tempFolder } from "../../support/temp.ts";

const file = `${tempFolder()}/events.db`;
const log = new NodeLog("00000000000000a1", 3);
let db: DatabaseSync;
let events: AuditEvent[];

function cells(seq: number): Cells {
  const kind = ["inference", "mcp", "admin", "api", "system"][seq % 5] ?? "inference";
  const action = kind === "mcp" ? (["tool", "resource", "prompt"][seq % 3] ?? "tool") : `${kind}_action`;
  return { kind, action, timestamp: START_MS + seq * 600_000 };
}

before(async () => {
  const store = await openSqliteStore(file, "write");
  await store.append(log.next(400, cells));
  await store.close();
  db = new DatabaseSync(file);
  events = log.events.map(({ row }) => eventOf(row));
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
    assert.equal(rows.length, events.filter(({ kind }) => KINDS[view]?.includes(kind)).length);
  });
}

test("a row shows what the event holds", () => {
  const event = events.find(({ kind, user_id }) => kind === "inference" && user_id !== null);
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

interface Asked {
  readonly sql: string;
  /** What SQLite says otherwise than the source's database. */
  readonly edits?: readonly (readonly [from: string, to: string])[];
  readonly answers: () => unknown;
}

const of = (kind: string) => events.filter((event) => event.kind === kind);

const NOON = START_MS + 43_200_000;
const newest = (list: readonly AuditEvent[]) => list.toSorted((a, b) => b.timestamp - a.timestamp);

const ASKED: Readonly<Record<string, Asked>> = {
  "B6: a page of the list, newest first, both times included": {
    sql: `SELECT request_id FROM audit_logs WHERE status = 'error' AND timestamp >= '2026-01-01T12:00:00.000Z'
      AND timestamp <= '2026-01-03T00:00:00.000Z' ORDER BY timestamp DESC LIMIT 10 OFFSET 2`,
    answers: () =>
      newest(of("inference"))
        .filter(
          ({ status, timestamp: at }) => status === "error" && at >= NOON && at <= START_MS + 172_800_000,
        )
        .slice(2, 12)
        .map(({ request_id }) => ({ request_id })),
  },
  "B7: totals and distinct models": {
    sql: "SELECT COUNT(*) AS total_requests, COUNT(DISTINCT model) AS unique_models FROM audit_logs",
    answers: () => [
      {
        total_requests: of("inference").length,
        unique_models: new Set(of("inference").flatMap(({ model }) => model ?? [])).size,
      },
    ],
  },
  "B7: requests by backend": {
    sql: `SELECT backend_type, COUNT(*) AS n FROM audit_logs WHERE backend_type IS NOT NULL
      GROUP BY backend_type ORDER BY n DESC, backend_type`,
    answers: () =>
      counted(of("inference"), ({ backend_type }) => backend_type).map(([backend_type, n]) => ({
        backend_type,
        n,
      })),
  },
  "CL9: records by type, and the earliest and latest": {
    sql: `SELECT type, COUNT(*) AS n, MIN(timestamp) AS earliest, MAX(timestamp) AS latest FROM logs
      GROUP BY type ORDER BY n DESC, type`,
    answers: () =>
      counted(of("mcp"), ({ action }) => action).map(([type, n]) => {
        const times = of("mcp").flatMap(({ action, timestamp }) => (action === type ? timestamp : []));
        return { type, n, earliest: isoTime(Math.min(...times)), latest: isoTime(Math.max(...times)) };
      }),
  },
  "DL4: a page of failures of an endpoint": {
    sql: `SELECT client_ip, status_code FROM audit_logs_v2 WHERE success = FALSE AND endpoint ILIKE '%V1%'
      AND timestamp >= '2026-01-01T12:00:00.000Z' ORDER BY timestamp DESC LIMIT 50 OFFSET 0`,
    edits: [["ILIKE", "LIKE"]],
    answers: () =>
      newest(events.filter(({ kind }) => kind !== "system"))
        .filter(
          ({ status, endpoint, name, timestamp: at }) =>
            status !== "success" && /v1/i.test(endpoint ?? name ?? "") && at >= NOON,
        )
        .slice(0, 50)
        .map(({ client_ip, status_code }) => ({ client_ip, status_code })),
  },
  "DL6: what each user did in seven days": {
    sql: `SELECT user_id, COUNT(*) AS total, SUM(CASE WHEN success THEN 1 ELSE 0 END) AS successful
      FROM audit_logs_v2 WHERE timestamp >= NOW() - INTERVAL '7 days' AND user_id IS NOT NULL
      GROUP BY user_id HAVING COUNT(*) >= 1 ORDER BY total DESC, user_id`,
    edits: [
      ["NOW() - INTERVAL '7 days'", "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-08T12:00:00Z', '-7 days')"],
    ],
    answers: () => {
      const recent = events.filter(({ kind, timestamp }) => kind !== "system" && timestamp >= NOON);
      return counted(recent, ({ user_id }) => user_id).map(([user_id, total]) => ({
        user_id,
        total,
        successful: recent.filter((event) => event.user_id === user_id && event.status === "success").length,
      }));
    },
  },
  "B7, A24: models by requests": {
    sql: "SELECT model, COUNT(*) AS n FROM audit_logs WHERE model IS NOT NULL GROUP BY model ORDER BY n DESC, model",
    answers: () => counted(of("inference"), ({ model }) => model).map(([model, n]) => ({ model, n })),
  },
  "B6: requests of a day": {
    sql: `SELECT COUNT(*) AS n FROM audit_logs
      WHERE timestamp >= '2026-01-01T12:00:00Z' AND timestamp < '2026-01-02T00:00:00Z'`,
    answers: () => [
      {
        n: of("inference").filter(
          ({ timestamp }) => timestamp >= START_MS + 43_200_000 && timestamp < START_MS + 86_400_000,
        ).length,
      },
    ],
  },
  "C30, C45: the tools used most": {
    sql: "SELECT name, COUNT(*) AS n FROM logs WHERE type = 'tool' AND name IS NOT NULL GROUP BY name ORDER BY n DESC, name LIMIT 10",
    answers: () =>
      counted(
        of("mcp").filter(({ action }) => action === "tool"),
        ({ name }) => name,
      ).map(([name, n]) => ({ name, n })),
  },
  "C44, D16: failures by hour": {
    sql: `SELECT DATE_TRUNC('hour', timestamp) AS hour, COUNT(CASE WHEN status = 'error' THEN 1 END) AS errors
      FROM logs GROUP BY hour ORDER BY hour LIMIT 5`,
    edits: [["DATE_TRUNC('hour', timestamp)", "strftime('%Y-%m-%dT%H', timestamp)"]],
    answers: () =>
      [...Map.groupBy(of("mcp"), ({ timestamp }) => isoTime(timestamp).slice(0, 13))]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, 5)
        .map(([hour, group]) => ({
          hour,
          errors: group.filter(({ status }) => status !== "success").length,
        })),
  },
  "C34, C43: denials by caller": {
    sql: "SELECT caller, COUNT(*) AS n FROM logs WHERE policy_decision = 'deny' GROUP BY caller ORDER BY n DESC, caller",
    answers: () =>
      counted(
        of("mcp").filter(({ policy_decision }) => policy_decision === "deny"),
        ({ caller }) => caller,
      ).map(([caller, n]) => ({ caller, n })),
  },
  "C46, DL6: slow answers by user": {
    sql: `SELECT user_id, COUNT(*) AS n FROM audit_logs_v2
      WHERE success = TRUE AND response_time_ms > 1000 AND user_id IS NOT NULL GROUP BY user_id ORDER BY n DESC, user_id`,
    answers: () =>
      counted(
        events.filter(
          ({ kind, status, duration_ms }) =>
            kind !== "system" && status === "success" && (duration_ms ?? 0) > 1000,
        ),
        ({ user_id }) => user_id,
      ).map(([user_id, n]) => ({ user_id, n })),
  },
  "E15, E18: failed requests of a provider": {
    sql: "SELECT error_code, COUNT(*) AS n FROM request_logs WHERE provider = 'openai' AND error_code IS NOT NULL GROUP BY error_code ORDER BY n DESC, error_code",
    answers: () =>
      counted(
        events.filter(({ kind, provider }) => kind !== "system" && kind !== "admin" && provider === "openai"),
        ({ error_code }) => error_code,
      ).map(([error_code, n]) => ({ error_code, n })),
  },
  "E16, E17: changes of a sort of thing": {
    sql: "SELECT COUNT(*) AS n FROM admin_audit_logs WHERE entity_type = 'route' AND json_extract(payload_json, '$.name') = 'demo'",
    answers: () => [
      {
        n: of("admin").filter(
          ({ entity_type, new_values }) =>
            entity_type === "route" && new_values !== null && JSON.parse(new_values).name === "demo",
        ).length,
      },
    ],
  },
};

for (const [name, { sql, edits = [], answers }] of Object.entries(ASKED)) {
  test(`the sources' tables tell ${name}`, () => {
    let text = sql;
    for (const [from, to] of edits) {
      assert.ok(text.includes(from));
      text = text.replaceAll(from, to);
    }
    const rows = db
      .prepare(text)
      .all()
      .map((row) => ({ ...row }));
    assert.ok(rows.length > 0);
    assert.deepEqual(rows, answers());
  });
}

test("C49: deleting old rows by hand is answered with why not, and nothing is gone", () => {
  const count = () => db.prepare("SELECT count(*) AS n FROM events").get()?.n;
  const all = count();
  for (const sql of [
    "DELETE FROM logs WHERE timestamp < '2027-01-01'",
    "UPDATE audit_logs SET status = 'success'",
    "INSERT INTO admin_audit_logs (action) VALUES ('x')",
  ])
    assert.throws(() => db.exec(sql), /The audit trail only grows: .*retention_days/);
  assert.equal(count(), all);
});

/** By count, and then by value. */
function counted(list: readonly AuditEvent[], by: (event: AuditEvent) => string | null): [string, number][] {
  return [...Map.groupBy(list, by)]
    .flatMap(([value, group]): [string, number][] => (value === null ? [] : [[value, group.length]]))
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
