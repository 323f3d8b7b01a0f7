// Answers of OpenAI chat completions that come as one JSON body: the facts that the audit needs, read from a
// bounded part of it. The body itself passes by unchanged.
import { Carry } from "./carry.ts";
import { isObject } from "./json-members.ts";
import { type InBandError, inBandError } from "./provider-errors.ts";
import { openaiUsage, type Usage } from "./usage.ts";

/** What an answer tells beside its content. */
export interface ChatFacts {
  readonly usage: Usage | null;
  /** As served, raw. */
  readonly model: string | null;
  /** One of the API's; of the first choice, in a stream of the choice that finished last. */
  readonly finishReason: string | null;
  /** The answer carries an error, whatever its status said. */
  readonly inBandError: InBandError | null;
}

export interface ChatAnswer extends ChatFacts {
  /** A whole JSON object. Of a body too large to keep it is only known that a brace ends it. */
  readonly whole: boolean;
}

const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** What is kept of both ends of a larger body: `model` stands at the start, `usage` at the end. */
const EDGE_BYTES = 64 * 1024;
/** Places tried for `usage` at the end of a larger body. */
const MAX_TRIES = 8;

const FINISH_REASONS = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"]);

export class ChatAnswerReader {
  readonly #maxKeptBytes: number;
  readonly #carry = new Carry();
  /** The start of a body too large to keep; its end is in the carry. */
  #head: Buffer | null = null;

  constructor({ maxKeptBytes = MAX_KEPT_BYTES }: { maxKeptBytes?: number } = {}) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  feed(chunk: Buffer): void {
    this.#carry.append(chunk);
    if (this.#carry.length <= this.#maxKeptBytes) return;
    const kept = this.#carry.take();
    this.#head ??= Buffer.from(kept.subarray(0, EDGE_BYTES));
    this.#carry.append(kept.subarray(-EDGE_BYTES));
  }

  /** The facts, once the body has ended, well or not. Nothing of the body is kept. */
  finish(): ChatAnswer {
    const body = this.#carry.take();
    const head = this.#head;
    this.#head = null;
    if (head !== null) return factsFromEdges(head.toString("utf8"), body.toString("utf8"));
    const answer = parsedObject(body.toString("utf8"));
    if (answer === null)
      return { usage: null, model: null, finishReason: null, inBandError: null, whole: false };
    return {
      usage: openaiUsage(answer.usage),
      model: modelOf(answer),
      finishReason: knownFinishReason(finishReasonOf(answer)),
      inBandError: inBandError(answer),
      whole: true,
    };
  }
}

/** The object that `text` is, or null. */
export function parsedObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** `model` of an answer or chunk, when it is there and not empty. */
export function modelOf(answer: Record<string, unknown>): string | null {
  return typeof answer.model === "string" && answer.model !== "" ? answer.model : null;
}

/** `finish_reason` of the first choice that has one, raw. */
export function finishReasonOf(answer: Record<string, unknown>): string | null {
  if (!Array.isArray(answer.choices)) return null;
  for (const choice of answer.choices as unknown[]) {
    const reason = isObject(choice) ? choice.finish_reason : null;
    if (typeof reason === "string" && reason !== "") return reason;
  }
  return null;
}

/** `reason` when it is one of the API's closed set. */
export function knownFinishReason(reason: string | null | undefined): string | null {
  return reason !== null && reason !== undefined && FINISH_REASONS.has(reason) ? reason : null;
}

/** Quotes within content are escaped, so a key found with its quotes is a key. */
function factsFromEdges(head: string, tail: string): ChatAnswer {
  const reasons = [...tail.matchAll(/"finish_reason"\s*:\s*"([a-z_]{1,32})"/g)];
  return {
    usage: usageAtEnd(tail),
    model: /"model"\s*:\s*"([^"\\]{1,128})"/.exec(head)?.[1] ?? null,
    finishReason: knownFinishReason(reasons.at(-1)?.[1]),
    inBandError: null,
    whole: tail.trimEnd().endsWith("}"),
  };
}

/** `usage` as a top-level member: from there to the end, with a brace before it, the text is an object. */
function usageAtEnd(tail: string): Usage | null {
  let at = tail.lastIndexOf('"usage"');
  for (let tries = 0; at !== -1 && tries < MAX_TRIES; tries++) {
    const rest = parsedObject(`{${tail.slice(at)}`);
    if (rest !== null) return openaiUsage(rest.usage);
    at = at === 0 ? -1 : tail.lastIndexOf('"usage"', at - 1);
  }
  return null;
}
