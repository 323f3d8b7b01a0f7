// Calls that are not over, by what they were asked in: a session, or all that one key asks without sessions. An answer
// may come on another stream than its question's, where a client goes on with a stream that was cut; and a notification
// may call a call off.
import type { McpId } from "../../protocols/mcp-messages.ts";
import type { McpCall } from "./call.ts";

/** How long the answer to a call is waited for, whose stream has ended and can be gone on with. */
const RESUMPTION_MS = 60_000;

export class CallBook {
  readonly #calls = new Map<string, McpCall[]>();
  readonly #waiting = new Map<McpCall, NodeJS.Timeout>();
  readonly #waitMs: number;

  constructor({ waitMs = RESUMPTION_MS }: { readonly waitMs?: number } = {}) {
    this.#waitMs = waitMs;
  }

  /** Until it is over. */
  add(scope: string, call: McpCall): void {
    const key = keyOf(scope, call.id);
    const calls = this.#calls.get(key) ?? [];
    calls.push(call);
    this.#calls.set(key, calls);
    call.onOver(() => this.#remove(key, call));
  }

  /** The call that an answer with this id on any stream of `scope` is for; null: none, or nobody can say which. */
  find(scope: string, id: McpId): McpCall | null {
    const calls = this.#calls.get(keyOf(scope, id)) ?? [];
    return calls.length === 1 ? (calls[0] ?? null) : null;
  }

  /** Its stream has ended without the answer, which may come on another. */
  awaitResumption(call: McpCall): void {
    if (call.isOver || this.#waiting.has(call)) return;
    call.awaitsResumption = true;
    const timer = setTimeout(() => call.fail("stream_interrupted", "not_resumed"), this.#waitMs).unref();
    this.#waiting.set(call, timer);
  }

  /** The session `scope` has ended: what waits for a stream of it waits in vain. */
  endScope(scope: string): void {
    for (const call of this.#waitingOf(scope)) call.fail("stream_interrupted", "session_ended");
  }

  /** Nothing is waited for any more. */
  close(): void {
    for (const call of [...this.#waiting.keys()]) call.fail("stream_interrupted", "not_resumed");
  }

  #waitingOf(scope: string): McpCall[] {
    return [...this.#waiting.keys()].filter((call) => this.#calls.get(keyOf(scope, call.id))?.includes(call));
  }

  #remove(key: string, call: McpCall): void {
    clearTimeout(this.#waiting.get(call));
    this.#waiting.delete(call);
    const others = (this.#calls.get(key) ?? []).filter((other) => other !== call);
    if (others.length === 0) this.#calls.delete(key);
    else this.#calls.set(key, others);
  }
}

function keyOf(scope: string, id: McpId | null): string {
  return `${scope}\n${id}`;
}
