// A request to an MCP server: its messages are read, judged and counted, each call gets its event, and then the bytes
// go on as they came. Nothing is tried twice: a tool that ran must not run again.
import { setImmediate as turn } from "node:timers/promises";
import { newEventId } from "../../event/ids.ts";
import { batchOf } from "../../protocols/mcp-batch.ts";
import { HEADER_MISMATCH } from "../../protocols/mcp-errors.ts";
import {
  isMcpRefusal,
  type McpBody,
  type McpMessage,
  type McpNotification,
  type McpRequest,
  readMcpInTurns,
} from "../../protocols/mcp-messages.ts";
import type { Admission } from "../admission.ts";
import { readBody } from "../body.ts";
import { STRICT_DEADLINE_MS } from "../exchange.ts";
import type { Key } from "../inference.ts";
import type { Rulings } from "../rulings.ts";
import { askTools } from "./ask-tools.ts";
import type { McpCall } from "./call.ts";
import type { CallBook } from "./call-book.ts";
import { type Asked, Forwarding, type McpCaller, sessionOf } from "./forwarding.ts";
import { headerProblem, headersUp } from "./headers.ts";
import { callFacts, denial, type McpAudit } from "./judging.ts";
import type { McpExchange } from "./mcp-exchange.ts";
import { Offers } from "./offers.ts";
import type { OpenStreams } from "./open-streams.ts";
import type { Rounds } from "./rounds.ts";
import type { McpServer } from "./servers.ts";

export interface McpOptions {
  readonly book: CallBook;
  readonly rounds: Rounds;
  readonly streams: OpenStreams;
  /** That a key may have open. */
  readonly maxStreams: number;
  readonly rulings: Rulings;
  readonly admission: Admission;
  /** Of the configuration; policies may ask for it. */
  readonly profile: string | null;
  readonly maxBodyBytes: number;
  readonly audit: McpAudit;
}

export async function serveMcp(
  exchange: McpExchange,
  server: McpServer,
  caller: McpCaller,
  options: McpOptions,
): Promise<void> {
  const { request } = exchange;
  const session = sessionOf(request);
  if (session !== null && !server.sessions.isFor(session, caller.key.id))
    return exchange.refuse("not_found", NO_SESSION);
  let asked: Asked = NOTHING;
  if (request.method === "POST") {
    const body = await bodyOf(exchange, options.maxBodyBytes);
    if (body === null) return;
    const read = await readMcpInTurns(body, turn);
    if (exchange.isOver) return;
    if (isMcpRefusal(read)) {
      const { code: rpcCode, message, id } = read;
      return exchange.refuse("invalid_request", { message, rpcCode, id });
    }
    exchange.batch = read.batch;
    const problem = headerProblem(request.headers, read);
    if (problem !== null) return refuseHeaders(exchange, read, problem);
    await knowTools(exchange, server, caller, read, options.audit);
    if (exchange.isOver) return;
    const kept = letIn(exchange, server, caller, read, options);
    exchange.isRead = true;
    if (kept === null || exchange.isOver) return;
    const recorded = await Promise.all(exchange.calls.map((call) => call.isRecorded(STRICT_DEADLINE_MS)));
    if (recorded.includes(false)) return exchange.refuse("audit_unavailable");
    if (exchange.isOver) return;
    if (kept.messages.length === 0) return exchange.answerDenied();
    asked = askedOf(kept.messages, kept.messages === read.messages ? body : batchOf(kept.texts));
  } else exchange.isRead = true;
  const stays = request.method === "GET" || asked.stays;
  const leave = stays ? options.streams.enter(caller.key.id, options.maxStreams) : NOTHING_TO_LEAVE;
  if (leave === null) return refuseStream(exchange, options.maxStreams);
  server.hold();
  try {
    await new Forwarding(exchange, server, caller, asked, options).run();
  } finally {
    server.release();
    leave();
  }
}

/** As a server says of a session that is over: the client begins a new one. */
const NO_SESSION = { message: "There is no such session. Begin a new one.", errorType: "unknown_session" };
const NOTHING: Asked = { body: null, lists: new Map(), stays: false, cancels: [] };

const NOTHING_TO_LEAVE = () => {};

function refuseStream(exchange: McpExchange, most: number): void {
  exchange.refuse("limit_exceeded", {
    message: `The key has ${most} streams open (mcp.max_streams_per_key). End one of them first.`,
    errorType: "open_streams",
    headers: { "retry-after": "10" },
  });
}

/** The whole body; null when it was refused, or never came. */
async function bodyOf(exchange: McpExchange, maxBytes: number): Promise<Buffer | null> {
  const { "content-encoding": encoding = "identity", "content-type": type = "" } = exchange.request.headers;
  if (encoding !== "identity") {
    exchange.refuse("invalid_request", { message: "The body is compressed. Send it uncompressed." });
    return null;
  }
  if (!isSaidUtf8(type)) {
    exchange.refuse("invalid_request", { message: "The body must be UTF-8, and its Content-Type say so." });
    return null;
  }
  const body = await readBody(exchange, maxBytes);
  if (body.is === "whole") return body.bytes;
  if (body.is === "too_large") {
    exchange.refuse("payload_too_large", {
      message: `The request body is larger than ${maxBytes} bytes (limits.max_body_bytes).`,
    });
  }
  return null;
}

