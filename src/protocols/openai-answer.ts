// The bodies of OpenAI chat completions and legacy completions.
import { type BodyReader, modelOf } from "./answer-body.ts";
import { isObject } from "./json-members.ts";
import { inBandError } from "./provider-errors.ts";
import { openaiUsage } from "./usage.ts";

/** OpenAI's own and those of providers that imitate it: DeepSeek, Mistral, OpenRouter, Together, vLLM. */
const FINISH_REASONS = new Set([
  "stop",
  "length",
  "tool_calls",
  "content_filter",
  "function_call",
  "insufficient_system_resource",
  "model_length",
  "error",
  "eos",
  "abort",
]);

export const OPENAI_BODY: BodyReader = {
  facts: (answer) => ({
    usage: openaiUsage(answer.usage),
    model: modelOf(answer),
    finishReason: knownFinishReason(finishReasonOf(answer)),
    inBandError: inBandError(answer),
  }),
  edges: (_head, tail) => {
    const reasons = [...tail.matchAll(/"finish_reason"\s*:\s*"([a-z_]{1,32})"/g)];
    return { choices: [{ finish_reason: reasons.at(-1)?.[1] }] };
  },
  generated: true,
};

/** `finish_reason` of the first choice that has one, raw. */
export function finishReasonOf(answer: Record<string, unknown>): string | null {
  if (!Array.isArray(answer.choices)) return null;
  for (const choice of answer.choices as unknown[]) {
    const reason = isObject(choice) ? choice.finish_reason : null;
    if (typeof reason === "string" && reason !== "") return reason;
  }
  return null;
}

/** `reason` when it is one of the closed set. */
export function knownFinishReason(reason: string | null): string | null {
  return reason !== null && FINISH_REASONS.has(reason) ? reason : null;
}
