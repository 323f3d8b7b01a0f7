// What a client sends, as messages of JSON-RPC 2.0: what is asked is read, and goes on as the client wrote it.
import { isUtf8 } from "node:buffer";
import { isObject } from "./json-members.ts";
import { type McpMethod, mcpMethod } from "./mcp-methods.ts";
import { traceFrom } from "./request-ids.ts";
import { type ReadJson, readStrictJson, readStrictJsonInTurns, type Unreadable } from "./strict-json.ts";

/** An id, as JSON text that is the same for the same id: what `1.0` and `1` are. */
export type McpId = string;

export type McpMessage = McpRequest | McpNotification | McpResponse;

export interface McpRequest {
  readonly is: "request";
  readonly id: McpId;
  readonly method: string;
  readonly spec: McpMethod;
  /** Tool, prompt or URI; null: it has none, or it is no string. */
  readonly name: string | null;
  /** What `Mcp-Name` must repeat. */
  readonly mirrored: string | null;
  readonly arguments: unknown;
  /** `io.modelcontextprotocol/protocolVersion`, of stateless versions. */
  readonly version: string | null;
  readonly trace: string | null;
  readonly parentEventId: string | null;
  /** Opaque state that an `input_required` result asked to be given back. */
  readonly state: string | null;
  /** UTF-8 bytes of the message. */
  readonly bytes: number;
}

export interface McpNotification {
  readonly is: "notification";
  readonly method: string;
  readonly version: string | null;
  /** Of `notifications/cancelled`: which request. */
  readonly cancels: McpId | null;
}

export interface McpResponse {
  readonly is: "response";
}

export interface McpBody {
  readonly batch: boolean;
  readonly messages: readonly McpMessage[];
  /** Of a batch: each message as it came. */
  readonly texts: readonly string[];
}

/** Why a body is refused: the JSON-RPC error that says so. */
export interface McpRefusal {
  readonly code: -32700 | -32600;
  readonly message: string;
  /** Of the request, as far as it is known. */
  readonly id: McpId | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** What is acted upon here: a key that means one of these to a reader that folds letters is refused. */
const READ = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);
const READ_OF_PARAMS = new Set(["name", "uri", "arguments", "_meta", "requestid", "requeststate"]);
const WRITTEN: Readonly<Record<string, string>> = { requestid: "requestId", requeststate: "requestState" };
const PLAIN = /^[a-z0-9_]*$/;
const SENTENCES = {
  not_json: "The body is not valid JSON.",
  duplicate_key: "A member of the message stands in it twice.",
  too_deep: "The message is nested too deep.",
} as const;
const MAX_MESSAGES = 1000;
const NOT_UTF8 = refuse(-32700, "The body is not UTF-8.");
/** Longer ones are nobody's. */
const MAX_ID_LENGTH = 1024;

/** The messages of a body or a line, or why none of them is sent on. */
export function readMcp(bytes: Buffer): McpBody | McpRefusal {
  if (!isUtf8(bytes)) return NOT_UTF8;
  const text = bytes.toString("utf8");
  return messagesOf(readStrictJson(text), text, bytes);
}

/** The same; a long one is read in turns with whatever else the thread has to do: `turn` lets it. */
export async function readMcpInTurns(
  bytes: Buffer,
  turn: () => Promise<unknown>,
): Promise<McpBody | McpRefusal> {
  if (!isUtf8(bytes)) return NOT_UTF8;
  const text = bytes.toString("utf8");
  return messagesOf(await readStrictJsonInTurns(text, turn), text, bytes);
}

function messagesOf(read: ReadJson | Unreadable, text: string, bytes: Buffer): McpBody | McpRefusal {
  if ("problem" in read)
    return refuse(read.problem === "not_json" ? -32700 : -32600, SENTENCES[read.problem]);
  const { value, spans } = read;
  if (!Array.isArray(value)) {
    const message = messageOf(value, bytes.length);
    return "code" in message ? message : { batch: false, messages: [message], texts: [] };
  }
  if (value.length === 0) return refuse(-32600, "The batch is empty.");
  if (value.length > MAX_MESSAGES) return refuse(-32600, "The batch has too many messages.");
  const texts = spans.map(([start, end]) => text.slice(start, end));
  const messages: McpMessage[] = [];
  for (const [index, one] of value.entries()) {
    const message = messageOf(one, Buffer.byteLength(texts[index] ?? ""));
    if ("code" in message) return message;
    messages.push(message);
  }
  return { batch: true, messages, texts };
}

