// Batches of JSON-RPC 2.0 (section 6), of which a part goes on to the server and the rest is answered here: what goes on
// stays as the client wrote it, and the client has one array of answers.

const OPEN = 0x5b;
const CLOSE = 0x5d;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NOTHING = Buffer.alloc(0);

/** These messages as a batch. */
export function batchOf(texts: readonly string[]): Buffer {
  return Buffer.from(`[${texts.join(",")}]`);
}

/**
 * Puts answers of ours at the end of an array of answers that streams past. Nothing of it is kept but a bracket that may
 * be its end; space behind that is dropped.
 */
export class BatchAnswer {
  readonly #alone: "wrap" | "leave";
  #shape: "none" | "array" | "other" = "none";
  #isHeld = false;
  #hasElements = false;
  #isInText = false;
  #isEscaped = false;

  /** What becomes of an answer that is no array: one with ours, or let be. */
  constructor(alone: "wrap" | "leave") {
    this.#alone = alone;
  }

  /** What of `chunk` may go on. */
  feed(chunk: Buffer): Buffer {
    if (this.#shape === "array") return this.#within(chunk);
    const first = this.#shape === "none" ? chunk.findIndex((byte) => byte > SPACE) : -1;
    if (first === -1) return chunk;
    this.#shape = chunk[first] === OPEN ? "array" : "other";
    if (this.#shape === "array")
      return Buffer.concat([chunk.subarray(0, first + 1), this.#within(chunk.subarray(first + 1))]);
    return this.#alone === "wrap" ? Buffer.concat([Buffer.of(OPEN), chunk]) : chunk;
  }

  /** The rest, with `ours` in it. Null: it takes none, as it is no array, or one that broke off before its end. */
  end(ours: readonly string[]): Buffer | null {
    if (this.#shape === "array" ? !this.#isHeld : this.#alone === "leave") return null;
    const open = this.#shape === "none" ? "[" : "";
    const comma = ours.length > 0 && (this.#hasElements || this.#shape === "other") ? "," : "";
    return Buffer.from(`${open}${comma}${ours.join(",")}]`);
  }

  /** Of what stands behind the opening bracket. */
  #within(chunk: Buffer): Buffer {
    let end = chunk.length;
    while (end > 0 && (chunk[end - 1] ?? 0) <= SPACE) end--;
    if (end === 0) return this.#isHeld ? NOTHING : chunk;
    this.#read(chunk);
    const wasHeld = this.#isHeld;
    this.#isHeld = !this.#isInText && chunk[end - 1] === CLOSE;
    const free = this.#isHeld ? chunk.subarray(0, end - 1) : chunk;
    this.#hasElements ||= wasHeld || free.some((byte) => byte > SPACE);
    return wasHeld ? Buffer.concat([Buffer.of(CLOSE), free]) : free;
  }

  /** Whether a text is open at the end of `chunk`: brackets and space in it are its own. */
  #read(chunk: Buffer): void {
    for (const byte of chunk) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === QUOTE) this.#isInText = !this.#isInText;
      else if (byte === BACKSLASH) this.#isEscaped = this.#isInText;
    }
  }
}
