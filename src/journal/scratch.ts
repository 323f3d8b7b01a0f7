// Bytes that are written into again and again, as many as were needed at most: most journals are short, and what is
// made for a long one would be made for each.

export class Scratch {
  readonly #maxBytes: number;
  #bytes: Buffer = Buffer.alloc(0);

  /** Of more than `maxBytes` nothing is kept. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** At least so many; whatever was in the last ones may be overwritten. */
  bytes(length: number): Buffer {
    if (length > this.#maxBytes) return Buffer.allocUnsafe(length);
    if (length > this.#bytes.length)
      this.#bytes = Buffer.allocUnsafeSlow(
        Math.min(this.#maxBytes, Math.max(length, 2 * this.#bytes.length)),
      );
    return this.#bytes;
  }
}
