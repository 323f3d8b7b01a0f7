// The words of the events: each distinct value of a repeating field is kept once and has an id. Ids are never
// given twice (AUTOINCREMENT), so that what a connection remembers of committed words stays true until they are taken
// away (forgotten.ts).
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Words that a connection remembers, about 10 MiB of typical ones; then it starts afresh. */
const MAX_REMEMBERED = 50_000;

export class Dictionary {
  readonly #insert: StatementSync;
  readonly #selectId: StatementSync;
  readonly #selectWord: StatementSync;
  readonly #ids = new Map<string, Map<string, number>>();
  readonly #words = new Map<number, string>();
  #remembered = 0;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare("INSERT INTO dictionary (field, value) VALUES (?, ?)");
    this.#selectId = db.prepare("SELECT id FROM dictionary WHERE field = ? AND value = ?");
    this.#selectWord = db.prepare("SELECT value FROM dictionary WHERE id = ?");
  }

  /** The id of a field's word; undefined when no event has had it. */
  find(field: string, word: string): number | undefined {
    const known = this.#ids.get(field)?.get(word);
    if (known !== undefined) return known;
    // Absence is not remembered: another process may add the word at any time.
    const id = this.#selectId.get(field, word)?.id as number | undefined;
    if (id !== undefined) this.#remember(field, word, id);
    return id;
  }

  /** The id of a field's word, added when it is new. Call `forget` when the transaction is rolled back. */
  add(field: string, word: string): number {
    const known = this.find(field, word);
    if (known !== undefined) return known;
    const id = Number(this.#insert.run(field, word).lastInsertRowid);
    this.#remember(field, word, id);
    return id;
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
    this.#ids.clear();
    this.#words.clear();
    this.#remembered = 0;
  }

  #remember(field: string, word: string, id: number): void {
    this.#makeRoom();
    let ids = this.#ids.get(field);
    if (ids === undefined) {
      ids = new Map();
      this.#ids.set(field, ids);
    }
    ids.set(word, id);
  }

  #makeRoom(): void {
    if (this.#remembered >= MAX_REMEMBERED) this.forget();
    this.#remembered++;
  }
}
