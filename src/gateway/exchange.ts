// One request of a client and its answer. Owns the event: begun on entry, finished exactly once, whatever happens.
//
//   open ──refuse()──► answered with an error of ours
//        ──deliver()──► the provider's answer was handed over (or broke)
//        ──client leaves──► cancelled, upstream aborted
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Facts, Kind } from "../event/fields.ts";
import { newRequestId, newTraceId } from "../event/ids.ts";
import { type ErrorCode, FAILURES, failed, type Outcome } from "../event/outcomes.ts";
import { errorBody } from "../protocols/openai-errors.ts";
import { requestIdFrom, traceFrom } from "../protocols/request-ids.ts";
import type { Handle } from "../recorder/handle.ts";
import type { Recorder } from "../recorder/recorder.ts";
import { headBytes, requestHeadBytes, WireCount } from "./wire.ts";

/** How long strict mode waits for a begin or a finish to be durable. */
export const STRICT_DEADLINE_MS = 2000;

export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recorder: Recorder;
  readonly facts: Facts & { kind: Kind; action: string };
  readonly clientIp: string | null;
  readonly userAgent: boolean;
}

/** An error code that we answer ourselves. */
export type OwnFailure = Parameters<typeof failed>[0];

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly handle: Handle;
  readonly #recorder: Recorder;
  readonly #facts: Facts & { kind: Kind; action: string };
  readonly #wire: WireCount;
  readonly #ended = Promise.withResolvers<void>();
  /** Strict: until it is known whether the outcome is durable. */
  #settling: Promise<void> = Promise.resolve();
  /** Bytes of the request's body that have come. */
  received = 0;
  #leave: (() => void) | null = null;
  /** The outcome is fixed, or the event was dropped and there is none to fix. */
  #over = false;

  constructor({ request, response, recorder, facts, clientIp, userAgent }: ExchangeOptions) {
    this.request = request;
    this.response = response;
    this.#recorder = recorder;
    this.#wire = WireCount.of(request.socket);
    this.requestId = requestIdFrom(request.headers["x-request-id"]) ?? newRequestId();
    const traceId = traceFrom(request.headers.traceparent, request.headers["x-trace-id"]) ?? newTraceId();
    this.#facts = { ...facts, requestId: this.requestId, traceId, clientIp, caller: "http" };
    if (userAgent) this.#facts.userAgent = request.headers["user-agent"] ?? null;
    this.handle = recorder.begin(this.#facts);
    response.setHeader("x-request-id", this.requestId);
    response.setHeader("x-trace-id", traceId);
    response.once("close", () => this.#closed());
  }

  /** Resolves when the connection has seen the end of this exchange, and its record is settled. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Whether the outcome is fixed or the client is gone: nothing more may be sent. */
  get isOver(): boolean {
    return this.#over || this.response.destroyed;
  }

  /** Called once if the client leaves before the answer is whole. */
  set onLeave(leave: (() => void) | null) {
    this.#leave = leave;
  }

  get strict(): boolean {
    return this.handle.mode === "strict";
  }

  /** Answers with an error of ours. Strict: only when the outcome is durable, else 503. */
  refuse(
    code: OwnFailure,
    detail: { message?: string; param?: string | null; errorType?: string | null } = {},
  ): void {
    if (this.isOver) return;
    const outcome = failed(code, detail.errorType ?? null);
    if (this.response.headersSent) {
      this.finish(outcome);
      this.response.destroy();
      return;
    }
    // Strict work that was dropped has no record: whatever the answer would be, it is not given. And an answer that
    // says that it could not be recorded waits for no record.
    const unrecorded = this.strict && (this.handle.state === "dropped" || code === "audit_unavailable");
    const answer = this.#errorAnswer(unrecorded ? "audit_unavailable" : code, unrecorded ? {} : detail);
    if (!this.strict || unrecorded) {
      this.#send(answer);
      this.finish(outcome);
      return;
    }
    this.handle.note({ responseSize: answer.bytes });
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
    const { requestSize, responseSize } = handle.facts;
    handle.note({
      requestSize: requestSize ?? requestHeadBytes(this.request) + this.received,
      responseSize: responseSize ?? this.#wire.written,
    });
    handle.finish(outcome);
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
    if (this.response.headersSent) this.response.destroy();
    else this.#send(this.#errorAnswer("audit_unavailable", {}));
  }

  #errorAnswer(code: ErrorCode, { message, param }: { message?: string; param?: string | null }) {
    const status = FAILURES[code].statusCode ?? 500;
    const body = errorBody({
      code,
      requestId: this.requestId,
      ...(message === undefined ? {} : { message }),
      ...(param === undefined ? {} : { param }),
    });
    const headers: Record<string, string | number> = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    if (code === "unauthorized") headers["www-authenticate"] = "Bearer";
    if (code === "method_not_allowed") headers.allow = "POST";
    if (code === "shutting_down" || code === "audit_unavailable") headers["retry-after"] = "1";
    const ids = {
      "x-request-id": this.requestId,
      "x-trace-id": String(this.response.getHeader("x-trace-id")),
    };
    const keepAlive = this.response.shouldKeepAlive;
    return {
      status,
      headers,
      body,
      bytes: headBytes(status, { ...ids, ...headers }, keepAlive) + Buffer.byteLength(body),
    };
  }

  #send({
    status,
    headers,
    body,
  }: {
    status: number;
    headers: Record<string, string | number>;
    body: string;
  }): void {
    if (this.response.destroyed) return;
    this.response.writeHead(status, headers);
    this.response.end(body);
  }

  #closed(): void {
    if (!this.#over) {
      this.#leave?.();
      this.finish(failed("client_disconnected"));
    }
    this.#leave = null;
    this.#wire.next();
    void this.#settling.finally(() => this.#ended.resolve());
  }
}
