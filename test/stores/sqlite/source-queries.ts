// Questions that earlier trails were asked, as SQL on the tables and columns that they had, under the ids of what
// describes them. Of one there is the very text; of the others fields, filters, order
// and limits are described, and this is their SQL as their databases take it. It runs on SQLite as it is, but for what is
// named beside it.
import { type AuditEvent, eventOf } from "../../../src/event/fields.ts";
import { isoTime } from "../../../src/event/json.ts";
import { type Cells, NodeLog, START_MS } from "../../support/events.ts";

function cells(seq: number): Cells {
  const kind = ["inference", "mcp", "admin", "api", "system"][seq % 5] ?? "inference";
  const action = kind === "mcp" ? (["tool", "resource", "prompt"][seq % 3] ?? "tool") : `${kind}_action`;
  return { kind, action, timestamp: START_MS + seq * 600_000 };
}

export const BATCH = new NodeLog("00000000000000a1", 3).next(400, cells);
export const EVENTS: readonly AuditEvent[] = BATCH.events.map(({ row }) => eventOf(row));

/** What is quoted, word for word; `edits` say what stands for its dots. */
export const QUOTED: Readonly<Record<string, Pick<Asked, "sql" | "edits">>> = {
  C49: { sql: "DELETE FROM logs WHERE timestamp < ...", edits: [["...", "'2027-01-01'"]] },
};

export interface Asked {
  readonly sql: string;
  /** What SQLite says otherwise than the source's database. */
  readonly edits?: readonly (readonly [from: string, to: string])[];
  readonly answers: () => unknown;
}

const of = (kind: string) => EVENTS.filter((event) => event.kind === kind);

const NOON = START_MS + 43_200_000;
const newest = (list: readonly AuditEvent[]) => list.toSorted((a, b) => b.timestamp - a.timestamp);
const shown = () => EVENTS.filter(({ kind }) => kind !== "system");
const before = (a: string, b: string) => (a < b ? -1 : Number(a > b));
const named = (type: string, wanted: string) =>
  newest(of("mcp"))
    .filter(({ action, name }) => action === type && name === wanted)
    .slice(0, 100)
    .map(({ timestamp }) => ({ timestamp: isoTime(timestamp) }));

