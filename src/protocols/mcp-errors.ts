// Daybook's own answers in the shape that MCP clients expect: errors of JSON-RPC 2.0, with Daybook's code beside them.
import { type ErrorCode, FAILURES } from "../event/outcomes.ts";
import type { McpId } from "./mcp-messages.ts";

/** What is said of an error of ours. */
export interface McpError {
  readonly code: ErrorCode;
  readonly message?: string;
  readonly requestId: string;
  /** JSON-RPC's own code, where it has one. */
  readonly rpcCode?: number;
}

/** Of the range that JSON-RPC leaves to implementations; MCP gives it no meaning. */
const OURS = -32_000;
const INVALID_REQUEST = -32_600;
const INTERNAL = -32_603;
/** Headers do not say what the body says (2026-07-28, Server Validation). */
export const HEADER_MISMATCH = -32_020;

/** JSON text of the error that answers the request `id`; null: it is not known which. */
export function mcpErrorBody(id: McpId | null, { code, message, requestId, rpcCode }: McpError): string {
  const error = {
    code: rpcCode ?? rpcCodeOf(code),
    message: message ?? FAILURES[code].message,
    data: { code, request_id: requestId },
  };
  return `{"jsonrpc":"2.0","id":${id ?? "null"},"error":${JSON.stringify(error)}}`;
}

/**
 * The errors that answer `ids`: one alone, or those of a batch, behind `others`, which are answers already.
 */
export function mcpErrorBodies(
  ids: readonly McpId[],
  batch: boolean,
  error: McpError,
  others: readonly string[] = [],
): string {
  const [first = null] = ids;
  if (!batch) return mcpErrorBody(first, error);
  const answers = [...others, ...ids.map((id) => mcpErrorBody(id, error))];
  return answers.length === 0 ? mcpErrorBody(null, error) : `[${answers.join(",")}]`;
}

/** Answers as server-sent events, for a stream that has begun. */
export function mcpEvents(answers: readonly string[]): Buffer {
  return Buffer.from(answers.map((answer) => `event: message\ndata: ${answer}\n\n`).join(""));
}

function rpcCodeOf(code: ErrorCode): number {
  if (code === "invalid_request") return INVALID_REQUEST;
  return code === "internal_error" ? INTERNAL : OURS;
}
