// Sums by period, kept in the transaction of the append that changes them, so that what is asked of all events is read
// from as few rows at 50 million as at 50 thousand. For each shape of events there is a row an hour, a day and 32 days;
// and for each user, and each API key, with the shapes it had, a row a day.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Cell, COLUMN, type Row } from "../../event/fields.ts";
import { Latency } from "../latency.ts";
import type { SqlValue } from "./columns.ts";
import type { Dictionary } from "./dictionary.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const LONG_MS = 32 * DAY_MS;

/** Rows of one grain are for everybody (subject 0), or for each user or API key (an id of the dictionary). */
export interface Grain {
  readonly id: number;
  readonly unitMs: number;
  readonly subject: "user_id" | "api_key_id" | null;
}

export const GRAINS: readonly Grain[] = [
  { id: 0, unitMs: LONG_MS, subject: null },
  { id: 1, unitMs: DAY_MS, subject: null },
  { id: 2, unitMs: HOUR_MS, subject: null },
  { id: 3, unitMs: DAY_MS, subject: "user_id" },
  { id: 4, unitMs: DAY_MS, subject: "api_key_id" },
];

/** Columns of sums, in `rollups` and (`requests` is `count` there) in `events`. */
const SUM_COLUMNS = [
  "requests",
  "prompt_tokens",
  "completion_tokens",
  "total_tokens",
  "cached_tokens",
  "cost_micros",
] as const;
export const SUM_LIST = SUM_COLUMNS.join(", ");
export const EVENT_SUM_LIST = SUM_LIST.replace("requests", '"count"');
const PLACES = [COLUMN.count, ...SUM_COLUMNS.slice(1).map((name) => COLUMN[name as "cost_micros"])];

/** Sums in the order of SUM_COLUMNS; each stops at MAX_SAFE_INTEGER, as every number of an event does. */
export class Sums {
  readonly values: number[] = [0, 0, 0, 0, 0, 0];
  readonly latency = new Latency();

  get requests(): number {
    return this.values[0] as number;
  }

  /** Values from `at` on, in the order of SUM_COLUMNS. */
  add(values: readonly unknown[], at = 0): void {
    for (let index = 0; index < SUM_COLUMNS.length; index++) {
      const value = values[at + index];
      if (typeof value === "number") this.values[index] = clamped((this.values[index] as number) + value);
    }
  }

  merge({ values, latency }: Sums): void {
    this.add(values);
    this.latency.merge(latency);
  }
}

export function clamped(sum: number): number {
  return Math.min(sum, Number.MAX_SAFE_INTEGER);
}

type BySubject = Map<number, Map<number, Sums>>;

/** What a batch adds to the rollups, collected and then written: a row that many events change is written once. */
export class Tally {
  readonly #dictionary: Dictionary;
  readonly #hours = new Map<number, Map<number, Sums>>();
  readonly #users = new Map<number, BySubject>();
  readonly #keys = new Map<number, BySubject>();

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  add(row: Row, shape: number): void {
    const recordedAt = row[COLUMN.recorded_at] as number;
    const day = Math.floor(recordedAt / DAY_MS);
    count(sumsIn(mapIn(this.#hours, Math.floor(recordedAt / HOUR_MS)), shape), row);
    this.#addFor(mapIn(this.#users, day), "user_id", row, shape);
    this.#addFor(mapIn(this.#keys, day), "api_key_id", row, shape);
  }

  #addFor(days: BySubject, name: "user_id" | "api_key_id", row: Row, shape: number): void {
    const subject = row[COLUMN[name]];
    if (typeof subject === "string")
      count(sumsIn(mapIn(days, this.#dictionary.add(name, subject)), shape), row);
  }

  /** Within the transaction of the append. */
  write(rollups: RollupRows): void {
    for (const unitMs of [LONG_MS, DAY_MS, HOUR_MS]) {
      for (const [period, shapes] of merged(this.#hours, unitMs / HOUR_MS))
        for (const [shape, sums] of shapes) rollups.add(idOf(unitMs, null), period, 0, shape, sums);
    }
    for (const [name, days] of [
      ["user_id", this.#users],
      ["api_key_id", this.#keys],
    ] as const) {
      for (const [day, subjects] of days)
        for (const [subject, shapes] of subjects)
          for (const [shape, sums] of shapes) rollups.add(idOf(DAY_MS, name), day, subject, shape, sums);
    }
  }
}

/** The table `rollups`, for writing. */
export class RollupRows {
  readonly #select: StatementSync;
  readonly #replace: StatementSync;

  constructor(db: DatabaseSync) {
    this.#select = db.prepare(
      `SELECT ${SUM_LIST}, latency FROM rollups WHERE grain = ? AND period = ? AND subject = ? AND shape = ?`,
    );
    this.#select.setReturnArrays(true);
    this.#replace = db.prepare(
      `INSERT OR REPLACE INTO rollups (grain, period, subject, shape, ${SUM_LIST}, latency)
       VALUES (?, ?, ?, ?, ${"?, ".repeat(SUM_COLUMNS.length)}?)`,
    );
  }

  add(grain: number, period: number, subject: number, shape: number, more: Sums): void {
    const found = this.#select.get(grain, period, subject, shape) as unknown as SqlValue[] | undefined;
    const sums = new Sums();
    if (found !== undefined) addRow(sums, found);
    sums.merge(more);
    this.#replace.run(grain, period, subject, shape, ...sums.values, sums.latency.encode());
  }
}

/** Adds a row that has SUM_LIST and `latency` from `at` on. */
export function addRow(sums: Sums, row: readonly SqlValue[], at = 0): void {
  sums.add(row, at);
  const latency = row[at + SUM_COLUMNS.length];
  if (latency instanceof Uint8Array) sums.latency.mergeEncoded(latency);
}

function count(sums: Sums, row: readonly Cell[]): void {
  for (let index = 0; index < PLACES.length; index++) {
    const value = row[PLACES[index] as number];
    if (typeof value === "number") sums.values[index] = clamped((sums.values[index] as number) + value);
  }
  const duration = row[COLUMN.duration_ms];
  if (typeof duration === "number") sums.latency.add(duration);
}

/** Periods of `factor` times the length. */
function merged(periods: Map<number, Map<number, Sums>>, factor: number): Map<number, Map<number, Sums>> {
  if (factor === 1) return periods;
  const longer = new Map<number, Map<number, Sums>>();
  for (const [period, shapes] of periods) {
    const into = mapIn(longer, Math.floor(period / factor));
    for (const [shape, sums] of shapes) sumsIn(into, shape).merge(sums);
  }
  return longer;
}

function idOf(unitMs: number, subject: Grain["subject"]): number {
  return GRAINS.find((grain) => grain.unitMs === unitMs && grain.subject === subject)?.id ?? -1;
}

export function mapIn<K, Inner, V>(map: Map<K, Map<Inner, V>>, key: K): Map<Inner, V> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}

export function sumsIn<K>(map: Map<K, Sums>, key: K): Sums {
  let sums = map.get(key);
  if (sums === undefined) {
    sums = new Sums();
    map.set(key, sums);
  }
  return sums;
}
