// Batches over stdio of which a part was answered here: those answers wait for the server's, so that the client has one
// array of them, as JSON-RPC has it.
import type { McpId } from "../../protocols/mcp-messages.ts";

interface Parted {
  /** Requests that went on, and of which none is answered yet. */
  readonly ids: ReadonlySet<McpId>;
  readonly answers: readonly string[];
}

export class PartedBatches {
  #waiting: Parted[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(ids: readonly McpId[], answers: readonly string[]): void {
    this.#waiting.push({ ids: new Set(ids), answers });
  }

  /** The answers of ours to batches that one of `ids` was asked in: they wait no longer. */
  take(ids: readonly (McpId | null)[]): string[] {
    const isTaken = (each: Parted) => ids.some((id) => id !== null && each.ids.has(id));
    const taken = this.#waiting.filter(isTaken);
    if (taken.length > 0) this.#waiting = this.#waiting.filter((each) => !isTaken(each));
    return taken.flatMap(({ answers }) => answers);
  }

  /** All that still wait. */
  takeAll(): string[] {
    const all = this.#waiting.flatMap(({ answers }) => answers);
    this.#waiting = [];
    return all;
  }
}
