// The tables that audit trails before this one had, as views with their names and columns, so that queries written for
// those run here: rows with an integer id, times as ISO 8601. They are read-only, and what would change them says why.
import type { FieldName } from "../../event/fields.ts";
import { columnOf, shownSql } from "./columns.ts";

interface SourceView {
  readonly name: string;
  /** Of the kinds that the trail was about. */
  readonly where: string;
  /** Column → what it shows. */
  readonly columns: Readonly<Record<string, string>>;
}

const field = (name: FieldName) => {
  const { form, home } = columnOf(name);
  return shownSql(form, `${home}s."${name}"`);
};
const fields = (...names: readonly FieldName[]) =>
  Object.fromEntries(names.map((name) => [name, field(name)]));
const time = (name: FieldName) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${field(name)} / 1000.0, 'unixepoch')`;
const failureOnly = `CASE WHEN ${field("status")} <> 'success' THEN`;
/** In the order of recording; another one after the store was restored from a backup. */
const ID = "events.rowid";

const VIEWS: readonly SourceView[] = [
  {
    name: "audit_logs",
    where: `${field("kind")} = 'inference'`,
    columns: {
      id: ID,
      request_id: field("request_id"),
      timestamp: time("timestamp"),
      ...fields("model", "backend_type", "endpoint", "duration_ms", "status"),
      ...fields("prompt_tokens", "completion_tokens", "total_tokens", "error_type", "error_message"),
    },
  },
  {
    name: "logs",
    where: `${field("kind")} = 'mcp'`,
    columns: {
      timestamp: time("timestamp"),
      caller: field("caller"),
      type: field("action"),
      name: field("name"),
      input_json: field("input_json"),
      duration_ms: field("duration_ms"),
      policy_decision: field("policy_decision"),
      reason: field("policy_reason"),
      status: `CASE ${field("status")} WHEN 'success' THEN 'success' ELSE 'error' END`,
      error: `${failureOnly} ${field("error_message")} END`,
    },
  },
  {
    name: "audit_logs_v2",
    where: `${field("kind")} <> 'system'`,
    columns: {
      id: ID,
      session_id: `coalesce(${field("session_id")}, '')`,
      user_id: field("user_id"),
      client_ip: field("client_ip"),
      action_type: field("action"),
      endpoint: `coalesce(${field("endpoint")}, ${field("name")}, '')`,
      http_method: `coalesce(${field("method")}, '')`,
      request_size: field("request_size"),
      response_size: field("response_size"),
      response_time_ms: field("duration_ms"),
      status_code: field("status_code"),
      success: `${field("status")} = 'success'`,
      resource_usage: field("resource_usage"),
      metadata: field("metadata"),
      timestamp: time("timestamp"),
    },
  },
  {
    name: "request_logs",
    where: `${field("kind")} IN ('inference', 'mcp', 'api')`,
    columns: {
      id: ID,
      ...fields("request_id", "user_id", "api_key_id", "provider_id", "route_id", "method"),
      path: field("endpoint"),
      status_code: field("status_code"),
      created_at: time("timestamp"),
      latency_ms: `coalesce(${field("duration_ms")}, 0)`,
      ...fields("route", "provider", "error_code"),
    },
  },
  {
    name: "admin_audit_logs",
    where: `${field("kind")} = 'admin'`,
    columns: {
      id: ID,
      actor_user_id: field("user_id"),
      ...fields("action", "entity_type", "entity_id"),
      payload_json: `coalesce(${field("new_values")}, ${field("old_values")})`,
      created_at: time("timestamp"),
    },
  },
];

const WHY_NOT = `The audit trail only grows: what is too old goes by audit.retention_days, and is told (daybook prune).`;

/** SQL that makes them anew. */
export const SOURCE_VIEWS = VIEWS.map(({ name, where, columns }) => {
  const shown = Object.entries(columns).map(([column, sql]) => `${sql} AS "${column}"`);
  const triggers = ["DELETE", "UPDATE", "INSERT"].map(
    (change) => `CREATE TRIGGER ${name}_${change.toLowerCase()} INSTEAD OF ${change} ON ${name}
BEGIN SELECT RAISE(ABORT, '${WHY_NOT}'); END;`,
  );
  return `DROP VIEW IF EXISTS ${name};
CREATE VIEW ${name} AS SELECT
  ${shown.join(",\n  ")}
FROM events JOIN shapes ON shapes.id = events.shape LEFT JOIN actors ON actors.id = events.actor
WHERE ${where};
${triggers.join("\n")}
`;
}).join("");
