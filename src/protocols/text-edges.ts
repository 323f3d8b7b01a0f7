// The two ends of a text that may be too large to keep. What an answer tells beside its content stands at its ends:
// the model at one of them, the usage at the last.
import { Carry } from "./carry.ts";

/** What is kept of each end of a larger text. */
const EDGE_BYTES = 64 * 1024;

export class TextEdges {
  readonly #maxKeptBytes: number;
  readonly #carry = new Carry();
  /** The start of a text too large to keep; its end is in the carry. */
  #head: Buffer | null = null;

  /** Up to `maxKeptBytes` the text is kept whole. */
  constructor(maxKeptBytes = 2 * EDGE_BYTES) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  append(bytes: Buffer): void {
    this.#carry.append(bytes);
    if (this.#carry.length <= this.#maxKeptBytes) return;
    const kept = this.#carry.take();
    this.#head ??= Buffer.from(kept.subarray(0, EDGE_BYTES));
    this.#carry.append(kept.subarray(-EDGE_BYTES));
  }

  /** What was kept, handed over: the next text begins. Of a whole text, both ends are the text. */
  take(): { readonly head: string; readonly tail: string; readonly whole: boolean } {
    const tail = this.#carry.take().toString("utf8");
    const head = this.#head?.toString("utf8") ?? tail;
    const whole = this.#head === null;
    this.#head = null;
    return { head, tail, whole };
  }
}
