// Daybook's own errors in the shape that OpenAI clients expect.
import { type ErrorCode, FAILURES } from "../event/outcomes.ts";
import type { ErrorFacts } from "./protocol.ts";

/** OpenAI's error type for each failure that is the client's to mend; all others are `server_error`. */
const TYPES: { readonly [C in ErrorCode]?: string } = {
  invalid_request: "invalid_request_error",
  malformed_http: "invalid_request_error",
  unauthorized: "authentication_error",
  insufficient_credit: "insufficient_quota",
  forbidden: "permission_error",
  policy_denied: "permission_error",
  not_found: "invalid_request_error",
  method_not_allowed: "invalid_request_error",
  payload_too_large: "invalid_request_error",
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

export function openaiErrorType(code: ErrorCode): string {
  return TYPES[code] ?? "server_error";
}
