// One request of a client and its answer. Owns the event: begun on entry, finished exactly once, whatever happens.
//
//   open ──refuse()──► answered with an error of ours
//        ──reply()───► answered by us
//        ──relay─────► the provider's answer was handed over (or broke)
//        ──client leaves──► cancelled, upstream aborted
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Facts, Kind } from "../event/fields.ts";
import { newRequestId, newTraceId } from "../event/ids.ts";
import { answered, type ErrorCode, failed, type Outcome } from "../event/outcomes.ts";
import type { ErrorFacts } from "../protocols/protocol.ts";
import { requestIdFrom, sessionFrom, traceFrom } from "../protocols/request-ids.ts";
import type { Usage } from "../protocols/usage.ts";
import type { Handle } from "../recorder/handle.ts";
import type { Recorder } from "../recorder/recorder.ts";
import type { Admitted } from "./admission.ts";
import {
  errorAnswer,
  jsonAnswer,
  type OwnAnswer,
  type OwnFailure,
  type RefusalDetail,
} from "./own-answer.ts";
import { headBytes, requestHeadBytes, WireCount } from "./wire.ts";

/** How long strict mode waits for a begin or a finish to be durable. */
export const STRICT_DEADLINE_MS = 2000;

export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recorder: Recorder;
  readonly facts: Facts & { kind: Kind; action: string };
  readonly userAgent: boolean;
  /** Our own errors, in the client's dialect. */
  readonly errorBody: (error: ErrorFacts) => string;
}

/** What an exchange waits for, while it does. */
export interface Work {
  /** It is open for as long as both sides like, and is not waited for. */
  readonly stays?: boolean;
  /** The client left. */
  left(): void;
  /** It must end now. */
  cut(code: "timeout" | "shutting_down"): void;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly handle: Handle;
  place = -1;
  readonly #recorder: Recorder;
  readonly #facts: Facts & { kind: Kind; action: string };
  readonly #wire: WireCount;
  /** Of the answer, whoever gives it. Handed over with its head: node:http takes far longer for them one by one. */
  readonly #headers: Record<string, string | string[] | number>;
  readonly #ended = Promise.withResolvers<void>();
  /** Strict: until it is known whether the outcome is durable. */
  #settling: Promise<void> | null = null;
  /** Bytes of the request's body that have come. */
  received = 0;
  work: Work | null = null;
  /** What was produced, as far as it is known. */
  usage: Usage | null = null;
  #admitted: Admitted | null = null;
  readonly #errorBody: (error: ErrorFacts) => string;
  /** The outcome is fixed, or the event was dropped and there is none to fix. */
  #over = false;

