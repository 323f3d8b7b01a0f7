// What may be known of a provider's error: its type, code or status, when it is one of those listed here. Anything
// else in an error body is text from upstream, which can quote the request and its keys, and goes no further.
import { isObject } from "./json-members.ts";
import type { InBandError } from "./protocol.ts";

/** The words of each API, and of those that imitate it. */
const WORDS = {
  openai: `invalid_request_error authentication_error permission_error not_found_error rate_limit_error
    insufficient_quota server_error service_unavailable_error invalid_api_key account_deactivated billing_not_active
    billing_hard_limit_reached rate_limit_exceeded model_not_found context_length_exceeded string_above_max_length
    content_filter content_policy_violation invalid_prompt invalid_image missing_required_parameter unknown_parameter
    unsupported_parameter unsupported_value invalid_type invalid_value unsupported_country_region_territory
    invalid_image_format invalid_base64_image invalid_image_url image_too_large image_too_small image_parse_error
    image_content_policy_violation failed_to_download_image image_file_not_found vector_store_timeout
    previous_response_not_found invalid_function_parameters invalid_json_schema unsupported_model`,
  azure: `DeploymentNotFound ResponsibleAIPolicyViolation OperationNotSupported InvalidSubscriptionKey
    PermissionDenied NoCapacity InternalServerError`,
  anthropic: "billing_error request_too_large timeout_error api_error overloaded_error",
  google: `INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE UNAUTHENTICATED PERMISSION_DENIED NOT_FOUND ABORTED
    ALREADY_EXISTS RESOURCE_EXHAUSTED CANCELLED DATA_LOSS UNKNOWN INTERNAL UNIMPLEMENTED UNAVAILABLE
    DEADLINE_EXCEEDED`,
  mistral: `invalid_model invalid_request_message_order invalid_request_invalid_args rate_limited
    service_tier_capacity_exceeded unreachable_backend internal_server_error`,
  groq: "tool_use_failed json_validate_failed model_decommissioned request_too_large blocked_api_access",
  together: "credit_limit model_not_available model_rate_limit dynamic_request_limited model_loading_failed",
  vllm: "BadRequestError NotFoundError UnprocessableEntityError InternalServerError NotImplementedError",
  llamaCpp: "exceed_context_size_error unavailable_error not_supported_error",
  textGenerationInference: "validation overloaded generation incomplete_generation",
};

const KNOWN = new Set<unknown>(Object.values(WORDS).flatMap((words) => words.split(/\s+/)));

/** What a numeric code means that stands where others write a word. */
const BY_NUMBER: Readonly<Record<string, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  413: "request_too_large",
  422: "invalid_request_error",
  429: "rate_limit_error",
  500: "server_error",
  502: "service_unavailable_error",
  503: "service_unavailable_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Says only that the request was wrong; a known code says how. */
const CATCH_ALL = "invalid_request_error";
const MEMBER = /"(?:type|code|status)"\s*:\s*"([A-Za-z_]{1,64})"/g;

/** Type of the error in an answer's body, whole or its start: a known word, else null. */
export function errorTypeOf(body: Buffer): string | null {
  const text = body.toString("utf8");
  try {
    return knownErrorType(JSON.parse(text));
  } catch {
    return wordIn(text);
  }
}

/**
 * The known type of the error in `body`, its known code when the type is unknown or says less, else what its status
 * or number means, else null. The error is the `error` member as OpenAI, Anthropic and most others write it, the
 * first of Gemini's list, or the body itself (Mistral, older vLLM).
 */
export function knownErrorType(body: unknown): string | null {
  const outer: unknown = Array.isArray(body) ? body[0] : body;
  if (!isObject(outer)) return null;
  const error = isObject(outer.error) ? outer.error : outer;
  const type = known(error.type) ?? known(outer.error_type);
  const finer = type === null || type === CATCH_ALL;
  const { metadata } = error;
  return (
    (finer ? known(error.code) : null) ??
    type ??
    known(error.status) ??
    (isObject(metadata) ? known(metadata.error_type) : null) ??
    byNumber(error.code) ??
    byNumber(error.statusCode)
  );
}

/** The error that `value`, an answer or an event of one, carries or is, or null. */
export function inBandError(value: Record<string, unknown>): InBandError | null {
  return value.error || value.object === "error" ? { type: knownErrorType(value) } : null;
}

/** Of a body that is no JSON, or cut: quotes within its text are escaped, so what is found is a member. */
function wordIn(text: string): string | null {
  let catchAll: string | null = null;
  for (const [, word] of text.matchAll(MEMBER)) {
    if (known(word) === null) continue;
    if (word !== CATCH_ALL) return word ?? null;
    catchAll = word;
  }
  return catchAll;
}

function known(word: unknown): string | null {
  return KNOWN.has(word) ? (word as string) : null;
}

function byNumber(code: unknown): string | null {
  if (typeof code !== "number" && typeof code !== "string") return null;
  return Object.hasOwn(BY_NUMBER, code) ? (BY_NUMBER[code] ?? null) : null;
}
