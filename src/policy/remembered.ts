// A question made again from the event of a request. What the trail does not keep is not guessed: to ask for it is an
// error of a code of its own, so that a condition that needs it is `unknown` and one that does not is decided.
import type { AuditEvent } from "../event/fields.ts";
import { REDACTED } from "../event/redaction-patterns.ts";
import { Hidden, type Meter } from "./meter.ts";
import type { Question } from "./question.ts";
import { Values } from "./variables.ts";

export interface Remembered {
  readonly question: Question;
  values(meter: Meter): Values;
}

/** Codes of what a condition could not be told for want of knowing. */
export const UNKNOWN_CODES: ReadonlySet<string> = new Set(["unknown_value", "unsupported_type"]);

/** Refused before policies are asked. */
const REFUSED_BEFORE: ReadonlySet<string> = new Set([
  "unauthorized",
  "forbidden",
  "not_found",
  "invalid_request",
  "malformed_http",
  "method_not_allowed",
  "payload_too_large",
]);
/** Of MCP, only these are asked about. */
const EXECUTIONS: ReadonlySet<string> = new Set(["tool", "resource", "prompt"]);

/** null: policies were not asked of it. */
export function remembered(event: AuditEvent): Remembered | null {
  const { kind, action, error_code } = event;
  if (error_code !== null && REFUSED_BEFORE.has(error_code)) return null;
  if (kind === "inference") {
    const question = questionOf(event, "inference", undefined);
    return { question, values: (meter) => new InferenceValues(question, meter) };
  }
  if (kind !== "mcp" || !EXECUTIONS.has(action)) return null;
  const given = argumentsOf(event);
  const question = questionOf(event, "mcp", given);
  return {
    question,
    values: (meter) =>
      given === undefined ? new BareCallValues(question, meter) : new CallValues(question, meter),
  };
}

function questionOf(event: AuditEvent, kind: Question["kind"], given: unknown): Question {
  const { action, name, model, route, profile, caller, streaming } = event;
  return {
    kind,
    action,
    name,
    server: kind === "mcp" ? event.provider : null,
    model,
    route,
    userId: event.user_id,
    apiKeyId: event.api_key_id,
    profile,
    caller: caller ?? "http",
    requestSize: 0,
    maxTokens: null,
    streaming: streaming === true,
    toolCount: 0,
    arguments: given,
  };
}

class UnknownValue extends Error {
  readonly code = "unknown_value";
}

/** The event's size counts the head too. */
class CallValues extends Values {
  override get request_size(): never {
    throw new UnknownValue();
  }
}

/** Nothing is kept of its arguments, or their shape alone. */
class BareCallValues extends CallValues {
  override get arguments(): never {
    throw new UnknownValue();
  }
}

class InferenceValues extends CallValues {
  override get max_tokens(): never {
    throw new UnknownValue();
  }
  override get tools(): never {
    throw new UnknownValue();
  }
}

/** The arguments as they are kept, with what was redacted or cut hidden; undefined: nothing that could be judged. */
function argumentsOf({ input_json }: AuditEvent): unknown {
  if (input_json === null) return undefined;
  const kept: unknown = JSON.parse(input_json);
  const given = isShape(kept) ? undefined : withoutMarks(kept);
  return given instanceof Hidden ? undefined : given;
}

const SHAPES = /^(?:null|boolean|number|bigint|string(?:\(\d+\))?)$/;
const MARKS = [REDACTED, "[TRUNCATED]", "[UNREADABLE]", "[CIRCULAR]", "hmac-sha256:"];
/** Fractions and long integers are kept as texts. */
const NUMBER = /^-?(?:\d{16,}|\d+\.\d+|\d+(?:\.\d+)?e[+-]?\d+)$/i;

/** Whether there are leaves, and each is a type and nothing else. */
function isShape(value: unknown): boolean {
  const leaves: unknown[] = [];
  const collect = (part: unknown): void => {
    if (typeof part !== "object" || part === null) leaves.push(part);
    else for (const each of Object.values(part)) collect(each);
  };
  collect(value);
  return (
    leaves.length > 0 &&
    leaves.every((leaf) => typeof leaf === "string" && (SHAPES.test(leaf) || leaf === REDACTED))
  );
}

function withoutMarks(value: unknown): unknown {
  if (typeof value === "string") return isMarked(value) || NUMBER.test(value) ? new Hidden() : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.some(isMark) ? new Hidden() : value.map(withoutMarks);
  const entries = Object.entries(value);
  // Members may be missing there, or stand under other names.
  if (entries.some(([key]) => isMarked(key))) return new Hidden();
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutMarks(member)]));
}

/** A whole item that stands for others. */
function isMark(value: unknown): boolean {
  return value === "[TRUNCATED]";
}

function isMarked(text: string): boolean {
  return MARKS.some((mark) => text.includes(mark));
}
