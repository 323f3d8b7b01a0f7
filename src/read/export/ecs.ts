// Events in the Elastic Common Schema 9, as JSON lines (NDJSON), nested. What has a place there is in its place and
// nowhere else (ECS_PLACES); the rest stands under `daybook`, by its own name, as the schema has custom fields.
import { isIP } from "node:net";
import { type AuditEvent, eventOf, FIELDS, type FieldName } from "../../event/fields.ts";
import { isoTime } from "../../event/json.ts";
import { lineEncoder, type OpenEncoder } from "./encoder.ts";
import { put } from "./places.ts";

const VERSION = "9.0.0";

/** Where a field stands as it is, whenever it has a value; times as ISO 8601. */
export const ECS_PLACES: { readonly [name in FieldName]?: string } = {
  timestamp: "@timestamp",
  recorded_at: "event.created",
  event_id: "event.id",
  action: "event.action",
  seq: "event.sequence",
  request_id: "http.request.id",
  method: "http.request.method",
  request_size: "http.request.bytes",
  status_code: "http.response.status_code",
  response_size: "http.response.bytes",
  endpoint: "url.path",
  trace_id: "trace.id",
  user_id: "user.id",
  user_agent: "user_agent.original",
  client_ip: "client.address",
  error_code: "error.code",
  error_type: "error.type",
  error_message: "error.message",
  policy_reason: "event.reason",
  model: "gen_ai.request.model",
  upstream_model: "gen_ai.response.model",
  prompt_tokens: "gen_ai.usage.input_tokens",
  completion_tokens: "gen_ai.usage.output_tokens",
};

const PATHS = Object.entries(ECS_PLACES).map(([name, path]) => ({
  name: name as FieldName,
  path: path.split("."),
  isTime: name === "timestamp" || name === "recorded_at",
}));
const OWN = FIELDS.map(({ name }) => name).filter((name) => ECS_PLACES[name] === undefined);
const NS_PER_MS = 1_000_000;

export const openEcs: OpenEncoder = (state) =>
  lineEncoder((row) => `${JSON.stringify(ecsOf(eventOf(row)))}\n`)(state);

function ecsOf(event: AuditEvent) {
  const { kind, client_ip, finish_reason, backend_type, duration_ms } = event;
  const made: Record<string, unknown> = {
    "@timestamp": null,
    ecs: { version: VERSION },
    event: {
      kind: "event",
      module: "daybook",
      dataset: `daybook.${kind}`,
      category: categoriesOf(event),
      type: typesOf(event),
      outcome: event.status === "success" ? "success" : "failure",
      ...(duration_ms === null ? {} : { duration: duration_ms * NS_PER_MS }),
    },
    observer: { vendor: "Daybook", product: "Daybook", type: "gateway" },
    ...(client_ip !== null && isIP(client_ip) !== 0 ? { client: { ip: client_ip } } : {}),
    ...(kind === "inference" || (finish_reason ?? backend_type) !== null ? { gen_ai: genAiOf(event) } : {}),
  };
  for (const { name, path, isTime } of PATHS) {
    const value = event[name];
    if (value !== null) put(made, path, isTime ? isoTime(value as number) : value);
  }
  made.daybook = Object.fromEntries(
    OWN.filter((name) => event[name] !== null).map((name) => [name, event[name]]),
  );
  return made;
}

function genAiOf({ action, backend_type, finish_reason }: AuditEvent) {
  return {
    operation: { name: action },
    ...(backend_type === null ? {} : { system: backend_type }),
    ...(finish_reason === null ? {} : { response: { finish_reasons: [finish_reason] } }),
  };
}

/** Of the values that the schema allows. */
function categoriesOf({ kind }: AuditEvent): string[] {
  if (kind === "auth") return ["authentication"];
  if (kind === "admin") return ["configuration"];
  if (kind === "file") return ["file"];
  if (kind === "exec") return ["process"];
  return kind === "system" ? ["host"] : ["api"];
}

function typesOf({ kind, status, policy_decision }: AuditEvent): string[] {
  const what =
    kind === "admin" ? "change" : kind === "system" ? "info" : kind === "auth" ? "start" : "access";
  const denied = policy_decision === "deny" ? ["denied"] : [];
  return [what, ...denied, ...(status === "success" ? [] : ["error"])];
}
