// Answers that come as one JSON body, whatever the protocol: kept up to a limit and parsed once at the end; of a
// larger one, both ends are kept. The body itself passes by unchanged.
import { isObject, valueText } from "./json-members.ts";
import type { AnswerBody, AnswerFacts, WholeAnswerFacts } from "./protocol.ts";
import { TextEdges } from "./text-edges.ts";

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
  readonly #edges: TextEdges;
  #bytes = 0;

  constructor(
    reader: BodyReader,
    { maxKeptBytes = MAX_KEPT_BYTES }: { readonly maxKeptBytes?: number } = {},
  ) {
    this.#reader = reader;
    this.#edges = new TextEdges(maxKeptBytes);
  }

  get contentBytes(): number {
    return this.#reader.generated ? this.#bytes : 0;
  }

  feed(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#edges.append(chunk);
  }

  finish(): WholeAnswerFacts {
    const { head, tail, whole } = this.#edges.take();
    if (!whole) return this.#fromEdges(head, tail);
    const answer = parsedObject(tail);
    return answer === null ? NOTHING : { ...this.#reader.facts(answer), whole: true };
  }

  #fromEdges(head: string, tail: string): WholeAnswerFacts {
    const found = {
      model: modelIn(head) ?? modelIn(tail),
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

/** The first `model` in a part of an answer. */
export function modelIn(text: string): string | undefined {
  return MODEL.exec(text)?.[1];
}

/** The last member `quotedKey` in a part of an answer whose value is a whole object, wherever it stands. */
export function lastObject(text: string, quotedKey: string): Record<string, unknown> | null {
  let at = text.lastIndexOf(quotedKey);
  for (let tries = 0; at !== -1 && tries < MAX_TRIES; tries++) {
    const value = parsedObject(valueText(text, at + quotedKey.length));
    if (value !== null) return value;
    at = at === 0 ? -1 : text.lastIndexOf(quotedKey, at - 1);
  }
  return null;
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
