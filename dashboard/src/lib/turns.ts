// Sums over the log are made one after the other by the server's thread for them, so they are asked one after the other:
// those that somebody no longer waits for are never asked, and the browser's few connections stay free for rows.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** What `ask` resolves with, in its turn. Rejects with the reason of `signal`, without asking, once that is aborted. */
  take<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted();
      return ask();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}

export const turns = new Turns();
