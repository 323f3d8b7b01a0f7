// How the API says no: one Refusal for every reason, its body as RFC 9457 problem details. Whatever else is
// thrown is our own fault, and nothing of it reaches the client.
import * as z from "zod";
import { DaybookError, type DaybookErrorCode } from "../event/errors.ts";
import type { Facts } from "../event/fields.ts";
import { type ErrorCode, FAILURES, failed, type Outcome } from "../event/outcomes.ts";

type RefusalCode = Parameters<typeof failed>[0];
type Headers = Readonly<Record<string, string>>;

/** Ends a request. `detail` is for the client: one of Daybook's own sentences about this request. */
export class Refusal extends Error {
  readonly outcome: Outcome;
  readonly detail: string | null;
  readonly headers: Headers;
  /** For the event. */
  readonly facts: Facts;

  constructor(
    code: RefusalCode,
    given: { detail?: string; errorType?: string; headers?: Headers; facts?: Facts } = {},
  ) {
    super(given.detail ?? FAILURES[code].message);
    this.outcome = failed(code, given.errorType ?? null);
    this.detail = given.detail ?? null;
    this.headers = given.headers ?? {};
    this.facts = given.facts ?? {};
  }
}

/** What is wrong with the request, and may be said as it is. */
const OF_THE_QUESTION: { readonly [code in DaybookErrorCode]?: RefusalCode } = {
  bad_query: "invalid_request",
  bad_cursor: "invalid_request",
  bad_argument: "invalid_request",
  bad_event: "invalid_request",
  content_refused: "invalid_request",
  weak_secret: "invalid_request",
  weak_password: "invalid_request",
  unknown_entity: "not_found",
  conflict: "conflict",
};
/** Failures of ours that the outcome table has a finer word for than internal_error. */
const OF_OURS: { readonly [code in DaybookErrorCode]?: RefusalCode } = {
  store_unusable: "infrastructure_error",
  newer_version: "infrastructure_error",
  worker_failed: "infrastructure_error",
  audit_unavailable: "audit_unavailable",
  recorder_closed: "shutting_down",
  overloaded: "overloaded",
};
/** What Fastify refuses of a request by itself. */
const OF_THE_REQUEST: Readonly<Record<number, RefusalCode>> = {
  400: "invalid_request",
  413: "payload_too_large",
  415: "invalid_request",
};

/** The refusal that `error` amounts to; `fault`: it is ours, and its text must not leave the house. */
export function refusalOf(error: unknown): { readonly refusal: Refusal; readonly fault: boolean } {
  if (error instanceof Refusal) return { refusal: error, fault: false };
  if (error instanceof DaybookError) {
    const code = OF_THE_QUESTION[error.code];
    if (code !== undefined) {
      // The remedy of bad_argument is the command line's.
      const detail = error.code === "bad_argument" ? error.detail : error.message;
      return { refusal: new Refusal(code, { detail, errorType: error.code }), fault: false };
    }
    return {
      refusal: new Refusal(OF_OURS[error.code] ?? "internal_error", { errorType: error.code }),
      fault: true,
    };
  }
  const code = isFrameworkError(error) ? OF_THE_REQUEST[error.statusCode] : undefined;
  return { refusal: new Refusal(code ?? "internal_error"), fault: code === undefined };
}

function isFrameworkError(error: unknown): error is { code: string; statusCode: number } {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  return typeof code === "string" && code.startsWith("FST_") && typeof statusCode === "number";
}

/** RFC 9457, section 3.1, with two extension members. */
export const PROBLEM = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  instance: z.string().describe("Where the event of this occurrence is, or the path when it leaves none."),
  code: z.enum(Object.keys(FAILURES) as ErrorCode[]),
  request_id: z.string(),
});

export function problemOf(
  { outcome, detail }: Refusal,
  instance: string,
  requestId: string,
): z.output<typeof PROBLEM> {
  const code = outcome.errorCode ?? "internal_error";
  const title = FAILURES[code].message;
  return {
    type: `urn:daybook:error:${code}`,
    title,
    status: outcome.statusCode ?? 500,
    detail: detail ?? title,
    instance,
    code,
    request_id: requestId,
  };
}
