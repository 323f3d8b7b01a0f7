// Streams that clients keep open for as long as they like: each holds two connections, so that a key has no more than so
// many of them.

export class OpenStreams {
  readonly #byKey = new Map<string, number>();

  /** A stream of this key begins, unless it has `most` already: then null. Else to be called when it ends. */
  enter(keyId: string, most: number): (() => void) | null {
    const open = this.#byKey.get(keyId) ?? 0;
    if (open >= most) return null;
    this.#byKey.set(keyId, open + 1);
    return () => {
      const left = (this.#byKey.get(keyId) ?? 1) - 1;
      if (left === 0) this.#byKey.delete(keyId);
      else this.#byKey.set(keyId, left);
    };
  }
}
