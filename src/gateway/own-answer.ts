// Answers of Daybook's own: errors in the client's dialect.
import { type ErrorCode, FAILURES, type failed } from "../event/outcomes.ts";
import type { ErrorFacts } from "../protocols/protocol.ts";

/** An error code that we answer ourselves. */
export type OwnFailure = Parameters<typeof failed>[0];

/** What more is to be said of a refusal. */
export interface RefusalDetail {
  readonly message?: string;
  readonly param?: string | null;
  readonly errorType?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OwnAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string;
}

export function jsonAnswer(status: number, body: string, more: Record<string, string> = {}): OwnAnswer {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...more };
  return { status, headers, body };
}

export function errorAnswer(
  code: ErrorCode,
  { message, param, headers }: RefusalDetail,
  requestId: string,
  errorBody: (error: ErrorFacts) => string,
): OwnAnswer {
  const body = errorBody({
    code,
    requestId,
    ...(message === undefined ? {} : { message }),
    ...(param === undefined ? {} : { param }),
  });
  const more: Record<string, string> = { ...headers };
  if (code === "unauthorized") more["www-authenticate"] = "Bearer";
  if (code === "shutting_down" || code === "audit_unavailable") more["retry-after"] = "1";
  return jsonAnswer(FAILURES[code].statusCode ?? 500, body, more);
}
