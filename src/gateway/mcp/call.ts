// One request of a client that leaves an event: a tool call, a resource read, a prompt get, and what else is audited.
//
//   open ──answered()──► over: a result, or a failure of one of two layers: JSON-RPC's or the tool's
//     └───fail()───────► over: the third layer, the transport's, or a refusal of Daybook's own
import type { Facts } from "../../event/fields.ts";
import { answered, failed, failedAsSent, type Outcome } from "../../event/outcomes.ts";
import type { Envelope } from "../../protocols/mcp-envelopes.ts";
import type { McpId, McpRequest } from "../../protocols/mcp-messages.ts";
import type { Handle, Settled } from "../../recorder/handle.ts";
import type { Admitted } from "../admission.ts";

export class McpCall {
  /** null: of a request that was refused before it was read. */
  readonly id: McpId | null;
  readonly action: string;
  /** A client that lost the answer may still fetch it elsewhere (resumption). */
  awaitsResumption = false;
  readonly #begin: () => Handle;
  /** null: what is not audited here, unless it is refused. */
  #handle: Handle | null;
  #admitted: Admitted | null = null;
  #over = false;
  readonly #onOver: (() => void)[] = [];

  /** `begin` begins its event: now when it is `audited`, else only if somebody has something to tell of it. */
  constructor(request: McpRequest | null, audited: boolean, begin: () => Handle) {
    this.id = request?.id ?? null;
    this.action = request?.spec.action ?? "request";
    this.#begin = begin;
    this.#handle = audited ? begin() : null;
  }

  /** It has an event from now on, and this is it. */
  tell(): Handle {
    this.#handle ??= this.#begin();
    return this.#handle;
  }

  /** Of its event; null: it has none. */
  get eventId(): string | null {
    return this.#handle?.eventId ?? null;
  }

  /** As its event has it. */
  get requestId(): string {
    return String(this.tell().noted("request_id"));
  }

  get strict(): boolean {
    return this.#handle?.mode === "strict";
  }

  /** Strict work whose event was dropped: whatever it would be answered, it has no record. */
  get isLost(): boolean {
    return this.strict && this.#handle?.state === "dropped";
  }

  note(facts: Facts): void {
    this.#handle?.note(facts);
  }

  /** As Handle.announce. */
  async announce(deadlineMs: number): Promise<boolean> {
    return this.#handle?.announce(deadlineMs) ?? true;
  }

  /** Strict: resolves when its begin is durable, or its end where it is over; false: it is not within `deadlineMs`. */
  async isRecorded(deadlineMs: number): Promise<boolean> {
    if (!this.#over) return this.announce(deadlineMs);
    return !this.strict || (await this.settled(deadlineMs)) === "durable";
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** What is admitted is settled when the outcome is fixed, whatever it is. */
  admit(admitted: Admitted): void {
    this.#admitted = admitted;
  }

  /** Called once, when the outcome is fixed. */
  onOver(listener: () => void): void {
    if (this.#over) listener();
    else this.#onOver.push(listener);
  }

  /** The server answered; `status` of the HTTP answer, null where there is none. */
  answered(envelope: Envelope, status: number | null, facts: Facts = {}): void {
    const { resultType } = envelope;
    const isFinal = resultType === null || resultType === "complete";
    this.finish(outcomeOf(envelope, status), isFinal ? facts : { ...facts, finishReason: resultType });
  }

  fail(code: Parameters<typeof failed>[0], errorType: string | null = null, facts: Facts = {}): void {
    this.finish(failed(code, errorType), facts);
  }

  /** Fixes the outcome; once, and then nothing more. */
  finish(outcome: Outcome, facts: Facts = {}): void {
    if (this.#over) return;
    this.#over = true;
    const charged = outcome.status === "success" || outcome.status === "cancelled";
    const settled = this.#admitted?.settle({ usage: null, charged });
    this.#handle?.note({ ...facts, ...settled });
    this.#handle?.finish(outcome);
    for (const listener of this.#onOver) listener();
  }

  async settled(deadlineMs: number): Promise<Settled> {
    return this.#handle?.settled(deadlineMs) ?? "durable";
  }
}

function outcomeOf({ is, errorCode, toolFailed }: Envelope, status: number | null): Outcome {
  if (is === "error") {
    const type = errorCode === null ? null : `jsonrpc.${errorCode}`;
    return failedAsSent("protocol_error", status, type);
  }
  return toolFailed ? failedAsSent("tool_error", status) : answered(status);
}