export function isMcpRefusal(read: McpBody | McpRefusal): read is McpRefusal {
  return "code" in read;
}

/** The id as the same text for the same id, or null when it is none (JSON-RPC 2.0, section 4). */
export function idOf(value: unknown): McpId | null {
  if (typeof value === "number" || (typeof value === "string" && value.length <= MAX_ID_LENGTH))
    return JSON.stringify(value);
  return null;
}

function messageOf(value: unknown, bytes: number): McpMessage | McpRefusal {
  if (!isObject(value)) return refuse(-32600, "A message is not a JSON object.");
  const id = idOf(value.id);
  const folded = foldedKey(value, READ);
  if (folded !== null) return refuse(-32600, `\`${folded}\` must be written in lower case.`, id);
  if (value.jsonrpc !== "2.0") return refuse(-32600, '`jsonrpc` must be "2.0".', id);
  const { method, params } = value;
  if (method === undefined) {
    if (id !== null && ("result" in value || "error" in value)) return { is: "response" };
    return refuse(-32600, "A message has neither a method nor a result.", id);
  }
  if (typeof method !== "string") return refuse(-32600, "`method` must be a string.", id);
  if (params !== undefined && !isObject(params)) return refuse(-32600, "`params` must be an object.", id);
  const given = params ?? {};
  const within = foldedKey(given, READ_OF_PARAMS);
  if (within !== null)
    return refuse(-32600, `\`params.${WRITTEN[within] ?? within}\` must be written just so.`, id);
  const meta = isObject(given._meta) ? given._meta : {};
  const version = textOf(meta["io.modelcontextprotocol/protocolVersion"]);
  if (!("id" in value) && mcpMethod(method).named === undefined) return notification(method, given, version);
  // Without one, what is executed would be a notification: not judged, and yet done by a server that is not strict.
  if (id === null) return refuse(-32600, "`id` must be a string or a number.");
  return requestOf({ id, method, given, meta, version, bytes });
}

function requestOf(of: {
  readonly id: McpId;
  readonly method: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly version: string | null;
  readonly bytes: number;
}): McpRequest | McpRefusal {
  const { id, method, given, meta, version, bytes } = of;
  const spec = mcpMethod(method);
  const name = spec.named === undefined ? null : textOf(given[spec.named]);
  const parent = meta["daybook/parent_event_id"] ?? meta.parent_event_id;
  return {
    is: "request",
    id,
    method,
    spec,
    name,
    mirrored: spec.mirrored === undefined ? null : textOf(given[spec.mirrored]),
    arguments: spec.takesArguments ? given.arguments : undefined,
    version,
    trace: traceFrom(textOf(meta.traceparent) ?? undefined, textOf(meta.trace_id) ?? undefined),
    parentEventId: typeof parent === "string" && UUID.test(parent) ? parent : null,
    state: textOf(given.requestState),
    bytes,
  };
}

function notification(
  method: string,
  given: Readonly<Record<string, unknown>>,
  version: string | null,
): McpNotification {
  const cancels = method === "notifications/cancelled" ? idOf(given.requestId) : null;
  return { is: "notification", method, version, cancels };
}

/** The first key that means one of `read` to who folds letters, and is not written as it. */
function foldedKey(object: Readonly<Record<string, unknown>>, read: ReadonlySet<string>): string | null {
  for (const key in object) {
    if (PLAIN.test(key)) continue;
    const folded = key.toUpperCase().toLowerCase();
    if (folded !== key && read.has(folded) && WRITTEN[folded] !== key) return folded;
  }
  return null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function refuse(code: McpRefusal["code"], message: string, id: McpId | null = null): McpRefusal {
  return { code, message, id };
}
