// The events of OpenAI responses. The last one restates the whole response, with its usage, and is the terminator:
// `response.completed`, `response.incomplete` or `response.failed`. It may be too large to keep (it repeats pictures
// too), and then tells what stands at its ends.
import { lastObject, modelIn, parsedObject } from "./answer-body.ts";
import type { EventReader } from "./answer-stream.ts";
import { contentBytes } from "./content-bytes.ts";
import { isObject } from "./json-members.ts";
import { RESPONSES_BODY } from "./openai-responses-answer.ts";
import type { AnswerFacts } from "./protocol.ts";
import { inBandError, knownErrorType } from "./provider-errors.ts";
import { eventData } from "./sse.ts";

/** Within content, quotes are escaped. */
const TELLING = /"type"\s*:\s*"(response\.(?:created|completed|incomplete|failed|cancelled)|error)"/;
const TERMINATORS = new Set<unknown>([
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.cancelled",
]);
const CONTENT = '.delta"';

export class ResponsesEvents implements EventReader {
  #facts: AnswerFacts = { usage: null, model: null, finishReason: null, inBandError: null };
  /** Only the terminator tells how a response ended, so nothing before it makes a clean end whole. */
  readonly finished = false;
  contentBytes = 0;

  get facts(): AnswerFacts {
    return this.#facts;
  }

  read(event: Buffer): "pass" | "end" {
    const text = event.toString("latin1");
    if (!TELLING.test(text)) {
      if (text.includes(CONTENT)) this.contentBytes += contentBytes(text);
      return "pass";
    }
    const data = parsedObject(eventData(event) ?? "");
    if (data?.type === "error") {
      const inBand = inBandError(data) ?? { type: knownErrorType({ error: data }) };
      this.#facts = { ...this.#facts, inBandError: this.#facts.inBandError ?? inBand };
      return "pass";
    }
    if (data?.type === "response.created" || TERMINATORS.has(data?.type)) {
      if (isObject(data?.response)) this.#take(data.response);
      return TERMINATORS.has(data?.type) ? "end" : "pass";
    }
    return "pass";
  }

  readLarge(head: string, tail: string): "pass" | "end" {
    const type = (TELLING.exec(head) ?? TELLING.exec(tail))?.[1];
    if (!TERMINATORS.has(type)) return "pass";
    this.#take({
      model: modelIn(head),
      usage: lastObject(tail, '"usage"'),
      ...(type === "response.failed" ? { status: "failed" } : RESPONSES_BODY.edges(head, tail)),
    });
    return "end";
  }

  #take(response: Record<string, unknown>): void {
    const { usage, model, finishReason, inBandError } = RESPONSES_BODY.facts(response);
    this.#facts = {
      usage: usage ?? this.#facts.usage,
      model: this.#facts.model ?? model,
      finishReason: finishReason ?? this.#facts.finishReason,
      inBandError: this.#facts.inBandError ?? inBandError,
    };
  }
}
