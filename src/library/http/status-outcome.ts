// The outcome of a request, from the status that the service answered it with.
import { answered, failed, failedAsSent, type Outcome } from "../../event/outcomes.ts";

/** Statuses that have one meaning, whoever answers them. Of all others the service's own status stands. */
const OF_STATUS = {
  400: "invalid_request",
  401: "unauthorized",
  402: "insufficient_credit",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  413: "payload_too_large",
  429: "limit_exceeded",
  501: "not_supported",
  504: "timeout",
} as const;

/** `errorType`: the class of what was thrown, where that is known. */
export function outcomeOfStatus(status: number, errorType: string | null = null): Outcome {
  if (status < 400) return answered(status);
  const code = (OF_STATUS as { readonly [status: number]: (typeof OF_STATUS)[keyof typeof OF_STATUS] })[
    status
  ];
  return code === undefined ? failedAsSent("service_error", status, errorType) : failed(code, errorType);
}
