// Values that belong together are kept once, as a tuple with an id: the shapes of events (SHAPE_COLUMNS), and their
// actors (ACTOR_COLUMNS). Ids of shapes that did not succeed are negative, so that failures can have an index of their
// own (tables.ts). Tuples are never changed, so what a connection remembers of committed ones stays true
// until they are taken away (forgotten.ts).
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Cell, COLUMN, type Row } from "../../event/fields.ts";
import { ACTOR_COLUMNS, type Column, columnOf, fitting, SHAPE_COLUMNS } from "./columns.ts";

/** Tuples that a connection remembers of each table, some 20 MiB; then it starts afresh. */
const MAX_REMEMBERED = 20_000;
/** Those that events had last: most events are like one of the few before them. */
const RECENT = 8;
const STATUS = columnOf("status").at;

interface Tuple {
  readonly id: number;
  readonly cells: readonly Cell[];
}

export function openShapes(db: DatabaseSync): Tuples {
  return new Tuples(db, "shapes", SHAPE_COLUMNS, (cells) => cells[STATUS] !== "success");
}

export function openActors(db: DatabaseSync): Tuples {
  return new Tuples(db, "actors", ACTOR_COLUMNS, () => false);
}

export class Tuples {
  readonly #columns: readonly Column[];
  readonly #places: readonly number[];
  readonly #isNegative: (cells: readonly Cell[]) => boolean;
  readonly #insert: StatementSync;
  readonly #newest: StatementSync;
  readonly #selectId: StatementSync;
  readonly #selectCells: StatementSync;
  readonly #ids = new Map<string, number>();
  readonly #cells = new Map<number, readonly Cell[]>();
  readonly #recent: Tuple[] = [];
  #oldest = 0;

  constructor(
    db: DatabaseSync,
    table: string,
    columns: readonly Column[],
    isNegative: (cells: readonly Cell[]) => boolean,
  ) {
    this.#columns = columns;
    this.#places = columns.map(({ name }) => COLUMN[name]);
    this.#isNegative = isNegative;
    this.#insert = db.prepare(`INSERT INTO ${table} (id, cells) VALUES (?, ?)`);
    // Each end by itself: asked for both at once, SQLite reads the whole table.
    const [least, most] = [`(SELECT min(id) FROM ${table})`, `(SELECT max(id) FROM ${table})`];
    this.#newest = db.prepare(`SELECT max(abs(${least}), ${most}) AS newest`);
    this.#selectId = db.prepare(`SELECT id FROM ${table} WHERE cells = ?`);
    this.#selectCells = db.prepare(`SELECT cells FROM ${table} WHERE id = ?`);
  }

  /** The id of a row's tuple, added when it is new. Call `forget` when the transaction is rolled back. */
  add(row: Row): number {
    for (const recent of this.#recent) if (this.#isOf(row, recent)) return recent.id;
    const cells = this.#places.map((place) => row[place] ?? null);
    const id = this.#idOf(cells);
    this.#recent[this.#oldest] = { id, cells };
    this.#oldest = (this.#oldest + 1) % RECENT;
    return id;
  }

  #isOf(row: Row, { cells }: Tuple): boolean {
    const places = this.#places;
    for (let at = 0; at < places.length; at++)
      if ((row[places[at] as number] ?? null) !== cells[at]) return false;
    return true;
  }

  #idOf(cells: readonly Cell[]): number {
    const text = JSON.stringify(cells);
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    // Checked once for each tuple: what is remembered has passed.
    for (const [at, column] of this.#columns.entries()) {
      const cell = cells[at] ?? null;
      if (cell !== null) fitting(column, cell);
    }
    const id = (this.#selectId.get(text)?.id as number | undefined) ?? this.#append(text, cells);
    this.#remember(id, text, cells);
    return id;
  }

  /** In the order of the columns; shorter for a tuple that is older than the last of them. */
  cells(id: number): readonly Cell[] {
    const known = this.#cells.get(id);
    if (known !== undefined) return known;
    const text = this.#selectCells.get(id)?.cells as string | undefined;
    if (text === undefined) throw new Error(`the store is damaged: a shape or actor ${id} is missing`);
    const cells = JSON.parse(text) as Cell[];
    this.#remember(id, text, cells);
    return cells;
  }

  /** Drops what is remembered. */
  forget(): void {
    this.#ids.clear();
    this.#cells.clear();
    this.#recent.length = 0;
    this.#oldest = 0;
  }

  #append(text: string, cells: readonly Cell[]): number {
    const next = Number(this.#newest.get()?.newest ?? 0) + 1;
    const id = this.#isNegative(cells) ? -next : next;
    this.#insert.run(id, text);
    return id;
  }

  #remember(id: number, text: string, cells: readonly Cell[]): void {
    if (this.#ids.size >= MAX_REMEMBERED) this.forget();
    this.#ids.set(text, id);
    this.#cells.set(id, cells);
  }
}
