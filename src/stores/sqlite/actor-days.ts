// Requests of actors by day. A day has a row for each actor and shape, of which most questions want nothing but sums: of
// a day to which nothing was added since it was read, those are remembered. Whatever is added to a day is added to the
// sums of everybody too, a few rows that are read soonest; what is taken away is forgotten (forgotten.ts).
import type { SqlValue } from "./columns.ts";
import type { Where } from "./conditions.ts";
import { ACTOR, clamped, DAY } from "./rollups.ts";

/** A connection as this file needs it, within one snapshot. */
interface Reading {
  readonly all: (sql: string, params: readonly SqlValue[]) => SqlValue[][];
}

/** Actors and their requests, in turn. */
type Counts = Float64Array;

interface Day {
  /** Everybody's requests. */
  readonly stamp: number;
  /** Of all its actors; null: not counted. */
  rows: number | null;
  /** By what is asked of shapes. */
  readonly counts: Map<string, Counts>;
}

/** Numbers of 8 bytes: four questions about as much as facets look at, of actors with one shape a day each. */
const MAX_REMEMBERED = 2_000_000;
const EVERYTHING: Where = { sql: "TRUE", params: [] };

const STAMP = "SELECT total(requests) FROM rollups WHERE grain = ? AND period = ? AND subject = 0";
const BEFORE =
  "SELECT period FROM rollups WHERE grain = ? AND period >= ? AND period < ? ORDER BY period DESC LIMIT 1";
const ROWS = "SELECT count(*) FROM (SELECT 1 FROM rollups WHERE grain = ? AND period = ? LIMIT ?)";

export class ActorDays {
  readonly #days = new Map<number, Day>();
  readonly #maxRemembered: number;
  #remembered = 0;

  /** `maxRemembered`: numbers; beyond them everything is read anew. */
  constructor(maxRemembered = MAX_REMEMBERED) {
    this.#maxRemembered = maxRemembered;
  }

  forget(): void {
    this.#days.clear();
    this.#remembered = 0;
  }

  /** The newest day of `from` to `to` (not included) that, with those after it, has more than `most` rows; null: none. */
  tooMany(source: Reading, from: number, to: number, most: number): number | null {
    let left = most;
    for (const period of daysOf(source, from, to)) {
      left -= this.#rows(source, period, left);
      if (left < 0) return period;
    }
    return null;
  }

  /** Requests by actor in the days from `from` to `to` (not included), of the shapes that `shapes` lets through. */
  requests(source: Reading, from: number, to: number, shapes: Where = EVERYTHING): Map<number, number> {
    const sums = new Map<number, number>();
    for (const period of daysOf(source, from, to)) {
      const counts = this.#counts(source, period, shapes);
      for (let at = 0; at < counts.length; at += 2) {
        const actor = counts[at] as number;
        sums.set(actor, clamped((sums.get(actor) ?? 0) + (counts[at + 1] as number)));
      }
    }
    return sums;
  }

  /** As it is now: what is remembered of it as it was is forgotten. */
  #day(source: Reading, period: number): Day {
    const stamp = source.all(STAMP, [DAY.id, period])[0]?.[0] as number;
    const known = this.#days.get(period);
    if (known?.stamp === stamp) return known;
    for (const { length } of known?.counts.values() ?? []) this.#remembered -= length;
    const day: Day = { stamp, rows: null, counts: new Map() };
    this.#days.set(period, day);
    return day;
  }

  /** More than `most` where there are more. */
  #rows(source: Reading, period: number, most: number): number {
    const day = this.#day(source, period);
    if (day.rows !== null) return day.rows;
    const rows = source.all(ROWS, [ACTOR.id, period, most + 1])[0]?.[0] as number;
    if (rows <= most) day.rows = rows;
    return rows;
  }

  #counts(source: Reading, period: number, shapes: Where): Counts {
    const key = JSON.stringify([shapes.sql, shapes.params]);
    const known = this.#day(source, period).counts.get(key);
    if (known !== undefined) return known;
    // Of one day, so that rows come by actor.
    const rows = source.all(
      `SELECT subject, total(requests) FROM rollups WHERE grain = ? AND period = ? AND ${shapes.sql} GROUP BY subject`,
      [ACTOR.id, period, ...shapes.params],
    );
    const counts = new Float64Array(2 * rows.length);
    let at = 0;
    for (const [actor, requests] of rows) {
      counts[at++] = actor as number;
      counts[at++] = requests as number;
    }
    if (this.#remembered + counts.length > this.#maxRemembered) this.forget();
    this.#remembered += counts.length;
    this.#day(source, period).counts.set(key, counts);
    return counts;
  }
}

/** Days that have sums of actors, the newest first. */
function* daysOf(source: Reading, from: number, to: number): Generator<number> {
  for (let before = Math.min(to, Number.MAX_SAFE_INTEGER); ; ) {
    const period = source.all(BEFORE, [ACTOR.id, from, before])[0]?.[0] as number | undefined;
    if (period === undefined) return;
    yield period;
    before = period;
  }
}