  constructor(options: ExchangeOptions) {
    const { request, response, recorder, facts, userAgent, errorBody } = options;
    this.#errorBody = errorBody;
    this.request = request;
    this.response = response;
    this.#recorder = recorder;
    this.#wire = new WireCount(response);
    this.requestId = requestIdFrom(request.headers["x-request-id"]) ?? newRequestId();
    const traceId = traceFrom(request.headers.traceparent, request.headers["x-trace-id"]) ?? newTraceId();
    const sessionId = sessionFrom(request.headers);
    this.#facts = { ...facts, requestId: this.requestId, traceId, sessionId, caller: "http" };
    if (userAgent) this.#facts.userAgent = request.headers["user-agent"] ?? null;
    this.handle = recorder.begin(this.#facts);
    this.#headers = { "x-request-id": this.requestId, "x-trace-id": traceId };
    response.on("close", () => this.#closed());
  }

  /** Resolves when the connection has seen the end of this exchange, and its record is settled. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Whether the outcome is fixed or the client is gone: nothing more may be sent. */
  get isOver(): boolean {
    return this.#over || this.response.destroyed;
  }

  /** What is admitted is settled when the outcome is fixed, whatever it is. */
  admit(admitted: Admitted): void {
    this.#admitted = admitted;
    this.setHeaders(admitted.headers);
  }

  /** Whether the answer tells of limits of our own. */
  get hasLimits(): boolean {
    return "x-ratelimit-limit-requests" in this.#headers || "x-ratelimit-limit-tokens" in this.#headers;
  }

  setHeaders(headers: Readonly<Record<string, string>>): void {
    Object.assign(this.#headers, headers);
  }

  /** The head of the answer: these headers, and those that were set. */
  writeHead(status: number, headers: Readonly<Record<string, string | string[] | number>>): void {
    this.response.writeHead(status, Object.assign(this.#headers, headers));
  }

  get strict(): boolean {
    return this.handle.mode === "strict";
  }

  /** Answers with an error of ours. Strict: only when the outcome is durable, else 503. */
  refuse(code: OwnFailure, detail: RefusalDetail = {}): void {
    if (this.isOver) return;
    const outcome = failed(code, detail.errorType ?? null);
    if (this.response.headersSent) {
      this.finish(outcome);
      this.breakOff();
      return;
    }
    // Strict work that was dropped has no record: whatever the answer would be, it is not given. And an answer that
    // says that it could not be recorded waits for no record.
    const unrecorded = this.strict && (this.handle.state === "dropped" || code === "audit_unavailable");
    const answer = this.#errorAnswer(unrecorded ? "audit_unavailable" : code, unrecorded ? {} : detail);
    if (unrecorded) {
      this.#send(answer);
      this.finish(outcome);
    } else this.#deliver(answer, outcome);
  }

  /** Answers with JSON of ours. Strict: only when the outcome is durable, else 503. */
  reply(body: string): void {
    if (this.isOver) return;
    if (this.strict && this.handle.state === "dropped") this.refuse("audit_unavailable");
    else this.#deliver(jsonAnswer(200, body), answered(200));
  }

  #deliver(answer: OwnAnswer, outcome: Outcome): void {
    // Nothing of it is on the wire yet when its record is made, or when another answer has the connection.
    if (this.strict || this.response.socket === null)
      this.handle.note({ responseSize: this.#bytesOf(answer) });
    if (!this.strict) {
      this.#send(answer);
      this.finish(outcome);
      return;
    }
    this.finish(outcome);
    this.whenRecorded(() => this.#send(answer));
  }

  /** Strict, after finish(): `deliver` when the outcome is durable; else 503, or a reset when the head is gone. */
  whenRecorded(deliver: () => void): void {
    this.#settling = this.handle.settled(STRICT_DEADLINE_MS).then((settled) => {
      if (settled === "durable") deliver();
      else this.#unrecorded(settled === "late");
    });
  }

  /** Fixes the outcome, with the bytes of both sides as they are now unless noted before. */
  finish(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    const { handle } = this;
    if (this.#admitted !== null) handle.note(this.#settled(this.#admitted, outcome));
    const sizes: Facts = { requestSize: requestHeadBytes(this.request) + this.received };
    if (handle.noted("response_size") === null) sizes.responseSize = this.#wire.written;
    handle.note(sizes);
    handle.finish(outcome);
  }

  /** A client that leaves has had what it took; a failed call is free. */
  #settled(admitted: Admitted, { status }: Outcome): Facts {
    return admitted.settle({ usage: this.usage, charged: status === "success" || status === "cancelled" });
  }

  /**
   * Ends the answer where it is. One to HTTP/1.0 may end with its connection: only a reset says that more was to come.
   */
  breakOff(): void {
    const { request, response } = this;
    if (request.httpVersion === "1.0" && !("encrypted" in request.socket)) request.socket.resetAndDestroy();
    response.destroy();
  }

  /** Bytes of the answer so far. */
  get written(): number {
    return this.#wire.written;
  }

  #unrecorded(finishStands: boolean): void {
    if (finishStands) {
      const { kind, action, method, endpoint, clientIp, caller } = this.#facts;
      const facts = { kind, action, method, endpoint, clientIp, caller, requestId: this.requestId };
      this.#recorder.log({ ...facts, parentEventId: this.handle.eventId }, failed("audit_unavailable"));
    }
    if (this.response.destroyed) return;
    if (this.response.headersSent) this.breakOff();
    else this.#send(this.#errorAnswer("audit_unavailable", {}));
  }

  #errorAnswer(code: ErrorCode, detail: RefusalDetail): OwnAnswer {
    return errorAnswer(code, detail, this.requestId, this.#errorBody);
  }

  /** Of an answer of ours on the wire, head and body. */
  #bytesOf({ status, headers, body }: OwnAnswer): number {
    const all = { ...this.#headers, ...headers };
    const bodyBytes = this.request.method === "HEAD" ? 0 : Buffer.byteLength(body);
    return headBytes(status, all, this.response.shouldKeepAlive) + bodyBytes;
  }

  #send({ status, headers, body }: OwnAnswer): void {
    if (this.response.destroyed) return;
    this.writeHead(status, headers);
    this.response.end(body);
  }

  #closed(): void {
    if (!this.#over) {
      this.work?.left();
      this.finish(failed("client_disconnected"));
    }
    this.work = null;
    if (this.#settling === null) this.#ended.resolve();
    else void this.#settling.finally(() => this.#ended.resolve());
  }
}
