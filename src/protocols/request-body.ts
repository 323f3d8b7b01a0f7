// Bodies of requests, whatever the protocol: JSON objects of which Daybook reads some members, and which go on as the
// client wrote them but for the members that are set.
import { isUtf8 } from "node:buffer";
import { isObject, type Member, setMembers, topLevelMembers } from "./json-members.ts";
import { type MemberRules, refuse, wrongMember } from "./member-rules.ts";
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
  const refusal = wrongMember(value, members, rules, (parent) =>
    topLevelMembers(body.valueText(parent) ?? ""),
  );
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

/** undefined when `text` is not JSON. The parser's own message quotes the text, so it goes no further. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
