// One outcome for one event: status, status_code and error_code come from this table together and cannot be
// given apart. Sentences are Daybook's own; no text from upstream ever reaches an event.
import type { Status } from "./fields.ts";

interface OutcomeSpec {
  readonly status: Status;
  /** null: as sent by the provider or server; undefined: none. */
  readonly statusCode: number | null | undefined;
  readonly message: string;
}

/** error_code → what it means. A test keeps docs/reference/errors.md equal to it. */
// biome-ignore format: one failure, one line
export const FAILURES = {
  invalid_request: { status: "error", statusCode: 400, message: "The request is not valid." },
  malformed_http: { status: "error", statusCode: 400, message: "The request is not well-formed HTTP." },
  unauthorized: { status: "error", statusCode: 401, message: "No valid key was presented." },
  insufficient_credit: { status: "error", statusCode: 402, message: "The credit does not cover the request." },
  forbidden: { status: "error", statusCode: 403, message: "The key may not do this." },
  policy_denied: { status: "error", statusCode: 403, message: "A policy denied the request." },
  not_found: { status: "error", statusCode: 404, message: "There is no such path, model or server." },
  method_not_allowed: { status: "error", statusCode: 405, message: "The path does not answer this method." },
  conflict: { status: "error", statusCode: 409, message: "The request does not fit what there is now." },
  payload_too_large: { status: "error", statusCode: 413, message: "The request body is larger than the limit." },
  limit_exceeded: { status: "error", statusCode: 429, message: "A rate or concurrency limit was reached." },
  quota_exceeded: { status: "error", statusCode: 429, message: "A budget is used up." },
  client_disconnected: { status: "cancelled", statusCode: 499, message: "The client left before the answer was whole." },
  not_supported: { status: "error", statusCode: 501, message: "What serves the request cannot do this." },
  provider_error: { status: "error", statusCode: null, message: "The provider answered with an error." },
  provider_unreachable: { status: "error", statusCode: 502, message: "The provider refused, reset or could not be reached." },
  stream_interrupted: { status: "error", statusCode: 502, message: "The provider's answer broke or ended short." },
  timeout: { status: "timeout", statusCode: 504, message: "The time limit passed." },
  audit_unavailable: { status: "error", statusCode: 503, message: "The request could not be recorded in time." },
  shutting_down: { status: "error", statusCode: 503, message: "Daybook is shutting down." },
  overloaded: { status: "error", statusCode: 503, message: "Daybook is overloaded." },
  internal_error: { status: "error", statusCode: 500, message: "Daybook failed on this request." },
  configuration_error: { status: "error", statusCode: 500, message: "The configuration does not allow an answer." },
  invalid_configuration: { status: "error", statusCode: 500, message: "The configuration is not valid." },
  io_error: { status: "error", statusCode: 500, message: "A disk or network of Daybook's own failed." },
  infrastructure_error: { status: "error", statusCode: 500, message: "A part that Daybook relies on failed." },
  interrupted: { status: "error", statusCode: undefined, message: "Daybook stopped before the end was known." },
  service_error: { status: "error", statusCode: null, message: "The service answered with an error." },
  protocol_error: { status: "error", statusCode: null, message: "The server answered with a JSON-RPC error." },
  tool_error: { status: "error", statusCode: null, message: "The tool reported a failure." },
} as const satisfies Record<string, OutcomeSpec>;

export type ErrorCode = keyof typeof FAILURES;

/** Whether the failure is the client's to mend. */
export function isClientsFault(code: ErrorCode): boolean {
  const { statusCode } = FAILURES[code];
  return typeof statusCode === "number" && statusCode < 499;
}

type SentAsIs = { [C in ErrorCode]: (typeof FAILURES)[C]["statusCode"] extends null ? C : never }[ErrorCode];

/** How something ended. Only `answered`, `failed` and `failedAsSent` make one. */
export interface Outcome {
  readonly status: Status;
  readonly statusCode: number | null;
  readonly errorCode: ErrorCode | null;
  readonly errorType: string | null;
  readonly errorMessage: string | null;
}

const ERROR_TYPE = /^[A-Za-z0-9_.-]{1,64}$/;

/** The whole answer was handed over; `statusCode` as sent, or null where there is none. */
export function answered(statusCode: number | null = 200): Outcome {
  return { status: "success", statusCode, errorCode: null, errorType: null, errorMessage: null };
}

/** A failure whose status code the table gives. `errorType` is kept when it is a token. */
export function failed(errorCode: Exclude<ErrorCode, SentAsIs>, errorType: string | null = null): Outcome {
  return build(errorCode, FAILURES[errorCode].statusCode ?? null, errorType);
}

/** A failure whose status code is the provider's or server's own (100–599); null where it has none. */
export function failedAsSent(
  errorCode: SentAsIs,
  statusCode: number | null,
  errorType: string | null = null,
): Outcome {
  return build(errorCode, statusCode, errorType);
}

function build(errorCode: ErrorCode, statusCode: number | null, errorType: string | null): Outcome {
  const { status, message } = FAILURES[errorCode];
  const type = errorType !== null && ERROR_TYPE.test(errorType) ? errorType : null;
  return { status, statusCode, errorCode, errorType: type, errorMessage: message };
}
