// The event's fields, in one place. Types, validation, journal rows, table and CSV columns, and
// docs/reference/events.md all derive from this list. Order is part of the journal format: a new field goes
// to the end, and none is ever removed or moved (segments name the fields that they were written with).
import type { JsonShape } from "./json-shapes.ts";

/** Who may learn what from a field: `public`; `p1` identifies a person; `p2` derives from content. */
export type FieldClass = "public" | "p1" | "p2";

export type FieldType = "string" | "integer" | "boolean" | "json";

export interface FieldSpec {
  readonly name: string;
  readonly class: FieldClass;
  readonly type: FieldType;
  /** Never null in a finished event. */
  readonly required?: true;
  /** Who gives the value: `journal` at the commit, `outcome` through the outcome table, `facts` the recorder's caller. */
  readonly by: "journal" | "outcome" | "facts";
  /** A string outside it becomes null and is counted. */
  readonly pattern?: RegExp;
  /** Characters of a string, UTF-8 bytes of canonical JSON, or the largest integer. */
  readonly max?: number;
  /** What to do with a string longer than `max`: most become null, sentences are cut. */
  readonly cut?: true;
  /** Few distinct values: stores keep it as a dictionary id. */
  readonly repeats?: true;
  /** What JSON may be: anything else becomes null and is counted. */
  readonly shape?: JsonShape;
  readonly about: string;
}

const ID = /^[A-Za-z0-9._-]{1,128}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NAME = /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u;
const MODEL = /^[A-Za-z0-9._:/@+-]{1,128}$/;
const TOKEN = /^[A-Za-z0-9_.-]{1,64}$/;
const WORD = /^[a-z][a-z0-9_]{0,63}$/;
const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

export const KINDS = ["inference", "mcp", "file", "exec", "auth", "quota", "api", "admin", "system"] as const;
export type Kind = (typeof KINDS)[number];

/** Whether work waits until it is recorded. */
export type Mode = "strict" | "open";

export const STATUSES = ["success", "error", "timeout", "cancelled"] as const;
export type Status = (typeof STATUSES)[number];

const oneOf = (words: readonly string[]) => new RegExp(`^(?:${words.join("|")})$`);

