// Takes words and actors away that nothing has any more: what identifies people does not outlive their events and sums.
// A word is in no event of a later day than its own (dictionary.ts), so that after retention only what is left of the
// days up to then is looked through; in stretches that fit between appends. What is appended meanwhile is looked through
// before anything goes, in the same transaction; other connections forget what they remember (forgotten.ts).

import type { Source } from "./collect.ts";
import { EVENT_COLUMNS, type SqlValue } from "./columns.ts";
import { DAY_MS, dayOf } from "./dictionary.ts";
import { ACTOR } from "./rollups.ts";

const WORDS = EVENT_COLUMNS.filter(({ form }) => form === "word").map(({ name }) => name);
const WORD_LIST = WORDS.join(", ");
const NEWEST_ROW = "SELECT max(rowid) FROM events";
const LOOK_BY_ROW = `SELECT rowid, ${WORD_LIST} FROM events WHERE rowid > ? ORDER BY rowid LIMIT ?`;
const LOOK_BY_TIME = `SELECT recorded_at, ${WORD_LIST} FROM events INDEXED BY events_time
  WHERE recorded_at >= ? AND recorded_at < ? ORDER BY recorded_at`;
const STRETCH = `SELECT recorded_at FROM events INDEXED BY events_time WHERE recorded_at >= ? AND recorded_at < ?
  ORDER BY recorded_at LIMIT 1 OFFSET ?`;
const CANDIDATES = "SELECT id FROM dictionary WHERE day <= ?";
const IN_LIST = "IN (SELECT value FROM json_each(?))";
const IDLE_ACTORS = `SELECT id, NOT EXISTS (SELECT 1 FROM events INDEXED BY events_actor WHERE actor = actors.id)
  FROM actors WHERE id > ? ORDER BY id LIMIT ?`;
const WITHOUT_SUMS = `id NOT IN (SELECT subject FROM rollups WHERE grain = ${ACTOR.id})`;

/** Events of a step: 10 to 15 ms. */
const STEP_EVENTS = 10_000;
/** Words that a step takes away. */
const STEP_WORDS = 1_000;
/** Actors that a step looks at: 10 to 20 ms. */
const STEP_ACTORS = 2_000;

export class Sweep {
  /** Ids of words that no event has had so far. */
  readonly #unused: Set<SqlValue>;
  readonly #endMs: number;
  #lookedToMs = 0;
  #lookedToRow: number;
  #actorsTo = 0;
  #part: "times" | "rows" | "actors" = "times";

  /** After all events before `endMs` (UTC ms) may have gone; null: any event. */
  constructor(source: Source, endMs: number | null) {
    const day = endMs === null ? Number.MAX_SAFE_INTEGER : dayOf(endMs - 1);
    this.#unused = new Set(source.all(CANDIDATES, [day]).map(([id]) => id as SqlValue));
    this.#endMs = Math.min((day + 1) * DAY_MS, Number.MAX_SAFE_INTEGER);
    this.#lookedToRow = endMs === null ? 0 : Number(source.all(NEWEST_ROW, [])[0]?.[0] ?? 0);
    if (endMs === null) this.#part = "rows";
  }

  /** Within one transaction; true: there is more to do. `onRemoved` before anything goes. */
  step(source: Source, onRemoved: () => void): boolean {
    if (this.#part === "times") return this.#lookByTime(source);
    if (this.#part === "rows") return this.#lookByRow(source, onRemoved);
    return this.#actors(source, onRemoved);
  }

  #lookByTime(source: Source): true {
    const range = [this.#lookedToMs, this.#endMs] as const;
    const stretch =
      this.#unused.size === 0 ? undefined : source.all(STRETCH, [...range, STEP_EVENTS])[0]?.[0];
    // Entries of one time stay together.
    const to = typeof stretch === "number" ? Math.max(stretch, this.#lookedToMs + 1) : this.#endMs;
    if (this.#unused.size > 0)
      for (const [, ...words] of source.each(LOOK_BY_TIME, [this.#lookedToMs, to]))
        for (const word of words) this.#unused.delete(word);
    this.#lookedToMs = to;
    if (stretch === undefined) this.#part = "rows";
    return true;
  }

  #lookByRow(source: Source, onRemoved: () => void): true {
    let looked = 0;
    for (const [rowid, ...words] of source.each(LOOK_BY_ROW, [this.#lookedToRow, STEP_EVENTS])) {
      this.#lookedToRow = rowid as number;
      for (const word of words) this.#unused.delete(word);
      looked++;
    }
    if (looked === STEP_EVENTS) return true;
    const ids: SqlValue[] = [];
    for (const id of this.#unused) {
      if (ids.push(id) === STEP_WORDS) break;
    }
    for (const id of ids) this.#unused.delete(id);
    if (ids.length > 0) {
      onRemoved();
      source.all(`DELETE FROM dictionary WHERE id ${IN_LIST}`, [JSON.stringify(ids)]);
    }
    if (this.#unused.size === 0) this.#part = "actors";
    return true;
  }

  /** Sums of actors outlive their events. */
  #actors(source: Source, onRemoved: () => void): boolean {
    const looked = source.all(IDLE_ACTORS, [this.#actorsTo, STEP_ACTORS]);
    this.#actorsTo = Number(looked.at(-1)?.[0] ?? 0);
    const ids = looked.filter(([, isIdle]) => isIdle === 1).map(([id]) => id);
    if (ids.length > 0) {
      onRemoved();
      source.all(`DELETE FROM actors WHERE id ${IN_LIST} AND ${WITHOUT_SUMS}`, [JSON.stringify(ids)]);
    }
    return looked.length === STEP_ACTORS;
  }
}
