// Answers that come as one JSON body, whatever the protocol: kept up to a limit and parsed once at the end; of a
// larger one, both ends are kept. The body itself passes by unchanged.
import { Carry } from "./carry.ts";
import { isObject } from "./json-members.ts";
import type { AnswerBody, AnswerFacts, WholeAnswerFacts } from "./protocol.ts";

/** How one protocol's bodies are read. */
export interface BodyReader {
  /** Of a JSON object. */
  readonly facts: (answer: Record<string, unknown>) => AnswerFacts;
  /**
   * Of a body too large to keep, the members that tell its finish reason, beside `model` and `usage`. Quotes within
   * content are escaped, so a key found with its quotes is a key.
   */
  readonly edges: (head: string, tail: string) => Record<string, unknown>;
  /** The body is content that was generated. */
  readonly generated: boolean;
}

const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** What is kept of both ends of a larger body: `model` stands at one of them, `usage` at the end. */
const EDGE_BYTES = 64 * 1024;
/** Places tried for `usage` at the end of a larger body. */
const MAX_TRIES = 8;
const MODEL = /"model"\s*:\s*"([^"\\]{1,128})"/;
const NOTHING: WholeAnswerFacts = {
  usage: null,
  model: null,
  finishReason: null,
  inBandError: null,
  whole: false,
};

export class JsonAnswer implements AnswerBody {
  readonly #reader: BodyReader;
  readonly #maxKeptBytes: number;
  readonly #carry = new Carry();
  /** The start of a body too large to keep; its end is in the carry. */
  #head: Buffer | null = null;
  #bytes = 0;

  constructor(
    reader: BodyReader,
    { maxKeptBytes = MAX_KEPT_BYTES }: { readonly maxKeptBytes?: number } = {},
  ) {
    this.#reader = reader;
    this.#maxKeptBytes = maxKeptBytes;
  }

  get contentBytes(): number {
    return this.#reader.generated ? this.#bytes : 0;
  }

  feed(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#carry.append(chunk);
    if (this.#carry.length <= this.#maxKeptBytes) return;
    const kept = this.#carry.take();
    this.#head ??= Buffer.from(kept.subarray(0, EDGE_BYTES));
    this.#carry.append(kept.subarray(-EDGE_BYTES));
  }

  finish(): WholeAnswerFacts {
    const text = this.#carry.take().toString("utf8");
    const head = this.#head;
    this.#head = null;
    if (head !== null) return this.#fromEdges(head.toString("utf8"), text);
    const answer = parsedObject(text);
    return answer === null ? NOTHING : { ...this.#reader.facts(answer), whole: true };
  }

  #fromEdges(head: string, tail: string): WholeAnswerFacts {
    const found = {
      model: (MODEL.exec(head) ?? MODEL.exec(tail))?.[1],
      usage: usageAtEnd(tail),
      ...this.#reader.edges(head, tail),
    };
    return { ...this.#reader.facts(found), whole: tail.trimEnd().endsWith("}") };
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

/** `model` of an answer or event, when it is there and not empty. */
export function modelOf(answer: Record<string, unknown>): string | null {
  return typeof answer.model === "string" && answer.model !== "" ? answer.model : null;
}

/** `usage` as a top-level member: from there to the end, with a brace before it, the text is an object. */
function usageAtEnd(tail: string): unknown {
  let at = tail.lastIndexOf('"usage"');
  for (let tries = 0; at !== -1 && tries < MAX_TRIES; tries++) {
    const rest = parsedObject(`{${tail.slice(at)}`);
    if (rest !== null) return rest.usage;
    at = at === 0 ? -1 : tail.lastIndexOf('"usage"', at - 1);
  }
  return null;
}