/** A server that believes another charset would read another message than is judged here. */
function isSaidUtf8(contentType: string): boolean {
  return [...contentType.matchAll(/charset[^=]*=\s*([^;,\s]*)/gi)].every(([, charset = ""]) =>
    /^"?utf-?8"?$/i.test(charset),
  );
}

function refuseHeaders(exchange: McpExchange, { messages }: McpBody, message: string): void {
  const [first] = messages;
  const id = first?.is === "request" ? first.id : null;
  exchange.refuse("invalid_request", {
    message,
    rpcCode: HEADER_MISMATCH,
    errorType: "header_mismatch",
    id,
  });
}

/** Sees to it that what is recorded of arguments is known to be no secret, as far as the server says. */
async function knowTools(
  exchange: McpExchange,
  server: McpServer,
  { keyHeader }: McpCaller,
  { messages }: McpBody,
  { enabled, arguments: mode }: McpAudit,
): Promise<void> {
  if (!enabled || mode !== "redacted") return;
  for (const message of messages) {
    if (message.is !== "request" || message.method !== "tools/call" || message.name === null) continue;
    await server.offers.know(message.name, performance.now(), () => {
      const headers = headersUp(exchange.request.headers, keyHeader, server.headers);
      return askTools(server, headers, message.version);
    });
  }
}

/**
 * Begins the events of the calls, and asks policies and limits for each. What a policy denies stays here, and what else
 * is in its batch goes on; a limit that is reached keeps all here. Null: the whole was refused.
 */
function letIn(
  exchange: McpExchange,
  server: McpServer,
  { key }: McpCaller,
  read: McpBody,
  options: McpOptions,
): Pick<McpBody, "messages" | "texts"> | null {
  const context = { server: server.name, key, ...options, spent: { units: 0 } };
  const denied = new Set<McpMessage>();
  const audited = begun(exchange, server, read, options);
  for (const { message, call } of audited) {
    const why = denial(call, message, context);
    if (why === null) continue;
    const said = why.reason === null ? {} : { message: why.reason };
    if (!read.batch) {
      exchange.refuse("policy_denied", said);
      return null;
    }
    exchange.deny(call, message.id, said.message);
    denied.add(message);
  }
  for (const { message, call } of audited)
    if (!denied.has(message) && !isAdmitted(exchange, call, message, key, options.admission)) return null;
  if (denied.size === 0) return read;
  const { messages, texts } = read;
  return {
    messages: messages.filter((message) => !denied.has(message)),
    texts: texts.filter((_, index) => !denied.has(messages[index] as McpMessage)),
  };
}

/** Each audited request with its event. */
function begun(
  exchange: McpExchange,
  server: McpServer,
  { messages, batch }: McpBody,
  options: McpOptions,
): { readonly message: McpRequest; readonly call: McpCall }[] {
  const audited: { readonly message: McpRequest; readonly call: McpCall }[] = [];
  for (const message of messages) {
    if (message.is !== "request") continue;
    if (message.spec.action === null || (message.spec.lists && !options.audit.lists))
      exchange.unaudited.push(message.id);
    else {
      const size = batch ? { requestSize: message.bytes } : {};
      const facts = () => ({ ...callFacts(message, server.offers, options), ...size });
      audited.push({ message, call: exchange.begin(message, facts, options.audit.enabled) });
    }
  }
  return audited;
}

/** What goes on to the server, and what is to be known of its answer. */
function askedOf(messages: readonly McpMessage[], body: Buffer): Asked {
  const requests = messages.filter((message): message is McpRequest => message.is === "request");
  const lists = requests.filter(({ method }) => Offers.lists(method));
  return {
    body,
    lists: new Map(lists.map(({ id, method }) => [id, method])),
    stays: requests.some(({ spec }) => spec.stays === true),
    cancels: messages
      .filter((message): message is McpNotification => message.is === "notification")
      .flatMap(({ cancels }) => (cancels === null ? [] : [cancels])),
  };
}

function isAdmitted(
  exchange: McpExchange,
  call: McpCall,
  { spec }: McpRequest,
  key: Key,
  admission: Admission,
): boolean {
  const admitted = admission.admit({
    eventId: call.eventId ?? newEventId(),
    keyId: key.id,
    userId: key.userId,
    model: "",
    action: spec.action ?? "request",
    routeId: null,
    price: null,
    requestBytes: 0,
    maxTokens: 0,
  });
  if (admitted.ok) {
    call.admit(admitted);
    exchange.setHeaders(admitted.headers);
    return true;
  }
  call.tell().note(admitted.facts);
  exchange.refuse(admitted.code, admitted);
  return false;
}
