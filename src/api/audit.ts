// The one owner of the API's events. An event begins with its request and is finished exactly once, when the
// response is handed over or its connection is gone, whatever happened between; handlers only annotate. A change is
// its own event (control.change), and what waits for its record (strict kinds) is finished before it is answered.
import type { FastifyReply, FastifyRequest } from "fastify";
import { DaybookError } from "../event/errors.ts";
import type { Facts, Kind } from "../event/fields.ts";
import { newTraceId } from "../event/ids.ts";
import { answered, failed, type Outcome } from "../event/outcomes.ts";
import { messageBytes } from "../protocols/message-bytes.ts";
import { traceFrom } from "../protocols/request-ids.ts";
import type { ApiParts, OpenEvent } from "./api-parts.ts";
import { refusalOf } from "./problem.ts";

/** What a request is in the trail. */
export interface AuditKind {
  readonly kind: Kind;
  readonly action: string;
}

export const REQUEST: AuditKind = { kind: "api", action: "request" };
export const QUERIED: AuditKind = { kind: "system", action: "queried" };
export const SUBSCRIBED: AuditKind = { kind: "system", action: "subscribed" };

/** As long as the gateway waits (DESIGN section 5). */
const STRICT_MS = 2000;

export class RequestAudit {
  readonly #parts: ApiParts;
  readonly #requestId: string;
  readonly #facts: Facts & { kind: Kind; action: string };
  readonly #startedAt = performance.now();
  #event: OpenEvent | null = null;
  #settled = false;
  #isWorking = false;
  /** The client left while the work of a change was under way. */
  #settleLater: (() => void) | null = null;
  /** How the request ends, once that is known. */
  outcome: Outcome | null = null;
  /** Why an answer that had begun was cut off by us. */
  cut: Outcome | null = null;
  /** Success leaves no event: this is a further page of a query that has one, or hands events over. */
  continues = false;
  /** The event of the change that this request made; its success leaves no other. */
  changed: string | null = null;