// biome-ignore format: one field, one line
export const FIELDS = [
  { name: "event_id", class: "public", type: "string", required: true, by: "facts", pattern: UUID, about: "UUIDv7 (RFC 9562), made by Daybook, unique." },
  { name: "node_id", class: "public", type: "string", required: true, by: "journal", pattern: /^[0-9a-f]{16}$/, repeats: true, about: "The recording process's log." },
  { name: "seq", class: "public", type: "integer", required: true, by: "journal", about: "Per node, contiguous from 1, given at the finish." },
  { name: "schema_version", class: "public", type: "integer", required: true, by: "journal", about: "Version of this field list." },
  { name: "kind", class: "public", type: "string", required: true, by: "facts", pattern: oneOf(KINDS), repeats: true, about: `What sort of event: ${KINDS.join(", ")}.` },
  { name: "action", class: "public", type: "string", required: true, by: "facts", pattern: WORD, repeats: true, about: "What was done, within the kind." },
  { name: "count", class: "public", type: "integer", required: true, by: "facts", about: "1; more for a counted summary of repeated refusals." },
  { name: "timestamp", class: "public", type: "integer", required: true, by: "facts", about: "Start, UTC milliseconds since 1970 (ISO 8601 in JSON and CSV)." },
  { name: "recorded_at", class: "public", type: "integer", required: true, by: "journal", about: "Commit time, UTC milliseconds since 1970 (ISO 8601 in JSON and CSV); orders lists and bounds time filters." },
  { name: "duration_ms", class: "public", type: "integer", by: "facts", about: "Milliseconds by the monotonic clock; null when interrupted." },
  { name: "ttft_ms", class: "public", type: "integer", by: "facts", about: "Milliseconds to the first byte of a streamed answer's body." },
  { name: "request_id", class: "public", type: "string", required: true, by: "facts", pattern: ID, about: "From `x-request-id` when it fits, else made; returned to the client; not unique." },
  { name: "upstream_request_id", class: "public", type: "string", by: "facts", pattern: ID, about: "The provider's own request id." },
  { name: "trace_id", class: "public", type: "string", by: "facts", pattern: ID, about: "From `traceparent` (W3C Trace Context) or `x-trace-id`, else 32 hex digits made." },
  { name: "parent_event_id", class: "public", type: "string", by: "facts", pattern: UUID, about: "The event that this one belongs to." },
  { name: "session_id", class: "p1", type: "string", by: "facts", pattern: ID, repeats: true, about: "Session of a person or an agent." },
  { name: "user_id", class: "p1", type: "string", by: "facts", pattern: NAME, max: 255, repeats: true, about: "Who did it." },
  { name: "api_key_id", class: "public", type: "string", by: "facts", pattern: ID, repeats: true, about: "The key's id, never the key or a part of it." },
  { name: "client_ip", class: "p1", type: "string", by: "facts", pattern: /^[0-9a-fA-F.:]{2,45}$/, repeats: true, about: "The client's address (trusted-proxy rule)." },
  { name: "user_agent", class: "p1", type: "string", by: "facts", pattern: NAME, max: 500, repeats: true, about: "Off by default." },
  { name: "caller", class: "public", type: "string", by: "facts", pattern: oneOf(["http", "stdio", "cli", "library", "system"]), repeats: true, about: "The way in: http, stdio, cli, library, system." },
  { name: "profile", class: "public", type: "string", by: "facts", pattern: TOKEN, repeats: true, about: "Configuration profile." },
  { name: "name", class: "public", type: "string", by: "facts", pattern: NAME, max: 255, repeats: true, about: "Tool, resource template or prompt." },
  { name: "method", class: "public", type: "string", by: "facts", pattern: /^[A-Z-]{1,20}$/, repeats: true, about: "HTTP or JSON-RPC method." },
  { name: "endpoint", class: "public", type: "string", by: "facts", pattern: NAME, max: 255, repeats: true, about: "Route template, never a query string." },
  { name: "entity_type", class: "public", type: "string", by: "facts", pattern: WORD, repeats: true, about: "What an admin change was about." },
  { name: "entity_id", class: "p1", type: "string", by: "facts", pattern: NAME, max: 255, about: "Which one." },
  { name: "model", class: "public", type: "string", by: "facts", pattern: MODEL, repeats: true, about: "The model as asked for." },
  { name: "upstream_model", class: "public", type: "string", by: "facts", pattern: MODEL, repeats: true, about: "The model as served." },
  { name: "backend_type", class: "public", type: "string", by: "facts", pattern: TOKEN, repeats: true, about: "Whose provider answered: local, openai, anthropic, …" },
  { name: "provider", class: "public", type: "string", by: "facts", pattern: NAME, max: 128, repeats: true, about: "Name of the provider that answered." },
  { name: "provider_id", class: "public", type: "string", by: "facts", pattern: ID, repeats: true, about: "Its id in control." },
  { name: "route", class: "public", type: "string", by: "facts", pattern: NAME, max: 128, repeats: true, about: "The route's public model name or glob." },
  { name: "route_id", class: "public", type: "string", by: "facts", pattern: ID, repeats: true, about: "Its id in control." },
  { name: "attempts", class: "public", type: "json", by: "facts", max: 4096, shape: "tries", about: "JSON array: `provider`, `code`, `ms` of each try." },
  { name: "streaming", class: "public", type: "boolean", by: "facts", about: "Whether the client asked for a stream." },
  { name: "finish_reason", class: "public", type: "string", by: "facts", pattern: TOKEN, repeats: true, about: "Why the model stopped." },
  { name: "status", class: "public", type: "string", required: true, by: "outcome", pattern: oneOf(STATUSES), repeats: true, about: `${STATUSES.join(", ")}.` },
  { name: "status_code", class: "public", type: "integer", by: "outcome", max: 599, about: "HTTP status; 499 when the client left." },
  { name: "error_code", class: "public", type: "string", by: "outcome", pattern: WORD, repeats: true, about: "See the outcome table in errors.md." },
  { name: "error_type", class: "public", type: "string", by: "outcome", pattern: TOKEN, repeats: true, about: "Finer than `error_code`: a known provider error type, a class name." },
  { name: "error_message", class: "public", type: "string", by: "outcome", max: 500, cut: true, repeats: true, about: "One of Daybook's own sentences, never text from upstream." },
  { name: "policy_decision", class: "public", type: "string", required: true, by: "facts", pattern: /^(?:n\/a|allow|warn|deny)$/, repeats: true, about: "n/a (none matched), allow, warn (forwarded and noted), deny." },
  { name: "policy_reason", class: "public", type: "string", by: "facts", max: 500, cut: true, repeats: true, about: "Why a policy warned or denied." },
  { name: "policies", class: "public", type: "json", by: "facts", max: 4096, shape: "names", about: "JSON array of the policies that matched." },
  { name: "prompt_tokens", class: "public", type: "integer", by: "facts", about: "Tokens in, cached included." },
  { name: "completion_tokens", class: "public", type: "integer", by: "facts", about: "Tokens out." },
  { name: "total_tokens", class: "public", type: "integer", by: "facts", about: "Tokens in and out." },
  { name: "cached_tokens", class: "public", type: "integer", by: "facts", about: "Prompt tokens read from a cache." },
  { name: "reasoning_tokens", class: "public", type: "integer", by: "facts", about: "Completion tokens spent on reasoning." },
  { name: "tokens_estimated", class: "public", type: "boolean", by: "facts", about: "Whether the counts are Daybook's estimate." },
  { name: "cost_micros", class: "public", type: "integer", by: "facts", about: "Millionths of a credit (1 credit = 1 USD)." },
  { name: "request_size", class: "public", type: "integer", by: "facts", about: "Bytes of the request on the wire, head and body." },
  { name: "response_size", class: "public", type: "integer", by: "facts", about: "Bytes of the answer on the wire, head and body." },
  { name: "resource_usage", class: "public", type: "json", by: "facts", max: 4096, shape: "counts", about: "JSON object of measured integers." },
  { name: "quota_violation", class: "public", type: "string", by: "facts", pattern: WORD, repeats: true, about: "The quota that was exceeded." },
  { name: "input_json", class: "p2", type: "json", by: "facts", max: 32_768, about: "Kind `mcp` only: the arguments, redacted." },
  { name: "redactions", class: "p2", type: "integer", by: "facts", about: "Values redacted in `input_json`." },
  { name: "truncated", class: "p2", type: "boolean", by: "facts", about: "Whether `input_json` was cut." },
  { name: "old_values", class: "p2", type: "json", by: "facts", max: 8192, about: "Before an admin change; secrets as flags." },
  { name: "new_values", class: "p2", type: "json", by: "facts", max: 8192, about: "After an admin change; secrets as flags." },
  { name: "justification", class: "p2", type: "string", by: "facts", max: 500, cut: true, about: "The reason given for an admin change." },
  { name: "metadata", class: "p1", type: "json", by: "facts", max: 4096, about: "Flat JSON object of scalars; content-like keys are refused." },
] as const satisfies readonly FieldSpec[];

