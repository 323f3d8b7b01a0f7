// The bodies of Anthropic Messages and of its token counter.
import { type BodyReader, modelOf } from "./answer-body.ts";
import { inBandError } from "./provider-errors.ts";
import { anthropicCounts, anthropicUsage } from "./usage.ts";

const STOP_REASONS = new Set<unknown>([
  "end_turn",
  "max_tokens",
  "stop_sequence",
  "tool_use",
  "pause_turn",
  "refusal",
  "model_context_window_exceeded",
  "compaction",
]);

export const ANTHROPIC_BODY: BodyReader = {
  facts: (answer) => ({
    usage: anthropicUsage(anthropicCounts(answer.usage)),
    model: modelOf(answer),
    finishReason: knownStopReason(answer.stop_reason),
    inBandError: inBandError(answer),
  }),
  edges: (_head, tail) => {
    const reasons = [...tail.matchAll(/"stop_reason"\s*:\s*"([a-z_]{1,32})"/g)];
    return { stop_reason: reasons.at(-1)?.[1] };
  },
  generated: true,
};

/** `{"input_tokens": …}`: what a message would use. Nothing was used, so it is no usage. */
export const COUNT_BODY: BodyReader = {
  facts: (answer) => ({
    usage: null,
    model: null,
    finishReason: null,
    inBandError: inBandError(answer),
  }),
  edges: () => ({}),
  generated: false,
};

/** `reason` when it is one of the API's closed set. */
export function knownStopReason(reason: unknown): string | null {
  return STOP_REASONS.has(reason) ? (reason as string) : null;
}