  /** The event begins with `begin` or `refuse`, or in the end when one is due. */
  constructor(
    parts: ApiParts,
    request: FastifyRequest,
    kind: AuditKind,
    about: { readonly endpoint: string | null; readonly entityType?: string },
  ) {
    const { headers } = request.raw;
    this.#parts = parts;
    this.#requestId = request.id;
    this.#facts = {
      kind: kind.kind,
      action: kind.action,
      count: 1,
      timestamp: parts.now(),
      requestId: request.id,
      traceId: traceFrom(headers.traceparent, headers["x-trace-id"]) ?? newTraceId(),
      clientIp: parts.trusted === undefined ? parts.clientIp(request.raw) : null,
      caller: parts.trusted === undefined ? "http" : "cli",
      method: request.method,
      ...about,
      policyDecision: "n/a",
    };
  }

  get traceId(): string {
    return this.#facts.traceId ?? "";
  }

  /** null before the event has begun. */
  get eventId(): string | null {
    return this.#event?.eventId ?? null;
  }

  /** Who asks, and in which request: the same for the request's event and for its change. */
  get who(): Facts {
    const { userId, apiKeyId, sessionId, clientIp, caller, requestId, traceId, method, endpoint } =
      this.#facts;
    const facts = { userId, apiKeyId, sessionId, clientIp, caller, requestId, traceId, method, endpoint };
    return Object.fromEntries(Object.entries(facts).filter(([, value]) => value != null));
  }

  /** Begins the event unless that is done. */
  begin(): void {
    this.#event ??= this.#parts.recorder.begin({ ...this.#facts });
  }

  /**
   * The request ends in a refusal. Answers whether that was counted together with others: then it has no event of its
   * own. Only refusals of nobody's requests are.
   */
  refuse(outcome: Outcome): boolean {
    const { userId, apiKeyId, sessionId } = this.#facts;
    const isNobodys = (userId ?? apiKeyId ?? sessionId ?? null) === null;
    const mayCount = this.#event === null && isNobodys && this.#parts.trusted === undefined;
    this.outcome = outcome;
    if (mayCount && this.#parts.refusals.count(this.#facts, outcome)) this.#settled = true;
    else this.begin();
    return this.#settled && this.#event === null;
  }

  note(facts: Facts): void {
    Object.assign(this.#facts, facts);
    this.#event?.note(facts);
  }

  /** Finishes the event when `reply` is over: handed to the system as a whole, or cut off. */
  settleWith(request: FastifyRequest, reply: FastifyReply): void {
    // What the command line asks goes over no wire.
    const bytes = this.#parts.trusted === undefined ? messageBytes(request.raw, reply.raw) : () => ({});
    const settle = (): void => {
      if (this.#settled) return;
      if (this.#isWorking) {
        this.#settleLater = settle;
        return;
      }
      this.#settled = true;
      const isTold = this.#settleLater !== null && this.outcome !== null;
      const whole = isTold || this.#parts.trusted !== undefined || reply.raw.writableFinished;
      const outcome = whole ? this.#outcomeOf(reply) : (this.cut ?? failed("client_disconnected"));
      try {
        this.#finish(outcome, bytes());
      } catch (error) {
        this.#parts.report?.(error, this.#requestId);
      }
    };
    reply.raw.once("finish", settle);
    reply.raw.once("close", settle);
  }

  /**
   * Runs the work of a change. A client that leaves meanwhile does not decide what is recorded: the change does when
   * it is made, else the reason why it was not.
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#isWorking = true;
    try {
      return await work();
    } catch (error) {
      const { refusal } = refusalOf(error);
      this.note(refusal.facts);
      this.outcome = refusal.outcome;
      throw error;
    } finally {
      this.#isWorking = false;
      this.#settleLater?.();
    }
  }

  /**
   * Before the answer goes: finishes an event that must be durable by then. Resolves with what keeps it from being
   * so; then the answer must say that instead.
   */
  async beforeAnswer(reply: FastifyReply): Promise<unknown> {
    const outcome = this.#outcomeOf(reply);
    if (this.#settled || !this.#owes(outcome)) return null;
    try {
      this.begin();
      if (this.#event?.mode !== "strict") return null;
      this.#settled = true;
      this.#finish(outcome, {});
      if ((await this.#event.settled(STRICT_MS)) === "durable") return null;
      return new DaybookError("audit_unavailable", "the journal did not take it");
    } catch (error) {
      return error;
    }
  }

  /**
   * The request goes on as something that is not audited: its event ends here. Rejects with `audit_unavailable` when it
   * must be durable by now and is not.
   */
  async handOver(outcome: Outcome): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    this.#finish(outcome, {});
    if (this.#event?.mode === "strict" && (await this.#event.settled(STRICT_MS)) !== "durable")
      throw new DaybookError("audit_unavailable", "the journal did not take it");
  }

  #outcomeOf({ statusCode }: FastifyReply): Outcome {
    // For an answer that no one gave an outcome: one that Fastify made by itself is a failure of ours.
    return this.outcome ?? (statusCode < 400 ? answered(statusCode) : failed("internal_error"));
  }

  /** Whether this end of the request leaves an event of its own. */
  #owes({ status }: Outcome): boolean {
    // The client was told of the change, or left before it could be: the change is the event.
    if (this.changed !== null) return status !== "success" && status !== "cancelled";
    return this.#event !== null || !(this.continues && status === "success");
  }

  #finish(outcome: Outcome, sizes: Facts): void {
    if (!this.#owes(outcome)) return;
    if (this.changed !== null) this.note({ parentEventId: this.changed });
    this.begin();
    this.#event?.note({ ...sizes, durationMs: Math.round(performance.now() - this.#startedAt) });
    this.#event?.finish(outcome);
  }
}
