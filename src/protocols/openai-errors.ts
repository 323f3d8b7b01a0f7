// Daybook's own errors in the shape that OpenAI clients expect.
import { type ErrorCode, FAILURES, isClientsFault } from "../event/outcomes.ts";
import type { ErrorFacts } from "./protocol.ts";

/** OpenAI's error type for the failures that have one of their own. */
const TYPES: { readonly [C in ErrorCode]?: string } = {
  unauthorized: "authentication_error",
  insufficient_credit: "insufficient_quota",
  forbidden: "permission_error",
  policy_denied: "permission_error",
  limit_exceeded: "rate_limit_error",
  quota_exceeded: "insufficient_quota",
};

/** JSON text of the error's body. `type` follows from the code, so the two cannot contradict each other. */
export function errorBody({
  code,
  message = FAILURES[code].message,
  param = null,
  requestId,
}: ErrorFacts): string {
  const type = openaiErrorType(code);
  return JSON.stringify({ error: { message, type, param, code }, request_id: requestId });
}

/** The same as a server-sent event, for a stream that has begun. No terminator follows it. */
export function errorEvent(error: ErrorFacts): string {
  return `data: ${errorBody(error)}\n\n`;
}

/** The same in a stream of OpenAI responses, whose error event has its members beside its type too. */
export function responsesErrorEvent(error: ErrorFacts): string {
  const body = JSON.parse(errorBody(error)) as { error: Record<string, unknown> };
  const { message, param, code } = body.error;
  return `event: error\ndata: ${JSON.stringify({ type: "error", code, message, param, ...body })}\n\n`;
}

export function openaiErrorType(code: ErrorCode): string {
  return TYPES[code] ?? (isClientsFault(code) ? "invalid_request_error" : "server_error");
}
