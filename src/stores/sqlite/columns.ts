// How events lie in the table `events`: a column for each field, in the order of FIELDS, and the two salts.
// Repeating values are ids of the dictionary. UUIDs are their bytes, which spares 32 bytes an event (386 instead of
// 418, indexes included); so are node ids, because bytes order as their text does.
import { type Cell, COLUMN, FIELDS, type FieldSpec, type Row } from "../../event/fields.ts";
import type { JournalEvent } from "../../event/leaf.ts";
import type { Dictionary } from "./dictionary.ts";

export type SqlValue = string | number | Uint8Array | null;

/** `flag`: 0 or 1; `word`: an id of the dictionary; `uuid`, `node`: bytes. */
type Form = "integer" | "text" | "flag" | "word" | "uuid" | "node";

export interface Column {
  readonly name: string;
  readonly form: Form;
  readonly pattern: RegExp | undefined;
}

const UUID = (FIELDS as readonly FieldSpec[])[COLUMN.event_id]?.pattern;

export const COLUMNS: readonly Column[] = FIELDS.map((spec: FieldSpec) => ({
  name: spec.name,
  form: formOf(spec),
  pattern: spec.pattern,
}));

/** The fields' columns for a SELECT or INSERT. */
export const COLUMN_LIST = COLUMNS.map(({ name }) => `"${name}"`).join(", ");

function formOf(spec: FieldSpec): Form {
  if (spec.name === "node_id") return "node";
  if (spec.pattern === UUID) return "uuid";
  if (spec.repeats) return "word";
  if (spec.type === "boolean") return "flag";
  return spec.type === "integer" ? "integer" : "text";
}

/** What the column holds for `cell`, but for words: their text. Undefined when it can hold no such value. */
export function sqlOf({ form, pattern }: Column, cell: string | number | boolean): SqlValue | undefined {
  switch (form) {
    case "integer":
      return Number.isSafeInteger(cell) ? (cell as number) : undefined;
    case "flag":
      return typeof cell === "boolean" ? Number(cell) : undefined;
    case "text":
    case "word":
      return typeof cell === "string" && cell.isWellFormed() ? cell : undefined;
    case "uuid":
    case "node":
      return typeof cell === "string" && pattern?.test(cell)
        ? Buffer.from(cell.replaceAll("-", ""), "hex")
        : undefined;
  }
}

/** The values of the event's INSERT. Throws a TypeError that names the field, never the value, that does not fit. */
export function storedEvent({ row, p1Salt, p2Salt }: JournalEvent, dictionary: Dictionary): SqlValue[] {
  const values: SqlValue[] = new Array(COLUMNS.length).fill(null);
  for (const [index, column] of COLUMNS.entries()) {
    const cell = row[index];
    if (cell === null || cell === undefined) continue;
    const value = sqlOf(column, cell);
    if (value === undefined) throw new TypeError(`${column.name} of an event is not what its column holds`);
    values[index] = column.form === "word" ? dictionary.add(column.name, value as string) : value;
  }
  values.push(p1Salt, p2Salt);
  return values;
}

/** The row that a SELECT of COLUMN_LIST gave. */
export function readRow(values: readonly SqlValue[], dictionary: Dictionary): Row {
  return COLUMNS.map(({ form }, index) => {
    const value = values[index] ?? null;
    return value === null ? null : cellOf(form, value, dictionary);
  });
}

function cellOf(form: Form, value: string | number | Uint8Array, dictionary: Dictionary): Cell {
  switch (form) {
    case "word":
      return dictionary.word(value as number);
    case "flag":
      return value === 1;
    case "uuid":
      return hexOf(value as Uint8Array).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    case "node":
      return hexOf(value as Uint8Array);
    default:
      return value as string | number;
  }
}

function hexOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}
