// One event of a service in the making: noted any number of times, finished once.
import type { Outcome } from "../event/outcomes.ts";
import type { Handle } from "../recorder/handle.ts";
import { type Annotations, type ArgumentRules, factsOf } from "./annotations.ts";
import { tabled } from "./library-outcome.ts";

/** How long strict work waits for its begin, and then for its finish, to be durable. */
const STRICT_DEADLINE_MS = 2000;

export class EventHandle implements AsyncDisposable {
  readonly #handle: Handle;
  readonly #rules: ArgumentRules;

  constructor(handle: Handle, rules: ArgumentRules) {
    this.#handle = handle;
    this.#rules = rules;
  }

  get eventId(): string {
    return this.#handle.eventId;
  }

  /** The request's id: given, or made. */
  get requestId(): string {
    return String(this.#handle.noted("request_id"));
  }

  /** Whether its work waits until it is recorded. */
  get isStrict(): boolean {
    return this.#handle.mode === "strict";
  }

  /** Whether it is finished, or was dropped because nothing more could be kept. */
  get isOver(): boolean {
    return this.#handle.state !== "open";
  }

  /**
   * Adds to what is known. Throws `bad_event`, `unknown_field`, `content_refused` or
   * `nested_metadata`, and then adds nothing.
   */
  note(annotations: Annotations): void {
    this.#handle.note(factsOf(annotations, this.#handle.kind, this.#rules));
  }

  /**
   * Before the work: says that it is about to begin. False: the kind is strict and the begin could not be made durable
   * in time; do not do the work, and finish with `failed("audit_unavailable")`. Open kinds: true at once.
   */
  announce(): Promise<boolean> {
    return this.#handle.announce(STRICT_DEADLINE_MS);
  }

  /**
   * Fixes the outcome, which `answered`, `failed` and `failedAsSent` make; any other throws `bad_event`. A second call
   * throws `already_finished`.
   */
  finish(outcome: Outcome): void {
    this.#handle.finish(tabled(outcome));
  }

  /** After finish(). Strict: false when it is not durable in time. Open kinds: true at once. */
  async settled(): Promise<boolean> {
    if (this.#handle.mode === "open") return true;
    return (await this.#handle.settled(STRICT_DEADLINE_MS)) === "durable";
  }

  /** Finishes as `internal_error` what was left open. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle[Symbol.asyncDispose]();
  }
}
