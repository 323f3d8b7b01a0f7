// The response object of OpenAI responses, as a body and within the events of a stream.
import { type BodyReader, modelOf } from "./answer-body.ts";
import { isObject } from "./json-members.ts";
import { inBandError } from "./provider-errors.ts";
import { responsesUsage } from "./usage.ts";

const INCOMPLETE_REASONS = new Set<unknown>(["max_output_tokens", "content_filter"]);
const COMPLETED = /"status"\s*:\s*"completed"/;
const INCOMPLETE = /"incomplete_details"\s*:\s*\{\s*"reason"\s*:\s*"([a-z_]{1,32})"/;

export const RESPONSES_BODY: BodyReader = {
  facts: (response) => ({
    usage: responsesUsage(response.usage),
    model: modelOf(response),
    finishReason: finishReasonOf(response),
    inBandError: inBandError(response) ?? (response.status === "failed" ? { type: null } : null),
  }),
  edges: (head, tail) => {
    const reason = (INCOMPLETE.exec(head) ?? INCOMPLETE.exec(tail))?.[1];
    if (reason !== undefined) return { status: "incomplete", incomplete_details: { reason } };
    return COMPLETED.test(head) || COMPLETED.test(tail) ? { status: "completed" } : {};
  },
  generated: true,
};

/** Why it is incomplete, else its status when that is final. */
function finishReasonOf({ status, incomplete_details: details }: Record<string, unknown>): string | null {
  switch (status) {
    case "completed":
    case "failed":
    case "cancelled":
      return status;
    case "incomplete": {
      const reason = isObject(details) ? details.reason : null;
      return INCOMPLETE_REASONS.has(reason) ? (reason as string) : status;
    }
    default:
      return null;
  }
}
