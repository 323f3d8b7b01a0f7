// One HTTP request of an MCP client and its answer. It has an event for each request of JSON-RPC in it that is audited,
// begun once it is read; and one of its own when Daybook refuses it before that, or when its client leaves.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Facts } from "../../event/fields.ts";
import { newRequestId, newTraceId } from "../../event/ids.ts";
import { FAILURES, failed } from "../../event/outcomes.ts";
import { mcpErrorBodies, mcpErrorBody, mcpEvents } from "../../protocols/mcp-errors.ts";
import type { McpId, McpRequest } from "../../protocols/mcp-messages.ts";
import { requestIdFrom, sessionFrom, traceFrom } from "../../protocols/request-ids.ts";
import type { Recorder } from "../../recorder/recorder.ts";
import { STRICT_DEADLINE_MS, type Work } from "../exchange.ts";
import { jsonAnswer, type OwnAnswer, type OwnFailure, type RefusalDetail } from "../own-answer.ts";
import { headBytes, requestHeadBytes, WireCount } from "../wire.ts";
import { McpCall } from "./call.ts";

export const MCP_ENDPOINT = "/mcp/{server}";

/** What is said of a refusal beside what all say: JSON-RPC's own code, and of which request. */
export interface McpRefusalDetail extends RefusalDetail {
  readonly rpcCode?: number;
  readonly id?: McpId | null;
}

export interface McpExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recorder: Recorder;
  readonly userAgent: boolean;
  readonly clientIp: string | null;
}

