// Sums over the log are made one after the other by the server's thread for them, so they are asked one after the other:
// those that somebody no longer waits for are never asked, and the browser's few connections stay free for rows.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  /** Nobody has a turn or waits for one: what asks by itself, again and again, waits for this. */
  get isIdle(): boolean {
    return this.#count === 0;
  }

  /** What `ask` resolves with, in its turn. Rejects with the reason of `signal`, without asking, once that is aborted. */
  async take<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    this.#count += 1;
    const turn = this.#last.then(() => {
      signal.throwIfAborted();
      return ask();
    });
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#count -= 1;
    }
  }
}

export const turns = new Turns();
