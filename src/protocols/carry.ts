// Bytes kept from one chunk to the next. They are copied into one growing buffer, so that what is kept costs its
// own size: a list of slices would keep every chunk alive, and a stream of single bytes would cost a hundredfold.

const EMPTY = Buffer.alloc(0);

export class Carry {
  #buffer: Buffer = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    bytes.copy(this.#buffer, this.#length);
    this.#length = length;
  }

  /** Everything kept, handed over: the carry is empty again and never touches these bytes any more. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = EMPTY;
    this.#length = 0;
    return taken;
  }
}
