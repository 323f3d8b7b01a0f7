// The events of Anthropic Messages. The prompt's usage comes first, the completion's last; what lies between is
// content, pings and blocks, and passes by unparsed. Each event says its type, which is looked for in its bytes:
// within content, quotes are escaped.
import { modelOf, parsedObject } from "./answer-body.ts";
import type { EventReader } from "./answer-stream.ts";
import { knownStopReason } from "./anthropic-answer.ts";
import { contentBytes } from "./content-bytes.ts";
import { isObject } from "./json-members.ts";
import type { AnswerFacts } from "./protocol.ts";
import { inBandError } from "./provider-errors.ts";
import { eventData } from "./sse.ts";
import { anthropicCounts, anthropicUsage, largerCounts } from "./usage.ts";

const TELLING = /"type"\s*:\s*"(?:message_(?:start|delta|stop)|error)"/;
const CONTENT = "content_block_delta";

export class AnthropicEvents implements EventReader {
  readonly #facts: { -readonly [F in keyof AnswerFacts]: AnswerFacts[F] } = {
    usage: null,
    model: null,
    finishReason: null,
    inBandError: null,
  };
  #counts = anthropicCounts(null);
  /** `message_start` counts the output too, before there is any. It stands only if nothing later does. */
  #firstOutput: number | null = null;
  finished = false;
  contentBytes = 0;

  get facts(): AnswerFacts {
    return this.#facts;
  }

  read(event: Buffer): "pass" | "drop" | "end" {
    const text = event.toString("latin1");
    if (!TELLING.test(text)) {
      if (text.includes(CONTENT)) this.contentBytes += contentBytes(text);
      return "pass";
    }
    const data = parsedObject(eventData(event) ?? "");
    switch (data?.type) {
      case "message_start":
        if (isObject(data.message)) this.#start(data.message);
        break;
      case "message_delta":
        this.#delta(data);
        break;
      case "message_stop":
        this.#counts = { ...this.#counts, output: this.#counts.output ?? this.#firstOutput };
        this.#facts.usage = anthropicUsage(this.#counts);
        return "end";
      case "error":
        this.#facts.inBandError ??= inBandError(data) ?? { type: null };
    }
    return "pass";
  }

  #start(message: Record<string, unknown>): void {
    const counts = anthropicCounts(message.usage);
    this.#firstOutput = counts.output;
    this.#counts = largerCounts(this.#counts, { ...counts, output: null });
    this.#facts.usage = anthropicUsage(this.#counts);
    this.#facts.model ??= modelOf(message);
  }

  #delta({ delta, usage }: Record<string, unknown>): void {
    const reason = isObject(delta) ? delta.stop_reason : null;
    this.finished ||= typeof reason === "string" && reason !== "";
    this.#facts.finishReason = knownStopReason(reason) ?? this.#facts.finishReason;
    this.#counts = largerCounts(this.#counts, anthropicCounts(usage));
    this.#facts.usage = anthropicUsage(this.#counts);
  }
}
