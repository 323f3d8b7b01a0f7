// Bodies of requests, whatever the protocol: JSON objects whose members Daybook reads by a table of rules, and which
// go on as the client wrote them but for the members that are set. What Daybook acts upon must mean the same to
// every reader of the body, so ambiguous members are refused.
import { isUtf8 } from "node:buffer";
import { duplicateKey, isObject, type Member, setMembers, topLevelMembers } from "./json-members.ts";
import { promptBytes } from "./prompt-bytes.ts";
import type { InferenceRequest, Refusal } from "./protocol.ts";

const EMPTY = Buffer.alloc(0);

/** A body as the client wrote it. */
export class RequestBody {
  #bytes: Buffer;
  #text: string;
  /** Top-level members of the text. */
  #members: readonly Member[];

  constructor(bytes: Buffer, text: string, members: readonly Member[]) {
    this.#bytes = bytes;
    this.#text = text;
    this.#members = members;
  }

  /** The body with `values` (JSON text) set: the very same buffer when there are none. */
  with(values: ReadonlyMap<string, string>): Buffer {
    return values.size === 0 ? this.#bytes : Buffer.from(setMembers(this.#text, this.#members, values));
  }

  /** JSON text of a top-level member, or null. */
  valueText(key: string): string | null {
    const member = this.#members.find((candidate) => candidate.key === key);
    return member === undefined ? null : this.#text.slice(member.start, member.end);
  }

  /** Lets go of the content: an answer may go on for minutes after it was sent. */
  release(): void {
    this.#bytes = EMPTY;
    this.#text = "";
    this.#members = [];
  }
}

/** What a member must be; what is absent is given as undefined. */
export interface MemberRule {
  readonly must: string;
  readonly is: (value: unknown) => boolean;
}

/** The members that Daybook reads, in the order in which they are checked. `a.b` is member b of the object a. */
export type MemberRules = Readonly<Record<string, MemberRule>>;

export const REQUIRED_NAME: MemberRule = {
  must: "a non-empty string",
  is: (value) => typeof value === "string" && value !== "",
};
export const REQUIRED_ARRAY: MemberRule = { must: "an array", is: Array.isArray };
// null counts as absent.
export const BOOLEAN: MemberRule = {
  must: "true, false or null",
  is: nullOr((value) => typeof value === "boolean"),
};
export const NUMBER: MemberRule = {
  must: "a number or null",
  is: nullOr((value) => typeof value === "number"),
};
export const ARRAY: MemberRule = { must: "an array or null", is: nullOr(Array.isArray) };
export const OBJECT: MemberRule = { must: "an object or null", is: nullOr(isObject) };

/** What all requests have in common. */
export type ReadRequest = Pick<InferenceRequest, "body" | "model" | "bodyBytes" | "promptBytes">;

/** The request and its members by name, or why it is refused. `rules` ask for a `model`. */
export function readRequest(
  bytes: Buffer,
  rules: MemberRules,
): { readonly request: ReadRequest; readonly value: Record<string, unknown> } | Refusal {
  if (!isUtf8(bytes)) return refuse(null, "The body is not UTF-8.");
  const text = bytes.toString("utf8");
  const value = parsed(text);
  if (value === undefined) return refuse(null, "The body is not valid JSON.");
  if (!isObject(value)) return refuse(null, "The body is not a JSON object.");
  const members = topLevelMembers(text);
  const body = new RequestBody(bytes, text, members);
  const refusal =
    ambiguity(members, "", rules) ?? wrongMember(value, rules) ?? wrongWithin(body, value, rules);
  if (refusal !== null) return refusal;
  const model = value.model as string;
  return { request: { body, model, bodyBytes: bytes.length, promptBytes: promptBytes(bytes) }, value };
}

/** The body for upstream of a protocol that changes nothing but the model's name. */
export function renamedBody(
  { body, model: asked }: InferenceRequest,
  { model }: { readonly model: string | null },
): Buffer {
  return body.with(renamed(asked, model));
}

/** The values to set for the upstream's own name of the model; none when it is the name that was asked for. */
export function renamed(asked: string, model: string | null): Map<string, string> {
  return new Map(model === null || model === asked ? [] : [["model", JSON.stringify(model)]]);
}

/** The largest limit, since upstreams differ in which they honour; local servers mean "none" by a negative one. */
export function largestLimit(...values: unknown[]): number | null {
  const limits = values.filter((value) => typeof value === "number");
  if (limits.length === 0 || limits.some((value) => value < 0)) return null;
  return Math.min(Math.ceil(Math.max(...limits)), Number.MAX_SAFE_INTEGER);
}

export function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

export function refuse(param: string | null, message: string): Refusal {
  return { param, message };
}

/**
 * A key that stands twice, or that means a member Daybook reads without being written just like it. Parsers differ
 * in which of two they take; some (Go's, and so Ollama's) take a key in other letters; and V8's own misreads an
 * escaped key after certain objects before it. What was checked here would not be what is served.
 */
function ambiguity(members: readonly Member[], inside: string, rules: MemberRules): Refusal | null {
  const twice = duplicateKey(members);
  if (twice !== null) {
    const name = inside + twice;
    if (!Object.hasOwn(rules, name)) return refuse(null, "A member of the body stands in it twice.");
    return refuse(name, `\`${name}\` stands in the body twice.`);
  }
  for (const { key, escaped } of members) {
    const name = inside + key.toUpperCase().toLowerCase();
    if ((escaped || name !== inside + key) && Object.hasOwn(rules, name)) {
      return refuse(name, `\`${name}\` must be written in lower case and without escapes.`);
    }
  }
  return null;
}

function wrongMember(value: Record<string, unknown>, rules: MemberRules): Refusal | null {
  for (const [name, { must, is }] of Object.entries(rules)) {
    if (!name.includes(".") && !is(value[name])) return refuse(name, `\`${name}\` must be ${must}.`);
  }
  return null;
}

function wrongWithin(body: RequestBody, value: Record<string, unknown>, rules: MemberRules): Refusal | null {
  for (const [name, { must, is }] of Object.entries(rules)) {
    const dot = name.indexOf(".");
    if (dot === -1) continue;
    const parent = name.slice(0, dot);
    const object = value[parent];
    if (!isObject(object)) continue;
    if (!is(object[name.slice(dot + 1)])) return refuse(name, `\`${name}\` must be ${must}.`);
    const refusal = ambiguity(topLevelMembers(body.valueText(parent) ?? ""), `${parent}.`, rules);
    if (refusal !== null) return refusal;
  }
  return null;
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
