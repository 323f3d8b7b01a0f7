// A request to an MCP server: its messages are read, judged and counted, each call gets its event, and then the bytes
// go on as they came. Nothing is tried twice: a tool that ran must not run again.
import type { Facts } from "../../event/fields.ts";
import { newEventId } from "../../event/ids.ts";
import { redactText } from "../../event/redaction.ts";
import { HEADER_MISMATCH } from "../../protocols/mcp-errors.ts";
import {
  isMcpRefusal,
  type McpBody,
  type McpId,
  type McpNotification,
  type McpRequest,
  readMcp,
} from "../../protocols/mcp-messages.ts";
import type { Admission } from "../admission.ts";
import { Attempt } from "../attempt.ts";
import { readBody } from "../body.ts";
import { STRICT_DEADLINE_MS, type Work } from "../exchange.ts";
import type { Key } from "../inference.ts";
import { type Rulings, rulingFacts } from "../rulings.ts";
import type { McpCall } from "./call.ts";
import type { CallBook } from "./call-book.ts";
import { headerProblem, headersUp } from "./headers.ts";
import type { McpExchange } from "./mcp-exchange.ts";
import { McpRelay } from "./mcp-relay.ts";
import { type ArgumentMode, Offers } from "./offers.ts";
import type { Rounds } from "./rounds.ts";
import type { McpServer } from "./servers.ts";

export interface McpOptions {
  readonly book: CallBook;
  readonly rounds: Rounds;
  readonly rulings: Rulings;
  readonly admission: Admission;
  /** Of the configuration; policies may ask for it. */
  readonly profile: string | null;
  readonly maxBodyBytes: number;
  readonly audit: McpAudit;
}

/** What leaves events, and what of it. Refusals always do. */
export interface McpAudit {
  readonly enabled: boolean;
  readonly arguments: ArgumentMode;
  /** List calls too. */
  readonly lists: boolean;
}

/** Who asks, and which header said so. */
export interface McpCaller {
  readonly key: Key;
  readonly keyHeader: "authorization" | "x-api-key";
}

export async function serveMcp(
  exchange: McpExchange,
  server: McpServer,
  caller: McpCaller,
  options: McpOptions,
): Promise<void> {
  const { request } = exchange;
  let asked: Asked = NOTHING;
  if (request.method === "POST") {
    const body = await bodyOf(exchange, options.maxBodyBytes);
    if (body === null) return;
    const read = readMcp(body);
    if (isMcpRefusal(read)) {
      const { code: rpcCode, message, id } = read;
      return exchange.refuse("invalid_request", { message, rpcCode, id });
    }
    exchange.batch = read.batch;
    const problem = headerProblem(request.headers, read);
    if (problem !== null) return refuseHeaders(exchange, read, problem);
    asked = letIn(exchange, server, caller, read, options);
    exchange.isRead = true;
    if (exchange.isOver || exchange.openCalls.length < exchange.calls.length) return;
    const announced = exchange.calls.map((call) => call.announce(STRICT_DEADLINE_MS));
    if ((await Promise.all(announced)).includes(false)) return exchange.refuse("audit_unavailable");
    if (exchange.isOver) return;
    asked = { ...asked, body };
  } else exchange.isRead = true;
  server.hold();
  try {
    await new Forwarding(exchange, server, caller, asked, options).run();
  } finally {
    server.release();
  }
}

/** What goes on to the server. */
interface Asked {
  readonly body: Buffer | null;
  /** Lists by the id that asked for them. */
  readonly lists: ReadonlyMap<McpId, string>;
  /** Open as long as both like. */
  readonly stays: boolean;
  readonly cancels: readonly McpId[];
}

const NOTHING: Asked = { body: null, lists: new Map(), stays: false, cancels: [] };

