// How far the journal is durable, in shared memory: written by the journal's thread, waited on by the store's.
// Nothing is read from the journal's files beyond it.

export class DurableMark {
  /** Give it to the other thread. */
  readonly shared: SharedArrayBuffer;
  readonly #lsn: BigInt64Array;
  /** [commits, segments], both counted since the start. */
  readonly #counts: Int32Array;

  constructor(shared = new SharedArrayBuffer(16)) {
    this.shared = shared;
    this.#lsn = new BigInt64Array(shared, 0, 1);
    this.#counts = new Int32Array(shared, 8, 2);
  }

  publish(lastLsn: number): void {
    Atomics.store(this.#lsn, 0, BigInt(lastLsn));
    Atomics.add(this.#counts, 0, 1);
    Atomics.notify(this.#counts, 0);
  }

  /** Ends every wait now. */
  wake(): void {
    Atomics.notify(this.#counts, 0);
  }

  segmentBegun(): void {
    Atomics.add(this.#counts, 1, 1);
  }

  get lsn(): number {
    return Number(Atomics.load(this.#lsn, 0));
  }

  get segments(): number {
    return Atomics.load(this.#counts, 1);
  }

  /** Resolves when `lsn` is above `seen`, or after `timeoutMs`. */
  async beyond(seen: number, timeoutMs: number): Promise<void> {
    const commits = Atomics.load(this.#counts, 0);
    if (this.lsn > seen) return;
    await Atomics.waitAsync(this.#counts, 0, commits, timeoutMs).value;
  }
}
