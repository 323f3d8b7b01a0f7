// What passes between a client and an MCP server: all end-to-end headers but those that are Daybook's own business, so
// that both see what they would without it; and what a stateless version's headers must repeat of the body.
import type { IncomingHttpHeaders } from "node:http";
import type { McpBody } from "../../protocols/mcp-messages.ts";
import { isStateless } from "../../protocols/mcp-methods.ts";

/** Of one connection (RFC 9110 section 7.6.1), or of the way here. */
const HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Names and secrets that are for Daybook alone, and what is set anew. */
const OURS_UP = new Set(["host", "x-api-key", "cookie", "expect", "accept-encoding", "content-length"]);
/** A server's cookies would be the whole of Daybook's origin's. */
const OURS_DOWN = new Set(["set-cookie", "x-request-id", "x-trace-id", "date"]);
const LIMIT = /^x-ratelimit-/;

/**
 * Headers for the server. `keyHeader`: the one that the client's key came in. An `Authorization` that is not the
 * client's key is the server's.
 */
export function headersUp(
  client: IncomingHttpHeaders,
  keyHeader: "authorization" | "x-api-key",
  own: Readonly<Record<string, string>>,
): Record<string, string | string[]> {
  const named = namedIn(client.connection);
  const headers: Record<string, string | string[]> = {};
  for (const name in client) {
    const value = client[name];
    if (value === undefined || HOP.has(name) || OURS_UP.has(name) || named.has(name)) continue;
    if (name === keyHeader || (name === "authorization" && isOurs(value, client["x-api-key"]))) continue;
    headers[name] = value;
  }
  headers["accept-encoding"] = "identity";
  return Object.assign(headers, own);
}

/** Some clients show their key in both headers; and a key or token of Daybook's is for no server. */
function isOurs(authorization: string | string[], key: string | string[] | undefined): boolean {
  const value = String(authorization);
  return /\bdb[kts]_/.test(value) || (typeof key === "string" && value.includes(key));
}

/** The server's headers for the client. */
export function headersDown(
  server: IncomingHttpHeaders,
  { ownLimits, whole }: { readonly ownLimits: boolean; readonly whole: boolean },
): Record<string, string | string[]> {
  const named = namedIn(server.connection);
  const headers: Record<string, string | string[]> = {};
  for (const name in server) {
    const value = server[name];
    if (value === undefined || HOP.has(name) || OURS_DOWN.has(name) || named.has(name)) continue;
    if (name === "content-length" && !whole) continue;
    if (!ownLimits || !LIMIT.test(name)) headers[name] = value;
  }
  return headers;
}

function namedIn(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? "").toLowerCase().split(/\s*,\s*/));
}

/**
 * Where the headers do not say what the body says (2026-07-28, Server Validation), or null. Who reads the headers
 * alone, a balancer say, must be able to rely on them. The body tells the version, and older ones require none.
 */
export function headerProblem(headers: IncomingHttpHeaders, { batch, messages }: McpBody): string | null {
  const claimed = messages.filter((message) => message.is !== "response" && message.version !== null);
  const [message] = claimed;
  if (message === undefined || message.is === "response") return null;
  if (batch) {
    const isNew = claimed.some((each) => each.is !== "response" && isStateless(each.version));
    return isNew ? "This version of MCP has no batches." : null;
  }
  const said = textOf(headers["mcp-protocol-version"]);
  if (said !== null && said !== message.version) return "MCP-Protocol-Version is not what the body says.";
  if (!isStateless(message.version)) return null;
  const method = textOf(headers["mcp-method"]);
  if (method !== null && method !== message.method) return "Mcp-Method is not what the body says.";
  if (message.is === "notification") return null;
  if (said === null) return "MCP-Protocol-Version is missing.";
  if (method === null) return "Mcp-Method is missing.";
  const { mirrored } = message;
  const name = textOf(headers["mcp-name"]);
  if (mirrored === null) return null;
  if (name === null) return "Mcp-Name is missing.";
  return decoded(name) === mirrored ? null : "Mcp-Name is not what the body says.";
}

/** Value Encoding: what is no plain ASCII stands in base64 between two marks. */
function decoded(value: string): string | null {
  const [, encoded] = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value) ?? [];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.toString("base64") === encoded ? bytes.toString("utf8") : null;
}

function textOf(value: string | string[] | undefined): string | null {
  return typeof value === "string" ? value.trim() : null;
}
