// Bytes on the wire and what may pass between client and provider.

import type { IncomingHttpHeaders } from "node:http";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Dialect } from "../protocols/protocol.ts";

/** What of a provider's answer a client may see: what describes it, and what says how to go on. */
const PASSED_DOWN =
  /^(?:content-(?:type|encoding|language|disposition|range)|accept-ranges|cache-control|retry-after|retry-after-ms|x-should-retry|x-ratelimit-.*|anthropic-ratelimit-.*|openai-(?:processing-ms|version|model)|x-daybook-simulated)$/;
const LIMIT = /^(?:x|anthropic)-ratelimit-/;
/** What became of names before: there are few, and each answer has the same ones again. */
const passedDown = new Map<string, boolean>();
const MAX_NAMES = 500;

function isPassedDown(name: string): boolean {
  const known = passedDown.get(name);
  if (known !== undefined) return known;
  const passes = PASSED_DOWN.test(name);
  if (passedDown.size < MAX_NAMES) passedDown.set(name, passes);
  return passes;
}

/** The client's headers that a provider may see beside those that the gateway sets. */
const PASSED_UP = [
  "accept",
  "openai-beta",
  "anthropic-version",
  "anthropic-beta",
  "idempotency-key",
  "traceparent",
  "tracestate",
] as const;

/** What a provider of Anthropic's dialect is told when the client does not say which version it speaks. */
const ANTHROPIC_VERSION = "2023-06-01";

/** `own`, the provider's key among them, goes over what the client sent. */
export function upstreamHeaders(
  client: IncomingHttpHeaders,
  dialect: Dialect,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (dialect === "anthropic") headers["anthropic-version"] = ANTHROPIC_VERSION;
  for (const name of PASSED_UP) {
    const value = client[name];
    if (typeof value === "string") headers[name] = value;
  }
  headers["content-type"] = "application/json";
  headers["accept-encoding"] = "identity";
  headers["user-agent"] = "daybook";
  return Object.assign(headers, own);
}

/** What describes a body that nobody here looks into. */
const PASSED_BODY = ["content-type", "content-encoding", "content-length", "range", "if-none-match"] as const;

/** The same for a request that is passed through, whose body stays the client's. */
export function passedHeaders(
  client: IncomingHttpHeaders,
  dialect: Dialect,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers = upstreamHeaders(client, dialect, own);
  delete headers["content-type"];
  for (const name of PASSED_BODY) {
    const value = client[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

export interface PassedDown {
  /** The body passes as it is: its Content-Length too. */
  readonly unchanged: boolean;
  /** The answer tells of our own limits, and so of no others. */
  readonly ownLimits: boolean;
}

/** The provider's headers for the client. */
export function clientHeaders(
  upstream: IncomingHttpHeaders,
  { unchanged, ownLimits }: PassedDown,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const name in upstream) {
    const value = upstream[name];
    if (value === undefined || !isPassedDown(name)) continue;
    if (!ownLimits || !LIMIT.test(name)) headers[name] = value;
  }
  const length = upstream["content-length"];
  if (unchanged && length !== undefined) headers["content-length"] = length;
  return headers;
}

/** Counts what is written of one answer, on a connection that has carried others, or behind one still under way. */
export class WireCount {
  readonly #response: ServerResponse;
  /** Null: another answer has the connection. */
  #socket: Socket | null = null;
  /** Bytes of what went before. */
  #before = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
    const { socket } = response;
    // node:http says so before it writes what has waited.
    if (socket === null) response.once("socket", (given: Socket) => this.#begin(given));
    else this.#begin(socket);
  }

  #begin(socket: Socket): void {
    this.#socket = socket;
    this.#before = socket.bytesWritten ?? 0;
  }

  /** Bytes of the answer so far, those that wait in memory included. */
  get written(): number {
    if (this.#socket === null) return this.#response.writableLength;
    return Math.max(0, (this.#socket.bytesWritten ?? 0) - this.#before);
  }
}

/** Bytes of a request's head as it came. */
export function requestHeadBytes({ method, url, rawHeaders }: IncomingMessage): number {
  let bytes = `${method} ${url} HTTP/1.1\r\n\r\n`.length;
  for (const text of rawHeaders) bytes += text.length + 2;
  return bytes;
}

/** Bytes that node:http will write for this head. */
export function headBytes(
  status: number,
  headers: Readonly<Record<string, string | string[] | number>>,
  keepAlive: boolean,
): number {
  let bytes = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`.length;
  for (const [name, value] of Object.entries(headers)) bytes += name.length + String(value).length + 4;
  bytes += "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n".length;
  bytes += keepAlive
    ? "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n".length
    : "Connection: close\r\n".length;
  return bytes + 2;
}

/** Bytes of `length` bytes of body in one chunk of chunked coding (RFC 9112 section 7.1). */
export function chunkBytes(length: number): number {
  return length === 0 ? 0 : length.toString(16).length + length + 4;
}

/** Of the last chunk. */
export const LAST_CHUNK_BYTES = "0\r\n\r\n".length;

/** The key that a request presents, in either of the two headers that clients use; null when there is none. */
export function presentedKey(request: IncomingMessage): string | null {
  const { authorization, "x-api-key": apiKey } = request.headers;
  if (authorization !== undefined) return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null;
  return typeof apiKey === "string" ? apiKey : null;
}