/** None of them is quoted anywhere: each is what its source describes. */
export const DESCRIBED: Readonly<Record<string, Asked>> = {
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
      newest(EVENTS.filter(({ kind }) => kind !== "system"))
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
      const recent = EVENTS.filter(({ kind, timestamp }) => kind !== "system" && timestamp >= NOON);
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
        EVENTS.filter(
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
        EVENTS.filter(({ kind, provider }) => kind !== "system" && kind !== "admin" && provider === "openai"),
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
  "B7: requests by status": {
    sql: "SELECT status, COUNT(*) AS n FROM audit_logs GROUP BY status ORDER BY n DESC, status",
    answers: () => counted(of("inference"), ({ status }) => status).map(([status, n]) => ({ status, n })),
  },
  "A43: the columns that its schema must have": {
    sql: "SELECT name FROM pragma_table_info('audit_logs') WHERE name IN ('request_id', 'timestamp', 'model') ORDER BY name",
    answers: () => [{ name: "model" }, { name: "request_id" }, { name: "timestamp" }],
  },
  "C31: reads of a resource, by its template": {
    sql: "SELECT timestamp FROM logs WHERE type = 'resource' AND name = 'read_file' ORDER BY timestamp DESC LIMIT 100",
    answers: () => named("resource", "read_file"),
  },
  "C32: gets of a prompt": {
    sql: "SELECT timestamp FROM logs WHERE type = 'prompt' AND name = 'search' ORDER BY timestamp DESC LIMIT 100",
    answers: () => named("prompt", "search"),
  },
  "C36, C39: the newest hundred of seven days": {
    sql: `SELECT timestamp, status FROM logs WHERE timestamp >= NOW() - INTERVAL '7 days'
      ORDER BY timestamp DESC LIMIT 100`,
    edits: [
      ["NOW() - INTERVAL '7 days'", "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-08T12:00:00Z', '-7 days')"],
    ],
    answers: () =>
      newest(of("mcp"))
        .filter(({ timestamp: at }) => at >= NOON)
        .slice(0, 100)
        .map(({ timestamp, status }) => ({
          timestamp: isoTime(timestamp),
          status: status === "success" ? "success" : "error",
        })),
  },
  "CL9: records by policy decision": {
    sql: "SELECT policy_decision, COUNT(*) AS n FROM logs GROUP BY policy_decision ORDER BY n DESC, policy_decision",
    answers: () =>
      counted(of("mcp"), ({ policy_decision }) => policy_decision).map(([policy_decision, n]) => ({
        policy_decision,
        n,
      })),
  },
  "D15: actions of each user, hour by hour": {
    sql: `SELECT DATE_TRUNC('hour', timestamp) AS hour, user_id, COUNT(*) AS n FROM audit_logs_v2
      WHERE user_id IS NOT NULL GROUP BY hour, user_id ORDER BY hour, user_id LIMIT 50`,
    edits: [["DATE_TRUNC('hour', timestamp)", "strftime('%Y-%m-%dT%H', timestamp)"]],
    answers: () =>
      [...Map.groupBy(shown(), ({ timestamp }) => isoTime(timestamp).slice(0, 13))]
        .flatMap(([hour, group]) =>
          counted(group, ({ user_id }) => user_id).map(([user_id, n]) => ({ hour, user_id, n })),
        )
        .sort((a, b) => before(a.hour, b.hour) || before(a.user_id, b.user_id))
        .slice(0, 50),
  },
  "D16: failed operations by type": {
    sql: `SELECT action_type, COUNT(*) AS total, SUM(CASE WHEN success THEN 0 ELSE 1 END) AS failed
      FROM audit_logs_v2 GROUP BY action_type ORDER BY total DESC, action_type`,
    answers: () =>
      counted(shown(), ({ action }) => action).map(([action_type, total]) => ({
        action_type,
        total,
        failed: shown().filter(({ action, status }) => action === action_type && status !== "success").length,
      })),
  },
  "D17: average response time by endpoint": {
    sql: `SELECT endpoint, AVG(response_time_ms) AS mean FROM audit_logs_v2
      WHERE response_time_ms IS NOT NULL GROUP BY endpoint ORDER BY endpoint`,
    answers: () =>
      [...Map.groupBy(shown(), ({ endpoint, name }) => endpoint ?? name ?? "")]
        .map(([endpoint, group]) => ({ endpoint, times: group.flatMap(({ duration_ms: ms }) => ms ?? []) }))
        .filter(({ times }) => times.length > 0)
        .sort((a, b) => before(a.endpoint, b.endpoint))
        .map(({ endpoint, times }) => ({
          endpoint,
          mean: times.reduce((sum, ms) => sum + ms, 0) / times.length,
        })),
  },
  "D18, E16: changes by administrator and action": {
    sql: `SELECT actor_user_id, action, COUNT(*) AS n FROM admin_audit_logs WHERE actor_user_id IS NOT NULL
      GROUP BY actor_user_id, action ORDER BY n DESC, actor_user_id`,
    answers: () =>
      counted(of("admin"), ({ user_id }) => user_id).map(([actor_user_id, n]) => ({
        actor_user_id,
        action: "admin_action",
        n,
      })),
  },
  "DL4: a search in the metadata, from an address": {
    sql: `SELECT action_type FROM audit_logs_v2 WHERE client_ip = '127.0.0.1' AND metadata ILIKE '%A%'
      ORDER BY timestamp DESC LIMIT 50`,
    edits: [["ILIKE", "LIKE"]],
    answers: () =>
      newest(shown())
        .filter(({ client_ip, metadata }) => client_ip === "127.0.0.1" && /a/i.test(metadata ?? ""))
        .slice(0, 50)
        .map(({ action }) => ({ action_type: action })),
  },
  "DL6: sessions of each user": {
    sql: `SELECT user_id, COUNT(DISTINCT session_id) AS unique_sessions FROM audit_logs_v2
      WHERE user_id IS NOT NULL AND session_id <> '' GROUP BY user_id ORDER BY user_id`,
    answers: () =>
      [...Map.groupBy(shown(), ({ user_id }) => user_id)]
        .flatMap(([user_id, group]) => {
          const sessions = new Set(group.flatMap(({ session_id }) => session_id ?? []));
          return user_id === null || sessions.size === 0 ? [] : [{ user_id, unique_sessions: sessions.size }];
        })
        .sort((a, b) => before(a.user_id, b.user_id)),
  },
  "E15: the newest requests of a key": {
    sql: `SELECT request_id, status_code FROM request_logs WHERE api_key_id = 'key_1'
      ORDER BY created_at DESC LIMIT 100`,
    answers: () =>
      newest(EVENTS)
        .filter(({ kind, api_key_id }) => kind !== "system" && kind !== "admin" && api_key_id === "key_1")
        .slice(0, 100)
        .map(({ request_id, status_code }) => ({ request_id, status_code })),
  },
};

/** By count, and then by value. */
function counted(list: readonly AuditEvent[], by: (event: AuditEvent) => string | null): [string, number][] {
  return [...Map.groupBy(list, by)]
    .flatMap(([value, group]): [string, number][] => (value === null ? [] : [[value, group.length]]))
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
