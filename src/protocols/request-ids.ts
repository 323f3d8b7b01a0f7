// The ids that a client sends along, taken only when they are ids: they go into events, headers and logs.

/** A header as node:http gives it. */
export type HeaderValue = string | readonly string[] | undefined;

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** Daybook's own secrets and most providers'. */
const SECRET = /(?:db[kts]_|(?<![A-Za-z0-9])sk-)[A-Za-z0-9_-]{20}/;
/** version 00 - trace-id - parent-id - flags */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const ZEROS = /^0+$/;
/** Where clients say which session a request belongs to: any of them, Claude Code, Codex. */
const SESSION_HEADERS = ["x-session-id", "x-claude-code-session-id", "session-id", "session_id"] as const;

/** The id in `header` when it is 1–128 of `[A-Za-z0-9._-]` and does not look like a secret, else null. */
export function requestIdFrom(header: HeaderValue): string | null {
  return typeof header === "string" && REQUEST_ID.test(header) && !SECRET.test(header) ? header : null;
}

/**
 * The trace id: of a valid `traceparent` (W3C Trace Context, section 3.2: version 00, neither trace-id nor
 * parent-id all zeros) the 32 hex digits, else `x-trace-id` when it fits the pattern of request ids, else null.
 */
export function traceFrom(traceparent: HeaderValue, xTraceId: HeaderValue): string | null {
  const [, traceId, parentId] = (typeof traceparent === "string" && TRACEPARENT.exec(traceparent)) || [];
  if (traceId !== undefined && parentId !== undefined && !ZEROS.test(traceId) && !ZEROS.test(parentId))
    return traceId;
  return requestIdFrom(xTraceId);
}

/** The session that the client says the request is of, when it is an id as request ids are, else null. */
export function sessionFrom(headers: Readonly<Record<string, HeaderValue>>): string | null {
  for (const name of SESSION_HEADERS) {
    const id = requestIdFrom(headers[name]);
    if (id !== null) return id;
  }
  return null;
}