export class McpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly calls: McpCall[] = [];
  /** What it waits for, while it does. */
  work: Work | null = null;
  /** Running's own. */
  place = -1;
  /** Bytes of the request's body that have come. */
  received = 0;
  /** Messages came as an array, and so are answered. */
  batch = false;
  /** What the request asks for is known, and each call has its event. */
  isRead = false;
  /** Answers to calls of a batch that a policy denied, while the others go on. */
  readonly denials: string[] = [];
  /** Requests whose answers are not audited: errors of ours answer them too. */
  readonly unaudited: McpId[] = [];
  readonly #recorder: Recorder;
  readonly #wire: WireCount;
  readonly #headers: Record<string, string | string[] | number>;
  readonly #facts: Facts;
  readonly #startedAt = performance.now();
  readonly #ended = Promise.withResolvers<void>();
  /** Strict: until it is known whether outcomes are durable. */
  readonly #settling = new Set<Promise<void>>();
  readonly #denied = new Set<McpCall>();

  constructor({ request, response, recorder, userAgent, clientIp }: McpExchangeOptions) {
    this.request = request;
    this.response = response;
    this.#recorder = recorder;
    this.#wire = new WireCount(response);
    this.requestId = requestIdFrom(request.headers["x-request-id"]) ?? newRequestId();
    const traceId = traceFrom(request.headers.traceparent, request.headers["x-trace-id"]) ?? newTraceId();
    this.#headers = { "x-request-id": this.requestId, "x-trace-id": traceId };
    this.#facts = {
      timestamp: Date.now(),
      requestId: this.requestId,
      traceId,
      caller: "http",
      clientIp,
      method: request.method ?? null,
      endpoint: MCP_ENDPOINT,
      sessionId: sessionFrom(request.headers) ?? requestIdFrom(request.headers["mcp-session-id"]),
    };
    if (userAgent) this.#facts.userAgent = request.headers["user-agent"] ?? null;
    response.once("close", () => this.#closed());
  }

  /** Resolves when the connection has seen the end of this exchange, and its records are settled. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Nothing more may be sent. */
  get isOver(): boolean {
    return this.response.writableEnded || this.response.destroyed;
  }

  get openCalls(): McpCall[] {
    return this.calls.filter((call) => !call.isOver);
  }

  /** What is known of whose request it is, for the events that it will have. */
  note(facts: Facts): void {
    Object.assign(this.#facts, facts);
  }

  setHeaders(headers: Readonly<Record<string, string>>): void {
    Object.assign(this.#headers, headers);
  }

  get hasLimits(): boolean {
    return "x-ratelimit-limit-requests" in this.#headers;
  }

  /** One request in it, with its event; null: the whole, which nobody could read. */
  begin(message: McpRequest | null, facts: () => Facts = () => ({}), audited = true): McpCall {
    const call = new McpCall(message, audited, () => {
      const known = { ...this.#facts, ...facts() };
      if (message?.trace) known.traceId = message.trace;
      return this.#recorder.begin({ ...known, kind: "mcp", action: message?.spec.action ?? "request" });
    });
    this.calls.push(call);
    return call;
  }

  get strict(): boolean {
    return this.calls.some(({ strict }) => strict);
  }

  /** Bytes of the answer so far. */
  get written(): number {
    return this.#wire.written;
  }

  /** What a call's event says at its end. Of a request with several calls each has its own message's size. */
  sizes(call: McpCall, responseSize: number): Facts {
    const alone = this.calls.length === 1 && !this.batch;
    const whole = alone ? { requestSize: requestHeadBytes(this.request) + this.received } : {};
    const durationMs = Math.round(performance.now() - this.#startedAt);
    // A call of another exchange, whose answer came on this one, has its own time.
    return this.calls.includes(call) ? { ...whole, responseSize, durationMs } : {};
  }

  writeHead(status: number, headers: Readonly<Record<string, string | string[] | number>>): void {
    this.response.writeHead(status, Object.assign(this.#headers, headers));
  }

  /**
   * Answers all of it with an error of ours, and every call that is open ends with it; strict: only when that is
   * durable.
   */
  refuse(code: OwnFailure, detail: McpRefusalDetail = {}): void {
    if (this.isOver) return;
    if (this.response.headersSent) {
      this.#failAll(code, detail, this.written);
      this.breakOff();
      return;
    }
    if (this.openCalls.length === 0) this.begin(null);
    const calls = this.openCalls;
    // What is refused always has its event.
    for (const call of calls) call.tell();
    const dropped = calls.some(({ isLost }) => isLost);
    const unrecorded = this.strict && (dropped || code === "audit_unavailable");
    const answer = this.#errorAnswer(unrecorded ? "audit_unavailable" : code, unrecorded ? {} : detail);
    if (this.strict && !unrecorded) {
      this.#failAll(code, detail, this.#bytesOf(answer));
      this.whenRecorded(calls, () => this.#send(answer));
    } else {
      this.#send(answer);
      this.#failAll(code, detail, this.written);
    }
  }

  /** Strict, after their outcomes: `deliver` when all are durable; else 503, or a reset when the head is gone. */
  whenRecorded(calls: readonly McpCall[], deliver: () => void): void {
    const settling = Promise.all(
      calls.map(async (call) => ({ call, how: await call.settled(STRICT_DEADLINE_MS) })),
    ).then((settled) => {
      this.#settling.delete(settling);
      const missing = settled.filter(({ how }) => how !== "durable");
      if (missing.length === 0) return deliver();
      for (const { call, how } of missing) if (how === "late") this.#logUnrecorded(call);
      if (this.response.destroyed) return;
      if (this.response.headersSent) this.breakOff();
      else this.#send(this.#errorAnswer("audit_unavailable", {}));
    });
    this.#settling.add(settling);
  }

  /** In the words of the protocol, in a stream that has begun: what is still open ends with an error of ours. */
  errorEvents(calls: readonly McpCall[], code: OwnFailure): Buffer {
    const error = { code, requestId: this.requestId };
    return mcpEvents(calls.flatMap(({ id }) => (id === null ? [] : [mcpErrorBody(id, error)])));
  }

  /** The call `id` of a batch does not go on, and is over; the others may. */
  deny(call: McpCall, id: McpId, message?: string): void {
    const error = { code: "policy_denied", requestId: this.requestId } as const;
    const text = mcpErrorBody(id, message === undefined ? error : { ...error, message });
    this.denials.push(text);
    this.#denied.add(call);
    call.tell();
    call.fail("policy_denied", null, this.sizes(call, Buffer.byteLength(text)));
  }

  /** Nothing of the batch has gone on. */
  answerDenied(): void {
    this.#send(jsonAnswer(200, `[${this.denials.join(",")}]`));
  }

  /** Ends the answer where it is. One to HTTP/1.0 may end with its connection: only a reset says that more was to come. */
  breakOff(): void {
    const { request, response } = this;
    if (request.httpVersion === "1.0" && !("encrypted" in request.socket)) request.socket.resetAndDestroy();
    response.destroy();
  }

  #failAll(code: OwnFailure, { errorType = null }: McpRefusalDetail, responseSize: number): void {
    for (const call of this.openCalls) call.fail(code, errorType, this.sizes(call, responseSize));
  }

  #logUnrecorded({ eventId, action }: McpCall): void {
    const { durationMs: _, ...facts } = this.#facts;
    const about = { ...facts, parentEventId: eventId, timestamp: Date.now() };
    this.#recorder.log({ ...about, kind: "mcp", action }, failed("audit_unavailable"));
  }

  #errorAnswer(code: OwnFailure, { message, headers, rpcCode, id }: McpRefusalDetail): OwnAnswer {
    // What is not recorded was not denied either: nothing is said of it but that.
    const denied = code === "audit_unavailable" ? [] : this.denials;
    const others = denied.length > 0 ? this.calls.filter((call) => !this.#denied.has(call)) : this.calls;
    const asked = others.flatMap((call) => (call.id === null ? [] : [call.id]));
    const ids = id === undefined || id === null ? [...asked, ...this.unaudited] : [id];
    const error = {
      code,
      requestId: this.requestId,
      ...(message === undefined ? {} : { message }),
      ...(rpcCode === undefined ? {} : { rpcCode }),
    };
    const more: Record<string, string> = { ...headers };
    if (code === "unauthorized") more["www-authenticate"] = "Bearer";
    if (code === "shutting_down" || code === "audit_unavailable") more["retry-after"] = "1";
    // A call that a policy denied is an answer to it: clients show it to the model, and go on.
    const status = code === "policy_denied" ? 200 : (FAILURES[code].statusCode ?? 500);
    return jsonAnswer(status, mcpErrorBodies(ids, this.batch, error, denied), more);
  }

  /** Of an answer of ours on the wire, head and body. */
  #bytesOf({ status, headers, body }: OwnAnswer): number {
    const head = headBytes(status, { ...this.#headers, ...headers }, this.response.shouldKeepAlive);
    return head + Buffer.byteLength(body);
  }

  #send({ status, headers, body }: OwnAnswer): void {
    if (this.response.destroyed) return;
    this.writeHead(status, headers);
    this.response.end(body);
  }

  #closed(): void {
    if (!this.isRead && !this.response.writableEnded && this.calls.length === 0) this.begin(null);
    this.work?.left();
    this.work = null;
    for (const call of this.openCalls) {
      if (call.awaitsResumption) continue;
      call.fail("client_disconnected", null, this.sizes(call, this.written));
    }
    void Promise.all(this.#settling).finally(() => this.#ended.resolve());
  }
}
