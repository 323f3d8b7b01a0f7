// The one owner of the API's events. An event begins with its request and is finished exactly once, when the
// response is handed over or its connection is gone, whatever happened between; handlers only annotate.
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Facts, Kind } from "../event/fields.ts";
import { newTraceId } from "../event/ids.ts";
import { answered, failed, type Outcome } from "../event/outcomes.ts";
import { traceFrom } from "../protocols/request-ids.ts";
import type { ApiParts, OpenEvent } from "./api-parts.ts";
import { messageBytes } from "./message-bytes.ts";

/** What a request is in the trail. */
export interface AuditKind {
  readonly kind: "api" | "system";
  readonly action: "request" | "queried";
}

export const REQUEST: AuditKind = { kind: "api", action: "request" };
export const QUERIED: AuditKind = { kind: "system", action: "queried" };

export class RequestAudit {
  readonly #parts: ApiParts;
  readonly #requestId: string;
  readonly #facts: Facts & { kind: Kind; action: string };
  readonly #startedAt = performance.now();
  #event: OpenEvent | null = null;
  #settled = false;
  /** How the request ends, once that is known. */
  outcome: Outcome | null = null;
  /** Success leaves no event: this is a further page of a query that has one. */
  continues = false;

  /** Begins the event unless it is `deferred`: then it begins with `begin`, or in the end when one is due. */
  constructor(
    parts: ApiParts,
    request: FastifyRequest,
    kind: AuditKind,
    endpoint: string | null,
    deferred: boolean,
  ) {
    const { headers } = request.raw;
    this.#parts = parts;
    this.#requestId = request.id;
    this.#facts = {
      ...kind,
      count: 1,
      timestamp: parts.now(),
      requestId: request.id,
      traceId: traceFrom(headers.traceparent, headers["x-trace-id"]) ?? newTraceId(),
      clientIp: parts.clientIp(request.raw),
      caller: "http",
      method: request.method,
      endpoint,
      policyDecision: "n/a",
    };
    if (!deferred) this.begin();
  }

  get traceId(): string {
    return this.#facts.traceId ?? "";
  }

  /** null before the event has begun. */
  get eventId(): string | null {
    return this.#event?.eventId ?? null;
  }

  /** Begins the event unless that is done. */
  begin(): void {
    this.#event ??= this.#parts.recorder.begin({ ...this.#facts });
  }

  note(facts: Facts): void {
    Object.assign(this.#facts, facts);
    this.#event?.note(facts);
  }

  /** Finishes the event when `reply` is over: handed to the system as a whole, or cut off. */
  settleWith(request: FastifyRequest, reply: FastifyReply): void {
    const bytes = messageBytes(request.raw, reply.raw);
    const settle = (): void => {
      if (this.#settled) return;
      this.#settled = true;
      const whole = reply.raw.writableFinished;
      const outcome = whole ? (this.outcome ?? presumed(reply.statusCode)) : failed("client_disconnected");
      try {
        this.#finish(outcome, bytes());
      } catch (error) {
        this.#parts.report?.(error, this.#requestId);
      }
    };
    reply.raw.once("finish", settle);
    reply.raw.once("close", settle);
  }

  #finish(outcome: Outcome, sizes: Facts): void {
    if (this.#event === null && this.continues && outcome.status === "success") return;
    this.begin();
    this.#event?.note({ ...sizes, durationMs: Math.round(performance.now() - this.#startedAt) });
    this.#event?.finish(outcome);
  }
}

/** For an answer that no one gave an outcome: one that Fastify made by itself is a failure of ours. */
function presumed(statusCode: number): Outcome {
  return statusCode < 400 ? answered(statusCode) : failed("internal_error");
}
