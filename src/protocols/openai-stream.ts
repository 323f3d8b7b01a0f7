// The events of OpenAI chat completions and legacy completions. Most hold nothing but content: an event is parsed
// only when it can hold a fact, all others are measured and pass by.
import { modelOf, parsedObject } from "./answer-body.ts";
import type { EventReader } from "./answer-stream.ts";
import { contentBytes } from "./content-bytes.ts";
import { isObject } from "./json-members.ts";
import { finishReasonOf, knownFinishReason } from "./openai-answer.ts";
import type { AnswerFacts } from "./protocol.ts";
import { inBandError } from "./provider-errors.ts";
import { eventData } from "./sse.ts";
import { largerUsage, openaiUsage } from "./usage.ts";

/** A member with something in it: most chunks say `"usage":null` and `"finish_reason":null`. */
const FACT = /"(?:usage|finish_reason|error)"\s*:(?!\s*null)|"object"\s*:\s*"error"|\[DONE\]/;
const MODEL = /"model"\s*:/;
const TERMINATOR = "[DONE]";

export class OpenaiEvents implements EventReader {
  readonly #stripUsage: boolean;
  readonly #facts: { -readonly [F in keyof AnswerFacts]: AnswerFacts[F] } = {
    usage: null,
    model: null,
    finishReason: null,
    inBandError: null,
  };
  finished = false;
  contentBytes = 0;

  /** `stripUsage`: Daybook asked for usage and the client did not, so the chunk that only carries it is left out. */
  constructor({ stripUsage }: { readonly stripUsage: boolean }) {
    this.#stripUsage = stripUsage;
  }

  get facts(): AnswerFacts {
    return this.#facts;
  }

  read(event: Buffer): "pass" | "drop" | "end" {
    const text = event.toString("latin1");
    this.contentBytes += contentBytes(text);
    if (!FACT.test(text) && (this.#facts.model !== null || !MODEL.test(text))) return "pass";
    const data = eventData(event);
    if (data === null) return "pass";
    if (data.trim() === TERMINATOR) return "end";
    const chunk = parsedObject(data);
    if (chunk === null) return "pass";
    const facts = this.#facts;
    const reason = finishReasonOf(chunk);
    this.finished ||= reason !== null;
    facts.model ??= modelOf(chunk);
    facts.finishReason = knownFinishReason(reason) ?? facts.finishReason;
    facts.inBandError ??= inBandError(chunk);
    facts.usage = largerUsage(facts.usage, openaiUsage(chunk.usage));
    const onlyUsage = isObject(chunk.usage) && Array.isArray(chunk.choices) && chunk.choices.length === 0;
    return this.#stripUsage && onlyUsage ? "drop" : "pass";
  }
}