/** The whole body; null when it was refused, or never came. */
async function bodyOf(exchange: McpExchange, maxBytes: number): Promise<Buffer | null> {
  const { "content-encoding": encoding = "identity" } = exchange.request.headers;
  if (encoding !== "identity") {
    exchange.refuse("invalid_request", { message: "The body is compressed. Send it uncompressed." });
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

/** Begins the events of the calls, and asks policies and limits for each: one that may not go on keeps all here. */
function letIn(
  exchange: McpExchange,
  server: McpServer,
  { key }: McpCaller,
  { messages, batch }: McpBody,
  options: McpOptions,
): Asked {
  const requests = messages.filter((message): message is McpRequest => message.is === "request");
  const audited: { readonly message: McpRequest; readonly call: McpCall }[] = [];
  for (const message of requests) {
    if (message.spec.action === null || (message.spec.lists && !options.audit.lists))
      exchange.unaudited.push(message.id);
    else {
      const size = batch ? { requestSize: message.bytes } : {};
      const facts = { ...callFacts(message, server.offers, options), ...size };
      audited.push({ message, call: exchange.begin(message, facts, options.audit.enabled) });
    }
  }
  for (const { message, call } of audited) {
    if (!isLet(exchange, call, message, { server: server.name, key, ...options })) break;
    if (!isAdmitted(exchange, call, message, key, options.admission)) break;
  }
  const lists = requests.filter(({ method }) => Offers.lists(method));
  return {
    body: null,
    lists: new Map(lists.map(({ id, method }) => [id, method])),
    stays: requests.some(({ spec }) => spec.stays === true),
    cancels: messages
      .filter((message): message is McpNotification => message.is === "notification")
      .flatMap(({ cancels }) => (cancels === null ? [] : [cancels])),
  };
}

/** What the event of a call says of what is asked. */
export function callFacts(
  { spec, name, arguments: given, parentEventId, state }: McpRequest,
  offers: Offers,
  { audit, rounds }: Pick<McpOptions, "audit" | "rounds">,
): Facts {
  const facts: Facts = {
    name: name === null ? null : spec.named === "uri" ? offers.resourceName(name) : shortName(name),
    parentEventId: parentEventId ?? (state === null ? null : rounds.eventOf(state)),
  };
  if (given === undefined) return facts;
  const { value, redactions, truncated } = offers.redact(name, given, audit.arguments);
  if (typeof value !== "object" || value === null) return facts;
  return { ...facts, inputJson: value as Record<string, unknown>, redactions, truncated };
}

/** What looks like a secret is nobody's name. */
function shortName(name: string): string | null {
  return name.length <= 255 && redactText(name).redactions === 0 ? name : null;
}

/** What a policy is asked beside the message. */
export interface RulingContext extends Pick<McpOptions, "rulings" | "profile"> {
  readonly server: string;
  readonly key: Key | null;
  readonly caller?: string;
}

/** Asks policies of an execution; what they say is noted. Null: it may go on; else why not. */
export function denial(
  call: McpCall,
  message: McpRequest,
  context: RulingContext,
): { reason: string | null } | null {
  const { spec, name, bytes, arguments: given } = message;
  const { rulings, profile, server, key, caller = "http" } = context;
  if (spec.named === undefined) return null;
  const ruling = rulings.decide({
    kind: "mcp",
    action: spec.action ?? "request",
    name,
    server,
    model: null,
    route: null,
    userId: key?.userId ?? null,
    apiKeyId: key?.id ?? null,
    profile,
    caller,
    requestSize: bytes,
    maxTokens: null,
    streaming: false,
    toolCount: 0,
    arguments: given,
  });
  if (ruling.decision === "n/a") return null;
  if (ruling.decision === "deny") call.tell();
  call.note(rulingFacts(ruling));
  return ruling.decision === "deny" ? { reason: ruling.reason } : null;
}

function isLet(exchange: McpExchange, call: McpCall, message: McpRequest, context: RulingContext): boolean {
  const denied = denial(call, message, context);
  if (denied === null) return true;
  exchange.refuse("policy_denied", denied.reason === null ? {} : { message: denied.reason });
  return false;
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

/** A request on its way to the server and back. */
class Forwarding implements Work {
  readonly #exchange: McpExchange;
  readonly #server: McpServer;
  readonly #caller: McpCaller;
  readonly #asked: Asked;
  readonly #options: McpOptions;
  #attempt: Attempt | null = null;
  #relay: McpRelay | null = null;
  #isCut = false;

  constructor(
    exchange: McpExchange,
    server: McpServer,
    caller: McpCaller,
    asked: Asked,
    options: McpOptions,
  ) {
    this.#exchange = exchange;
    this.#server = server;
    this.#caller = caller;
    this.#asked = asked;
    this.#options = options;
  }

  async run(): Promise<void> {
    const exchange = this.#exchange;
    const server = this.#server;
    const { request } = exchange;
    exchange.work = this;
    const { scope, session } = this.#scopes();
    this.#enter(scope);
    const timer = this.stays ? undefined : setTimeout(() => this.cut("timeout"), server.timeoutMs);
    const attempt = new Attempt({
      dispatcher: server.dispatcher,
      method: request.method ?? "POST",
      place: server.place(searchOf(request.url ?? "")),
      headers: this.#headers(),
      body: this.#asked.body,
      accept: (status) => {
        server.answered(status);
        this.#relay = new McpRelay({
          exchange,
          server,
          upstream: attempt,
          book: this.#options.book,
          rounds: this.#options.rounds,
          session,
          lists: this.#asked.lists,
        });
        return this.#relay;
      },
    });
    this.#attempt = attempt;
    try {
      const result = await attempt.start();
      if (result.is === "unreachable" && !exchange.isOver && !this.#isCut) {
        server.unreachable(result.code);
        exchange.refuse("provider_unreachable", { errorType: result.code });
      }
      await exchange.ended;
    } finally {
      clearTimeout(timer);
      attempt.release();
      if (request.method === "DELETE") this.#options.book.endScope(scope);
    }
  }

  get stays(): boolean {
    return this.#exchange.request.method === "GET" || this.#asked.stays;
  }

  left(): void {
    this.#attempt?.abort();
  }

  cut(code: "timeout" | "shutting_down"): void {
    if (this.#exchange.isOver) return;
    this.#isCut = true;
    this.#attempt?.abort(code);
    if (this.#relay === null) this.#exchange.refuse(code);
    else this.#relay.interrupt(code);
  }

  /** Calls can be found by their ids from now on, and those that the client calls off are over. */
  #enter(scope: string): void {
    const { book } = this.#options;
    for (const call of this.#exchange.calls) book.add(scope, call);
    for (const id of this.#asked.cancels) book.find(scope, id)?.fail("client_disconnected", "cancelled");
  }

  /** What ids are unique in: the session; else what this key asks of this server. */
  #scopes(): { readonly scope: string; readonly session: string | null } {
    const id = this.#exchange.request.headers["mcp-session-id"];
    const { name } = this.#server;
    if (typeof id !== "string" || id === "")
      return { scope: `${name}\nkey ${this.#caller.key.id}`, session: null };
    const session = `${name}\nsession ${id}`;
    return { scope: session, session };
  }

  #headers(): Record<string, string | string[]> {
    const { request, requestId } = this.#exchange;
    const own = { ...this.#server.headers, "x-request-id": requestId };
    return headersUp(request.headers, this.#caller.keyHeader, own);
  }
}

function searchOf(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? "" : url.slice(query);
}
