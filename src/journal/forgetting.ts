// Takes the events of a journal off its disk, for erasure: newer segments are begun, and all older ones go as soon as
// they are stored and sealed, however long they would stay otherwise.
import type { Journal } from "./journal.ts";

export class Forgetting {
  readonly #journal: Journal;
  /** Segments up to here are to go. */
  #turnedAt: number | null = null;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Begins that have no finish yet stay. False: not all is stored and sealed; ask again. */
  forget(at: { readonly storedSeq: number; readonly sealedSeq: number }): boolean {
    this.#turnedAt ??= this.#journal.turnOver();
    if (Math.min(at.storedSeq, at.sealedSeq) < this.#turnedAt) return false;
    this.#turnedAt = null;
    this.#journal.retire({ ...at, keepBytes: 0, notBefore: Number.POSITIVE_INFINITY });
    return true;
  }
}
