// Requests of OpenAI chat completions: the facts that routing, policy and audit need, and the body for upstream,
// which stays as the client wrote it but for the model's name and the request for usage. What Daybook acts upon
// must mean the same to every reader of the body, so ambiguous members are refused.
import { isUtf8 } from "node:buffer";
import { duplicateKey, isObject, type Member, setMembers, topLevelMembers } from "./json-members.ts";

/** Facts of a request. Content is in `body` and `text` only: drop them when they are sent. */
export interface ChatRequest {
  readonly body: Buffer;
  readonly text: string;
  /** Top-level members of `text`. */
  readonly members: readonly Member[];
  /** As asked for, raw. */
  readonly model: string;
  readonly streaming: boolean;
  /** The client itself asked for `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  /** The larger of `max_tokens` and `max_completion_tokens`; null when the request sets no limit. */
  readonly maxTokens: number | null;
  /** Tools offered, legacy functions included. */
  readonly toolCount: number;
}

/** Why a request is refused, in a sentence of Daybook's own that holds no value of the request. */
export interface Refusal {
  /** The member at fault. */
  readonly param: string | null;
  readonly message: string;
}

/** The members that Daybook reads and what each must be; null counts as absent, but for `model` and `messages`. */
const MEMBERS: Readonly<Record<string, { must: string; is(value: unknown): boolean }>> = {
  model: { must: "a non-empty string", is: (value) => typeof value === "string" && value !== "" },
  messages: { must: "an array", is: Array.isArray },
  stream: { must: "true, false or null", is: nullOr((value) => typeof value === "boolean") },
  stream_options: { must: "an object or null", is: nullOr(isObject) },
  max_tokens: { must: "a number or null", is: nullOr((value) => typeof value === "number") },
  max_completion_tokens: { must: "a number or null", is: nullOr((value) => typeof value === "number") },
  tools: { must: "an array or null", is: nullOr(Array.isArray) },
  functions: { must: "an array or null", is: nullOr(Array.isArray) },
};

const RULES = Object.entries(MEMBERS);

/** The facts of a request body, or why it is refused. */
export function parseChatRequest(body: Buffer): ChatRequest | Refusal {
  if (!isUtf8(body)) return refuse(null, "The body is not UTF-8.");
  const text = body.toString("utf8");
  const value = parsed(text);
  if (value === undefined) return refuse(null, "The body is not valid JSON.");
  if (!isObject(value)) return refuse(null, "The body is not a JSON object.");
  const members = topLevelMembers(text);
  const refusal =
    ambiguity(members, "") ?? wrongMember(value) ?? wrongStreamOptions(text, members, value.stream_options);
  if (refusal !== null) return refusal;
  return {
    body,
    text,
    members,
    model: value.model as string,
    streaming: value.stream === true,
    includeUsage: isObject(value.stream_options) && value.stream_options.include_usage === true,
    maxTokens: limit(value.max_tokens, value.max_completion_tokens),
    toolCount: length(value.tools) + length(value.functions),
  };
}

export function isRefusal(result: ChatRequest | Refusal): result is Refusal {
  return "message" in result;
}

/**
 * The body to send upstream: `request.body` itself when nothing changes, else with the upstream's name of the model,
 * and, for a stream whose client did not ask for usage, with `stream_options.include_usage` set and the client's
 * other stream options kept.
 */
export function upstreamBody(
  request: ChatRequest,
  { model, askUsage }: { model?: string; askUsage: boolean },
): Buffer {
  const values = new Map<string, string>();
  if (model !== undefined && model !== request.model) values.set("model", JSON.stringify(model));
  if (askUsage && request.streaming && !request.includeUsage)
    values.set("stream_options", askingUsage(request));
  if (values.size === 0) return request.body;
  return Buffer.from(setMembers(request.text, request.members, values));
}

function askingUsage({ text, members }: ChatRequest): string {
  const options = valueText(text, members, "stream_options");
  if (options === null || options === "null") return '{"include_usage":true}';
  return setMembers(options, topLevelMembers(options), new Map([["include_usage", "true"]]));
}

/**
 * A key that stands twice, or that means a member Daybook reads without being written just like it. Parsers differ
 * in which of two they take; some (Go's, and so Ollama's) take a key in other letters; and V8's own misreads an
 * escaped key after certain objects before it. What was checked here would not be what is served.
 */
function ambiguity(members: readonly Member[], inside: "" | "stream_options."): Refusal | null {
  const twice = duplicateKey(members);
  if (twice !== null) {
    const name = inside + twice;
    if (!isRead(name)) return refuse(null, "A member of the body stands in it twice.");
    return refuse(name, `\`${name}\` stands in the body twice.`);
  }
  for (const { key, escaped } of members) {
    const folded = key.toUpperCase().toLowerCase();
    if ((escaped || folded !== key) && isRead(inside + folded)) {
      return refuse(
        inside + folded,
        `\`${inside}${folded}\` must be written in lower case and without escapes.`,
      );
    }
  }
  return null;
}

function isRead(name: string): boolean {
  return Object.hasOwn(MEMBERS, name) || name === "stream_options.include_usage";
}

function wrongMember(value: Record<string, unknown>): Refusal | null {
  for (const [name, { must, is }] of RULES) {
    if (!is(value[name])) return refuse(name, `\`${name}\` must be ${must}.`);
  }
  return null;
}

function wrongStreamOptions(text: string, members: readonly Member[], value: unknown): Refusal | null {
  if (!isObject(value)) return null;
  const name = "stream_options.include_usage";
  if (!nullOr((asked) => typeof asked === "boolean")(value.include_usage)) {
    return refuse(name, `\`${name}\` must be true, false or null.`);
  }
  return ambiguity(topLevelMembers(valueText(text, members, "stream_options") ?? ""), "stream_options.");
}

function valueText(text: string, members: readonly Member[], key: string): string | null {
  const member = members.find((candidate) => candidate.key === key);
  return member === undefined ? null : text.slice(member.start, member.end);
}

/** The larger limit, since upstreams differ in which they honour; local servers mean "none" by a negative one. */
function limit(...values: unknown[]): number | null {
  const limits = values.filter((value) => typeof value === "number");
  if (limits.length === 0 || limits.some((value) => value < 0)) return null;
  return Math.min(Math.ceil(Math.max(...limits)), Number.MAX_SAFE_INTEGER);
}

function length(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function nullOr(is: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || value === null || is(value);
}

/** undefined when `text` is not JSON. The parser's own message quotes the text, so it goes no further. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuse(param: string | null, message: string): Refusal {
  return { param, message };
}