/** Version of FIELDS; a new field raises it. */
export const SCHEMA_VERSION = 1;

export type Field = (typeof FIELDS)[number];
export type FieldName = Field["name"];

type ValueOf<F extends Field> = F["type"] extends "integer"
  ? number
  : F["type"] extends "boolean"
    ? boolean
    : string;

/** One line of the audit trail, snake_case as in the database, JSON and CSV. JSON fields are canonical JSON text. */
export type AuditEvent = {
  -readonly [F in Field as F["name"]]: F extends { required: true } ? ValueOf<F> : ValueOf<F> | null;
};

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;
type FactField = Extract<Field, { by: "facts" }>;

/** What callers tell the recorder, camelCase. The outcome is not among them: it comes whole, from outcomes.ts. */
export type Facts = {
  -readonly [F in FactField as Camel<F["name"]>]?: F["name"] extends "kind"
    ? Kind
    : F["type"] extends "json"
      ? JsonInput | null | undefined
      : ValueOf<F> | null | undefined;
};

/** JSON facts are handed over as values; `encode.ts` makes them canonical text. */
export type JsonInput = readonly unknown[] | { readonly [key: string]: unknown };

/** A value as journals and stores hold it. */
export type Cell = string | number | boolean | null;

/** An event as its cells, in the order of FIELDS. */
export type Row = Cell[];

/** The one mapping between snake_case and camelCase. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Position of each field in a row. */
export const COLUMN = Object.fromEntries(FIELDS.map((field, index) => [field.name, index])) as Record<
  FieldName,
  number
>;

export function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(COLUMN, name);
}

/** The largest integer that `field` can hold. */
export function maxInteger(field: FieldSpec): number {
  return field.max ?? MAX_INTEGER;
}

/**
 * Copied, and not begun empty: V8 makes a hash table of an object that is given so many members by computed names, which
 * takes several times as long to make, to read and to write as JSON.
 */
const BLANK: Readonly<Record<string, Cell>> = {
  ...Object.fromEntries(FIELDS.map(({ name }) => [name, null])),
};

/** The event that a row holds. */
export function eventOf(row: readonly Cell[]): AuditEvent {
  const event = { ...BLANK };
  for (let index = 0; index < FIELDS.length; index++) event[FIELDS[index]?.name ?? ""] = row[index] ?? null;
  return event as unknown as AuditEvent;
}
