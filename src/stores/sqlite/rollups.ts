// Sums by period, kept in the transaction of the append that changes them, so that what is asked of all events is read
// from as few rows at 50 million as at 50 thousand. For each shape of events there is a row an hour, a day and 32 days;
// and for each actor, with each shape that it had, a row a day, without latencies.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Cell, COLUMN, type Row } from "../../event/fields.ts";
import { Latency } from "../latency.ts";
import type { SqlValue } from "./columns.ts";
import { DAY_MS } from "./dictionary.ts";

const HOUR_MS = 3_600_000;
const LONG_MS = 32 * DAY_MS;

/** Rows of one grain are for everybody (subject 0), or for each actor. */
export interface Grain {
  readonly id: number;
  readonly unitMs: number;
  readonly ofActors: boolean;
}

const LONG: Grain = { id: 0, unitMs: LONG_MS, ofActors: false };
export const DAY: Grain = { id: 1, unitMs: DAY_MS, ofActors: false };
export const HOUR: Grain = { id: 2, unitMs: HOUR_MS, ofActors: false };
export const ACTOR: Grain = { id: 3, unitMs: DAY_MS, ofActors: true };
export const GRAINS: readonly Grain[] = [LONG, DAY, HOUR, ACTOR];

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
/** What a row that is there already becomes. */
export const SUMS_ADDED = SUM_COLUMNS.map(
  (name) => `${name} = min(${name} + excluded.${name}, ${Number.MAX_SAFE_INTEGER})`,
).join(", ");
const PLACES = [COLUMN.count, ...SUM_COLUMNS.slice(1).map((name) => COLUMN[name as "cost_micros"])];

/** Sums in the order of SUM_COLUMNS; each stops at MAX_SAFE_INTEGER, as every number of an event does. */
export class Sums {
  readonly values: number[] = [0, 0, 0, 0, 0, 0];
  readonly latency: Latency;

  /** `latency`: where latencies go, which several sums may share. */
  constructor(latency: Latency = new Latency()) {
    this.latency = latency;
  }

  get requests(): number {
    return this.values[0] as number;
  }

  /** By name. */
  get totals() {
    const [
      requests = 0,
      promptTokens = 0,
      completionTokens = 0,
      totalTokens = 0,
      cachedTokens = 0,
      costMicros = 0,
    ] = this.values;
    return { requests, promptTokens, completionTokens, totalTokens, cachedTokens, costMicros };
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

/** What a batch adds to the rollups, collected and then written: a row that many events change is written once. */
export class Tally {
  readonly #hours = new Map<number, Map<number, Sums>>();
  readonly #days = new Map<number, Map<number, Map<number, number[]>>>();

  add(row: Row, shape: number, actor: number | null): void {
    const recordedAt = row[COLUMN.recorded_at] as number;
    count(sumsIn(mapIn(this.#hours, Math.floor(recordedAt / HOUR_MS)), shape), row);
    if (actor === null) return;
    const shapes = mapIn(mapIn(this.#days, Math.floor(recordedAt / DAY_MS)), actor);
    let values = shapes.get(shape);
    if (values === undefined) {
      values = [0, 0, 0, 0, 0, 0];
      shapes.set(shape, values);
    }
    addCells(values, row);
  }

  /** Within the transaction of the append. */
  write(rollups: RollupRows): void {
    for (const grain of [LONG, DAY, HOUR]) {
      for (const [period, shapes] of merged(this.#hours, grain.unitMs / HOUR_MS))
        for (const [shape, sums] of shapes) rollups.add(grain.id, period, shape, sums);
    }
    for (const [day, actors] of this.#days)
      for (const [actor, shapes] of actors)
        for (const [shape, values] of shapes) rollups.addForActor(day, actor, shape, values);
  }
}

/** The table `rollups`, for writing. */
export class RollupRows {
  readonly #select: StatementSync;
  readonly #replace: StatementSync;
  readonly #addForActor: StatementSync;

  constructor(db: DatabaseSync) {
    this.#select = db.prepare(
      `SELECT ${SUM_LIST}, latency FROM rollups WHERE grain = ? AND period = ? AND subject = 0 AND shape = ?`,
    );
    this.#select.setReturnArrays(true);
    const list = `grain, period, subject, shape, ${SUM_LIST}`;
    const places = "?, ".repeat(SUM_COLUMNS.length - 1);
    this.#replace = db.prepare(
      `INSERT OR REPLACE INTO rollups (${list}, latency) VALUES (?, ?, 0, ?, ${places}?, ?)`,
    );
    this.#addForActor = db.prepare(
      `INSERT INTO rollups (${list}) VALUES (${ACTOR.id}, ?, ?, ?, ${places}?)
       ON CONFLICT DO UPDATE SET ${SUMS_ADDED}`,
    );
  }

  add(grain: number, period: number, shape: number, more: Sums): void {
    const found = this.#select.get(grain, period, shape) as unknown as SqlValue[] | undefined;
    if (found !== undefined) addRow(more, found);
    this.#replace.run(grain, period, shape, ...more.values, more.latency.encode());
  }

  addForActor(day: number, actor: number, shape: number, values: readonly number[]): void {
    this.#addForActor.run(day, actor, shape, ...values);
  }
}

/** Adds latencies that have their length before them, in two bytes. */
function addAll(latency: Latency, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    const from = at + 2;
    at = from + bytes.readUInt16BE(at);
    latency.mergeEncoded(bytes, from, at);
  }
}

/** Adds a row that has SUM_LIST and `latency` from `at` on; `latency` may be many in one text (collect.ts). */
export function addRow(sums: Sums, row: readonly SqlValue[], at = 0): void {
  sums.add(row, at);
  const latency = row[at + SUM_COLUMNS.length];
  if (latency instanceof Uint8Array) sums.latency.mergeEncoded(latency);
  else if (typeof latency === "string") addAll(sums.latency, Buffer.from(latency, "hex"));
}

function count(sums: Sums, row: readonly Cell[]): void {
  addCells(sums.values, row);
  const duration = row[COLUMN.duration_ms];
  if (typeof duration === "number") sums.latency.add(duration);
}

function addCells(values: number[], row: readonly Cell[]): void {
  for (let index = 0; index < PLACES.length; index++) {
    const value = row[PLACES[index] as number];
    if (typeof value === "number") values[index] = clamped((values[index] as number) + value);
  }
}

/** Periods of `factor` times the length, with sums of their own but for the last, where the factor is 1. */
function merged(periods: Map<number, Map<number, Sums>>, factor: number): Map<number, Map<number, Sums>> {
  if (factor === 1) return periods;
  const longer = new Map<number, Map<number, Sums>>();
  for (const [period, shapes] of periods) {
    const into = mapIn(longer, Math.floor(period / factor));
    for (const [shape, sums] of shapes) sumsIn(into, shape).merge(sums);
  }
  return longer;
}

export function mapIn<K, Inner, V>(map: Map<K, Map<Inner, V>>, key: K): Map<Inner, V> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}

export function sumsIn<K>(map: Map<K, Sums>, key: K, latency?: Latency): Sums {
  let sums = map.get(key);
  if (sums === undefined) {
    sums = new Sums(latency);
    map.set(key, sums);
  }
  return sums;
}
