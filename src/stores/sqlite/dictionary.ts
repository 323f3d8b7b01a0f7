// The words of the events: each distinct value of a repeating field is kept once and has an id, and a day that no event
// which has it is beyond. Ids are never given twice (AUTOINCREMENT), and days never move back, so that what a connection
// remembers of committed words stays true until they are taken away (forgotten.ts).
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Words that a connection remembers, about 10 MiB of typical ones; then it starts afresh. */
const MAX_REMEMBERED = 50_000;

export const DAY_MS = 86_400_000;

/** Of a time in UTC ms: days since 1970. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

/** Earlier than any. */
const UNKNOWN = -1;

interface Known {
  readonly id: number;
  /** The word's day, or an earlier one. */
  day: number;
}

export class Dictionary {
  readonly #db: DatabaseSync;
  /** Older tables, which are only read, have no days. */
  #insert: StatementSync | null = null;
  #moveOn: StatementSync | null = null;
  readonly #selectId: StatementSync;
  readonly #selectWord: StatementSync;
  readonly #known = new Map<string, Map<string, Known>>();
  readonly #words = new Map<number, string>();
  #remembered = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#selectId = db.prepare("SELECT id FROM dictionary WHERE field = ? AND value = ?");
    this.#selectWord = db.prepare("SELECT value FROM dictionary WHERE id = ?");
  }

  /** The id of a field's word; undefined when no event has had it. */
  find(field: string, word: string): number | undefined {
    return this.#find(field, word)?.id;
  }

  /**
   * The id of the word of a field of an event recorded at `recordedAt` (UTC ms), added when it is new. Call `forget` when
   * the transaction is rolled back.
   */
  add(field: string, word: string, recordedAt: number): number {
    const day = dayOf(recordedAt);
    const known = this.#find(field, word);
    if (known === undefined) {
      this.#insert ??= this.#db.prepare("INSERT INTO dictionary (field, value, day) VALUES (?, ?, ?)");
      const id = Number(this.#insert.run(field, word, day).lastInsertRowid);
      this.#remember(field, word, { id, day });
      return id;
    }
    if (known.day < day) {
      this.#moveOn ??= this.#db.prepare("UPDATE dictionary SET day = ? WHERE id = ? AND day < ?");
      this.#moveOn.run(day, known.id, day);
      known.day = day;
    }
    return known.id;
  }

  #find(field: string, word: string): Known | undefined {
    const known = this.#known.get(field)?.get(word);
    if (known !== undefined) return known;
    // Absence is not remembered: another process may add the word at any time.
    const id = this.#selectId.get(field, word)?.id as number | undefined;
    return id === undefined ? undefined : this.#remember(field, word, { id, day: UNKNOWN });
  }

  word(id: number): string {
    let word = this.#words.get(id);
    if (word === undefined) {
      word = this.#selectWord.get(id)?.value as string | undefined;
      if (word === undefined) throw new Error(`the store is damaged: its dictionary has no entry ${id}`);
      this.#makeRoom();
      this.#words.set(id, word);
    }
    return word;
  }

  /** Drops what is remembered. */
  forget(): void {
    this.#known.clear();
    this.#words.clear();
    this.#remembered = 0;
  }

  #remember(field: string, word: string, known: Known): Known {
    this.#makeRoom();
    let words = this.#known.get(field);
    if (words === undefined) {
      words = new Map();
      this.#known.set(field, words);
    }
    words.set(word, known);
    return known;
  }

  #makeRoom(): void {
    if (this.#remembered >= MAX_REMEMBERED) this.forget();
    this.#remembered++;
  }
}
