// The shapes of the events: each distinct set of SHAPE_COLUMNS is kept once and has an id, negative for what did not
// succeed, so that failures have an index of their own (tables.ts). Shapes are never removed or changed, so what a
// connection remembers of committed ones stays true.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Cell, COLUMN, type Row } from "../../event/fields.ts";
import { columnOf, fitting, SHAPE_COLUMNS } from "./columns.ts";

/** Shapes that a connection remembers, some 20 MiB; then it starts afresh. */
const MAX_REMEMBERED = 20_000;
const PLACES = SHAPE_COLUMNS.map(({ name }) => COLUMN[name]);
const STATUS = columnOf("status").at;

export class Shapes {
  readonly #insert: StatementSync;
  readonly #newest: StatementSync;
  readonly #selectId: StatementSync;
  readonly #selectCells: StatementSync;
  readonly #ids = new Map<string, number>();
  readonly #cells = new Map<number, readonly Cell[]>();

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare("INSERT INTO shapes (id, cells) VALUES (?, ?)");
    this.#newest = db.prepare("SELECT max(abs(min(id)), max(id)) AS newest FROM shapes");
    this.#selectId = db.prepare("SELECT id FROM shapes WHERE cells = ?");
    this.#selectCells = db.prepare("SELECT cells FROM shapes WHERE id = ?");
  }

  /** The id of a row's shape, added when it is new. Call `forget` when the transaction is rolled back. */
  add(row: Row): number {
    const cells = PLACES.map((place) => row[place] ?? null);
    const text = JSON.stringify(cells);
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    // Checked once for each shape: what is remembered has passed.
    for (const [at, column] of SHAPE_COLUMNS.entries()) {
      const cell = cells[at] ?? null;
      if (cell !== null) fitting(column, cell);
    }
    const id = (this.#selectId.get(text)?.id as number | undefined) ?? this.#append(text, cells[STATUS]);
    this.#remember(id, text, cells);
    return id;
  }

  /** In the order of SHAPE_COLUMNS; shorter for a shape that is older than its last fields. */
  cells(id: number): readonly Cell[] {
    const known = this.#cells.get(id);
    if (known !== undefined) return known;
    const text = this.#selectCells.get(id)?.cells as string | undefined;
    if (text === undefined) throw new Error(`the store is damaged: it has no shape ${id}`);
    const cells = JSON.parse(text) as Cell[];
    this.#remember(id, text, cells);
    return cells;
  }

  /** Drops what is remembered. */
  forget(): void {
    this.#ids.clear();
    this.#cells.clear();
  }

  #append(text: string, status: Cell | undefined): number {
    const next = Number(this.#newest.get()?.newest ?? 0) + 1;
    const id = status === "success" ? next : -next;
    this.#insert.run(id, text);
    return id;
  }

  #remember(id: number, text: string, cells: readonly Cell[]): void {
    if (this.#ids.size >= MAX_REMEMBERED) this.forget();
    this.#ids.set(text, id);
    this.#cells.set(id, cells);
  }
}
