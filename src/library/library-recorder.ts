// The recorder that services hold: the gateway's own, behind a gate that lets no content in.
import type { AuditEvent } from "../event/fields.ts";
import { newTraceId } from "../event/ids.ts";
import type { Outcome } from "../event/outcomes.ts";
import type { OwnNode } from "../node/own-node.ts";
import type { Handle } from "../recorder/handle.ts";
import { runTracked } from "../recorder/track.ts";
import { type ArgumentRules, type WorkFacts, workFactsOf } from "./annotations.ts";
import { CORE, type CoreRecorder } from "./core-recorder.ts";
import { EventHandle } from "./event-handle.ts";
import { outcomeOfError, tabled } from "./library-outcome.ts";

export interface LibraryRecorderOptions {
  readonly node: OwnNode;
  readonly rules: ArgumentRules;
  readonly errorMessages: boolean;
  /** Of every event that does not say otherwise. */
  readonly caller: string;
}

/** How things stand, at this moment. */
export interface RecorderStatus {
  /** Events that are not durable yet. */
  readonly queued: number;
  /** Durable records that are not in the store yet. */
  readonly lag: number;
  /** Events that were dropped by this process; the trail tells of them too. */
  readonly dropped: number;
  /** Why nothing can be made durable, or nothing shipped, just now; null: all is well. */
  readonly trouble: string | null;
}

export class DaybookRecorder implements AsyncDisposable {
  readonly #options: LibraryRecorderOptions;
  readonly #beforeExit = () => void this.close();
  #flushing = 0;
  #closing: Promise<void> | null = null;

  constructor(options: LibraryRecorderOptions) {
    this.#options = options;
    // Nothing else of the process is touched. Its threads do not keep it running; at its end they get their time.
    options.node.hold(false);
    process.once("beforeExit", this.#beforeExit);
  }

  /** For the library's own wrappers: see core-recorder.ts. */
  get [CORE](): CoreRecorder {
    const { node, rules, caller } = this.#options;
    return { core: node.recorder, rules, caller };
  }

  /** The log that this process writes. */
  get nodeId(): string {
    return this.#options.node.recorder.nodeId;
  }

  get status(): RecorderStatus {
    const { recorder, delivery } = this.#options.node;
    const byKind = Object.values(recorder.counters.byKind);
    const dropped = byKind.flatMap(({ dropped }) => Object.values(dropped));
    return {
      queued: recorder.queued,
      lag: delivery.lag,
      dropped: dropped.reduce((sum, count) => sum + count, 0),
      trouble: recorder.trouble ?? delivery.status.reason,
    };
  }

  /**
   * Starts an event now. Finish it: what is never finished is recorded as interrupted at the next start. Throws
   * `bad_event`, `unknown_field`, `content_refused` or `nested_metadata`.
   */
  begin(facts: WorkFacts): EventHandle {
    return new EventHandle(this.#begin(facts), this.#options.rules);
  }

  /**
   * Records `work` for its whole life: until it has returned or thrown, or, when it gives an async iterable, until the
   * last item is delivered. What it throws is thrown on; the event keeps its class name. Strict kinds: nothing is done
   * that cannot be recorded (`audit_unavailable`). Rejects also as `begin` throws.
   */
  async track<T>(facts: WorkFacts, work: (event: EventHandle) => T): Promise<Awaited<T>> {
    const { rules, errorMessages } = this.#options;
    const run = (handle: Handle) => work(new EventHandle(handle, rules));
    return runTracked(this.#begin(facts), run, (error) => outcomeOfError(error, errorMessages));
  }

  /**
   * Records something that is over; `durationMs` and `timestamp` are facts like any other here. Throws as `begin` and
   * the event's `finish` do.
   */
  log(facts: WorkFacts, outcome: Outcome): string {
    const { rules, node } = this.#options;
    const given = workFactsOf(facts, rules);
    return node.recorder.log({ ...this.#given(facts), ...given }, tabled(outcome)).eventId;
  }

  /** Called with every event of this process after it is durable, in order. Returns the way out. */
  subscribe(listener: (event: AuditEvent) => void): () => void {
    return this.#options.node.recorder.subscribe(listener);
  }

  /** The newest durable events of this process, oldest first. */
  recent(limit = 100): AuditEvent[] {
    return this.#options.node.recorder.recent(limit);
  }

  /** Resolves when everything finished so far is durable. */
  async flush(): Promise<void> {
    const { node } = this.#options;
    // Whoever waits for it is not at the end of the process.
    this.#flushing++;
    node.hold(true);
    await node.recorder.drain();
    if (--this.#flushing === 0 && this.#closing === null) node.hold(false);
  }

  /** Resolves true when everything that is durable now is in the store; false after `deadlineMs`. */
  shipped(deadlineMs = 10_000): Promise<boolean> {
    return this.#options.node.delivery.caughtUp(deadlineMs);
  }

  /** Makes everything durable, ships it, and lets go of the folder. Idempotent. */
  close(): Promise<void> {
    process.off("beforeExit", this.#beforeExit);
    this.#closing ??= Promise.resolve(this.#options.node[Symbol.asyncDispose]());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin(facts: WorkFacts): Handle {
    const { rules, node } = this.#options;
    const given = workFactsOf(facts, rules);
    return node.recorder.begin({ ...this.#given(facts), ...given });
  }

  #given({ traceId }: WorkFacts) {
    const { caller } = this.#options;
    return { caller, ...(traceId == null ? { traceId: newTraceId() } : {}) };
  }
}
