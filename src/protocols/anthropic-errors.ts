// Daybook's own errors in the shape that Anthropic clients expect.
import { type ErrorCode, FAILURES, isClientsFault } from "../event/outcomes.ts";
import type { ErrorFacts } from "./protocol.ts";

/** Anthropic's error type for the failures that have one of their own. */
const TYPES: { readonly [C in ErrorCode]?: string } = {
  unauthorized: "authentication_error",
  insufficient_credit: "billing_error",
  forbidden: "permission_error",
  policy_denied: "permission_error",
  not_found: "not_found_error",
  payload_too_large: "request_too_large",
  limit_exceeded: "rate_limit_error",
  quota_exceeded: "rate_limit_error",
  timeout: "timeout_error",
  overloaded: "overloaded_error",
  shutting_down: "overloaded_error",
};

/** JSON text of the error's body: Anthropic's, and Daybook's own code beside the type. */
export function anthropicErrorBody({
  code,
  message = FAILURES[code].message,
  requestId,
}: ErrorFacts): string {
  const type = TYPES[code] ?? (isClientsFault(code) ? "invalid_request_error" : "api_error");
  return JSON.stringify({ type: "error", error: { type, message, code }, request_id: requestId });
}

/** The same as a server-sent event, for a stream that has begun. No terminator follows it. */
export function anthropicErrorEvent(error: ErrorFacts): string {
  return `event: error\ndata: ${anthropicErrorBody(error)}\n\n`;
}
