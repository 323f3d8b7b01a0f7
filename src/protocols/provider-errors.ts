// What may be known of a provider's error: its type or code, when it is one of those listed here. Anything else in
// an error body is text from upstream, which can quote the request, and goes no further.
import { isObject } from "./json-members.ts";
import type { InBandError } from "./protocol.ts";

const KNOWN = new Set([
  // OpenAI: types
  "invalid_request_error",
  "authentication_error",
  "permission_error",
  "not_found_error",
  "rate_limit_error",
  "insufficient_quota",
  "server_error",
  "service_unavailable_error",
  // OpenAI: codes
  "invalid_api_key",
  "account_deactivated",
  "billing_not_active",
  "billing_hard_limit_reached",
  "rate_limit_exceeded",
  "model_not_found",
  "context_length_exceeded",
  "string_above_max_length",
  "content_filter",
  "content_policy_violation",
  "invalid_prompt",
  "invalid_image",
  "missing_required_parameter",
  "unknown_parameter",
  "unsupported_parameter",
  "unsupported_value",
  "invalid_type",
  "invalid_value",
  "unsupported_country_region_territory",
  // Anthropic: types
  "billing_error",
  "request_too_large",
  "timeout_error",
  "api_error",
  "overloaded_error",
  // llama.cpp: types
  "exceed_context_size_error",
  "unavailable_error",
  "not_supported_error",
]);

/** Says only that the request was wrong; a known code says how. */
const CATCH_ALL = "invalid_request_error";

/**
 * The known type of the error in `body` (`{"error": {"type", "code"}}`, as OpenAI, Anthropic and most others write
 * it), its known code when the type is unknown or says less, else null.
 */
export function knownErrorType(body: unknown): string | null {
  if (!isObject(body) || !isObject(body.error)) return null;
  const type = known(body.error.type);
  return type === null || type === CATCH_ALL ? (known(body.error.code) ?? type) : type;
}

/** The same of a body's bytes. */
export function errorTypeOf(body: Buffer): string | null {
  try {
    return knownErrorType(JSON.parse(body.toString("utf8")));
  } catch {
    return null;
  }
}

/** The error that `value`, an answer or an event of one, carries as its `error` member, or null. */
export function inBandError(value: Record<string, unknown>): InBandError | null {
  return value.error ? { type: knownErrorType(value) } : null;
}

function known(word: unknown): string | null {
  return typeof word === "string" && KNOWN.has(word) ? word : null;
}
