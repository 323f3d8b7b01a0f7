// Takes words and actors away that nothing has any more: what identifies people does not outlive their events and sums.
// Events are looked through in stretches that fit between appends. What is appended meanwhile is looked through before
// anything goes, in the same transaction; other connections forget what they remember of words (forgotten.ts).

import type { Source } from "./collect.ts";
import { EVENT_COLUMNS, type SqlValue } from "./columns.ts";

const WORDS = EVENT_COLUMNS.filter(({ form }) => form === "word").map(({ name }) => name);
const LOOK = `SELECT rowid, actor, ${WORDS.join(", ")} FROM events WHERE rowid > ? ORDER BY rowid LIMIT ?`;
const NEWEST_WORD = "SELECT max(id) FROM dictionary";
const NEWEST_ACTOR = "SELECT max(id) FROM actors";
const IN_LIST = "IN (SELECT value FROM json_each(?))";

/** Events of a step: 10 to 15 ms. */
const STEP_EVENTS = 10_000;
/** Words that a step takes away. */
const STEP_WORDS = 1_000;

/** The words, or the actors, that are there at the beginning: later ones are left alone. */
class Unused {
  readonly #newest: number;
  readonly #used: Uint8Array;

  constructor(newest: SqlValue | undefined) {
    this.#newest = Number(newest ?? 0);
    this.#used = new Uint8Array(this.#newest + 1);
  }

  keep(id: SqlValue | undefined): void {
    if (typeof id === "number" && id <= this.#newest) this.#used[id] = 1;
  }

  /** From `from` on. */
  *ids(from: number): Generator<number> {
    for (let id = Math.max(1, from); id <= this.#newest; id++) if (this.#used[id] === 0) yield id;
  }
}

export class Sweep {
  readonly #words: Unused;
  readonly #actors: Unused;
  #lookedTo = 0;
  #sweptTo = 0;

  constructor(source: Source) {
    this.#words = new Unused(source.all(NEWEST_WORD, [])[0]?.[0]);
    this.#actors = new Unused(source.all(NEWEST_ACTOR, [])[0]?.[0]);
  }

  /** Within one transaction; true: there is more to do. `onRemoved` before anything goes. */
  step(source: Source, onRemoved: () => void): boolean {
    let looked = 0;
    for (const [rowid, actor, ...words] of source.each(LOOK, [this.#lookedTo, STEP_EVENTS])) {
      this.#lookedTo = rowid as number;
      this.#actors.keep(actor);
      for (const word of words) this.#words.keep(word);
      looked++;
    }
    if (looked === STEP_EVENTS) return true;
    const ids: number[] = [];
    for (const id of this.#words.ids(this.#sweptTo + 1)) {
      if (ids.length === STEP_WORDS) break;
      ids.push(id);
    }
    onRemoved();
    source.all(`DELETE FROM dictionary WHERE id ${IN_LIST}`, [JSON.stringify(ids)]);
    this.#sweptTo = ids.at(-1) ?? this.#sweptTo;
    if (ids.length === STEP_WORDS) return true;
    // Sums of actors outlive their events.
    source.all(`DELETE FROM actors WHERE id ${IN_LIST} AND id NOT IN (SELECT subject FROM rollups)`, [
      JSON.stringify([...this.#actors.ids(1)]),
    ]);
    return false;
  }
}
