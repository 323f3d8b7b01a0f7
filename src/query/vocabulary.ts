// The names that a query may use: the event's own fields, what is said beside them, and the words that the trails
// before this one had for the same. docs/reference/api.md is written from here.
import { FIELDS, type FieldName, type FieldSpec } from "../event/fields.ts";
import { DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET } from "./filter.ts";
import { BOUND_FORMS } from "./instants.ts";
import { TEXT_FIELDS } from "./matches.ts";

export interface ParameterSpec {
  readonly name: string;
  /** `page` parameters are for lists only; `url` ones stand in no text. */
  readonly part: "filter" | "url" | "page";
  readonly about: string;
}

/** Fields of points in time. */
export const INSTANTS: ReadonlySet<string> = new Set<FieldName>(["timestamp", "recorded_at"]);

/** Other names → ours. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ["start_time", "since"],
  ["start_date", "since"],
  ["end_time", "until"],
  ["end_date", "until"],
  ["policy", "policy_decision"],
  ["type", "action"],
  ["action_type", "action"],
  ["operation_type", "action"],
  ["action_category", "kind"],
  ["operation_name", "name"],
  ["operation_status", "status"],
  ["search", "text"],
  ["user", "user_id"],
  ["actor_user_id", "user_id"],
  ["key", "api_key_id"],
  ["ip", "client_ip"],
  ["backend", "backend_type"],
  ["path", "endpoint"],
  ["duration", "duration_ms"],
  ["latency_ms", "duration_ms"],
  ["tokens", "total_tokens"],
  ["request", "request_id"],
  ["trace", "trace_id"],
  ["session", "session_id"],
]);

/** `tool=x`: an event of that action, and by that name. */
export const NAMED_ACTIONS: ReadonlySet<string> = new Set(["tool", "resource", "prompt"]);

/** Every name that stands for others. */
export const OTHER_NAMES: readonly string[] = [...ALIASES.keys(), ...NAMED_ACTIONS, "success"];

/** Words that others have for a field's values. */
export const VALUE_WORDS: { readonly [name in FieldName]?: Readonly<Record<string, string>> } = {
  policy_decision: { allowed: "allow", warned: "warn", denied: "deny" },
};

/** Every parameter there is, in the order of the reference. */
export const PARAMETERS: readonly ParameterSpec[] = (
  [
    {
      name: "q",
      part: "url",
      about: "The same as one line of text: `status:error model:claude-* tokens>1000`.",
    },
    { name: "since", part: "filter", about: `Recorded at or after: ${BOUND_FORMS}.` },
    { name: "until", part: "filter", about: "Recorded at or before: as `since`." },
    { name: "include", part: "filter", about: "`system`: show Daybook's events about itself too." },
    {
      name: "text",
      part: "filter",
      about: `Found, whatever the case of its letters, within one of ${TEXT_FIELDS.map((name) => `\`${name}\``).join(", ")}. Repeated: each must be found.`,
    },
    {
      name: "tool",
      part: "filter",
      about: "The action `tool` with this `name`; `resource` and `prompt` likewise.",
    },
    {
      name: "success",
      part: "filter",
      about: "`true`: `status` is `success`; `false`: it is not.",
    },
    { name: "limit", part: "page", about: `Events on a page: 1 to ${MAX_LIMIT}, default ${DEFAULT_LIMIT}.` },
    { name: "cursor", part: "page", about: "Where the next page starts; taken from the `Link` header." },
    {
      name: "offset",
      part: "page",
      about: `Events to pass over, at most ${MAX_OFFSET}. Pages by number shift while events arrive: \`cursor\` does not.`,
    },
    { name: "page", part: "page", about: "The number of the page, from 1 on: an `offset` of whole pages." },
    { name: "page_size", part: "page", about: "As `limit`." },
    ...(FIELDS as readonly FieldSpec[])
      .filter(({ type }) => type !== "json")
      .map(({ name, about }): ParameterSpec => ({ name, part: "filter", about })),
  ] satisfies ParameterSpec[]
).map((parameter) => ({ ...parameter, about: withAliases(parameter) }));

function withAliases({ name, about }: ParameterSpec): string {
  const others = [...ALIASES].filter(([, ours]) => ours === name).map(([alias]) => `\`${alias}\``);
  const words = Object.keys(VALUE_WORDS[name as FieldName] ?? {}).map((word) => `\`${word}\``);
  return [
    about,
    others.length === 0 ? "" : ` Also ${others.join(", ")}.`,
    words.length === 0 ? "" : ` ${words.join(", ")} are understood.`,
  ].join("");
}
