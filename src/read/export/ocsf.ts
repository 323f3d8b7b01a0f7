// Events in the Open Cybersecurity Schema Framework 1.8, class API Activity (6003), as JSON lines. What has a place
// there is in its place and nowhere else (PLACES); what the schema takes only beside something else is repeated; the
// rest is under `unmapped`, by its own name, so that nothing is lost.
import { isIP } from "node:net";
import { type AuditEvent, eventOf, FIELDS, type FieldName } from "../../event/fields.ts";
import { lineEncoder, type OpenEncoder } from "./encoder.ts";
import { put } from "./places.ts";

const VERSION = "1.8.0";
const CLASS = 6003;
const OTHER = 99;
const ACTIVITIES = { 1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other" } as const;
const SEVERITIES = { 1: "Informational", 2: "Low", 3: "Medium" } as const;

/** Where a field stands as it is, whenever it has a value. */
export const OCSF_PLACES: { readonly [name in FieldName]?: string } = {
  event_id: "metadata.uid",
  recorded_at: "metadata.logged_time",
  timestamp: "time",
  node_id: "metadata.log_name",
  count: "count",
  duration_ms: "duration",
  request_id: "api.request.uid",
  trace_id: "trace.uid",
  error_code: "api.response.error",
  error_message: "api.response.error_message",
  user_id: "actor.user.uid",
  api_key_id: "actor.app_uid",
  session_id: "actor.session.uid",
  user_agent: "http_request.user_agent",
  request_size: "http_request.length",
  method: "http_request.http_method",
  endpoint: "http_request.url.path",
  policy_reason: "policy.desc",
};

const UNMAPPED = FIELDS.map(({ name }) => name).filter((name) => OCSF_PLACES[name] === undefined);

export const openOcsf: OpenEncoder = (state) =>
  lineEncoder((row) => `${JSON.stringify(ocsfOf(eventOf(row)))}\n`)(state);

function ocsfOf(event: AuditEvent) {
  const activity = activityOf(event);
  const severity = event.status === "success" ? 1 : event.policy_decision === "deny" ? 3 : 2;
  const made: Record<string, unknown> = {
    activity_id: activity,
    activity_name: activity === OTHER ? event.action : ACTIVITIES[activity],
    category_uid: 6,
    category_name: "Application Activity",
    class_uid: CLASS,
    class_name: "API Activity",
    type_uid: CLASS * 100 + activity,
    type_name: `API Activity: ${ACTIVITIES[activity]}`,
    severity_id: severity,
    severity: SEVERITIES[severity],
    status_id: event.status === "success" ? 1 : 2,
    status: event.status === "success" ? "Success" : "Failure",
    ...(event.status_code === null ? {} : { status_code: String(event.status_code) }),
    ...(event.error_code === null ? {} : { status_detail: event.error_code }),
    message: `${event.kind} ${event.action}: ${event.status}`,
    metadata: {
      version: VERSION,
      product: { name: "Daybook", vendor_name: "Daybook" },
      profiles: ["security_control", "trace", ...(hasModel(event) ? ["ai_operation"] : [])],
      event_code: `${event.kind}.${event.action}`,
    },
    api: { operation: event.action, service: { name: event.kind } },
    actor: { app_name: event.caller ?? "unknown" },
    src_endpoint: sourceOf(event),
    ...securityOf(event),
    ...modelOf(event),
    ...resultOf(event),
  };
  for (const [name, path] of PATHS) if (event[name] !== null) put(made, path, event[name]);
  made.unmapped = Object.fromEntries(
    UNMAPPED.filter((name) => event[name] !== null).map((name) => [name, event[name]]),
  );
  return made;
}

const PATHS = Object.entries(OCSF_PLACES).map(
  ([name, path]) => [name as FieldName, path.split(".")] as const,
);

/** By what the verb of an admin change ends with; requests for an answer create one. */
function activityOf({ kind, action }: AuditEvent): keyof typeof ACTIVITIES {
  if (/(?:created|granted|uploaded)$/.test(action)) return 1;
  if (/(?:deleted|removed|revoked|pruned|erased)$/.test(action)) return 4;
  if (/(?:changed|updated|set|rotated|renamed|adjusted|replaced|reversed)$/.test(action)) return 3;
  if (/(?:read|queried|exported|listed|resource|prompt)$/.test(action)) return 2;
  return kind === "inference" ? 1 : OTHER;
}

function sourceOf({ client_ip, caller }: AuditEvent) {
  const name = caller ?? "unknown";
  if (client_ip === null) return { name };
  return isIP(client_ip) === 0 ? { name: client_ip } : { name, ip: client_ip };
}

/** Profile security_control: what a policy said. */
function securityOf({ policy_decision, policies, policy_reason }: AuditEvent) {
  const [actionId, action] = policy_decision === "deny" ? [2, "Denied"] : [1, "Allowed"];
  const isNone = policy_decision === "n/a" && policies === null && policy_reason === null;
  return {
    action_id: actionId,
    action,
    ...(isNone ? {} : { policy: { name: policies ?? policy_decision } }),
  };
}

function hasModel({ model, upstream_model }: AuditEvent): boolean {
  return (model ?? upstream_model) !== null;
}

/** Profile ai_operation, where there is a model. */
function modelOf(event: AuditEvent) {
  if (!hasModel(event)) return {};
  const { model, upstream_model, backend_type, provider, prompt_tokens, completion_tokens, total_tokens } =
    event;
  const tokens = Object.entries({ prompt_tokens, completion_tokens, total_tokens });
  return {
    ai_model: { name: upstream_model ?? model, ai_provider: provider ?? backend_type ?? "unknown" },
    message_context: {
      service: { name: event.action },
      ...Object.fromEntries(tokens.filter(([, value]) => value !== null)),
    },
  };
}

/** The answer, which must have a code. */
function resultOf({ status_code, response_size }: AuditEvent) {
  if (status_code === null) return {};
  const size = response_size === null ? {} : { length: response_size };
  return { http_response: { code: status_code, ...size } };
}
