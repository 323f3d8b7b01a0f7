// How events lie in the table `events`. Fields that say what sort of request it was (model, provider, status, …) take
// few values together: a whole set of them is kept once, as a shape (tuples.ts), and an event has its id; so are user
// and API key, as an actor. Of the rest, repeating values are ids of the dictionary, and ids of our own making are bytes.
import { type Cell, COLUMN, FIELDS, type FieldName, type FieldSpec, type Row } from "../../event/fields.ts";
import type { JournalEvent } from "../../event/leaf.ts";
import { ALIKE_FIELDS } from "../alike.ts";
import type { Dictionary } from "./dictionary.ts";
import type { Tuples } from "./tuples.ts";

export type SqlValue = string | number | Uint8Array | null;

/**
 * `flag`: 0 or 1; `word`: an id of the dictionary; `uuid`, `node`: bytes; `request`, `trace`: bytes where the id has
 * the form that Daybook gives it, else text.
 */
type Form = "integer" | "text" | "flag" | "word" | "uuid" | "node" | "request" | "trace";

export interface Column {
  readonly name: FieldName;
  readonly form: Form;
  readonly pattern: RegExp | undefined;
  /** Where it stands: in the shape, the actor, or the event's own row, and at which place there. */
  readonly home: "shape" | "actor" | "event";
  readonly at: number;
}

const ACTOR_FIELDS: ReadonlySet<string> = new Set<FieldName>(["user_id", "api_key_id"]);

const UUID = (FIELDS as readonly FieldSpec[])[COLUMN.event_id]?.pattern;
const OUR_REQUEST_ID = /^req_[0-9a-f]{32}$/;
const OUR_TRACE_ID = /^[0-9a-f]{32}$/;

/** In the order of FIELDS. */
export const COLUMNS: readonly Column[] = placed();

/** Those of a shape, of an actor, and of an event's own row, each in their places. */
export const SHAPE_COLUMNS = COLUMNS.filter(({ home }) => home === "shape");
export const ACTOR_COLUMNS = COLUMNS.filter(({ home }) => home === "actor");
export const EVENT_COLUMNS = COLUMNS.filter(({ home }) => home === "event");

const NAMES = [...EVENT_COLUMNS.map(({ name }) => `"${name}"`), "shape", "actor"];
const VALUE_COUNT = NAMES.length + 2;
export const INSERT_EVENT = `INSERT INTO events (${NAMES.join(", ")}, p1_salt, p2_salt)
  VALUES (${"?, ".repeat(VALUE_COUNT - 1)}?)`;

/** Ids that most events have, in one text: each value costs on its way out of SQLite, and bytes four times as much. */
const PACKED: readonly { readonly name: FieldName; readonly digits: number }[] = [
  { name: "event_id", digits: 32 },
  { name: "node_id", digits: 16 },
  { name: "trace_id", digits: 32 },
  { name: "request_id", digits: 32 },
];
const PACKED_SQL = `lower(printf('${PACKED.map(({ digits }) => `%-${digits}s`).join("")}', ${PACKED.map(
  ({ name }) => `CASE typeof("${name}") WHEN 'blob' THEN hex("${name}") END`,
).join(", ")}))`;
const [EVENT_ID, NODE_ID, TRACE_ID, REQUEST_ID] = PACKED.map(({ name }) => COLUMN[name]) as [
  number,
  number,
  number,
  number,
];

/** The others, with ids that are texts. */
const SINGLE = EVENT_COLUMNS.filter(({ name }) => name !== "event_id" && name !== "node_id");
const [SHAPE, ACTOR, IDS] = [SINGLE.length, SINGLE.length + 1, SINGLE.length + 2] as const;

/** What `readRow` wants of `events`, and how many values that are. */
export const EVENT_LIST = [...SINGLE.map(singleSql), "shape", "actor", PACKED_SQL].join(", ");
export const EVENT_LIST_LENGTH = SINGLE.length + 3;

function placed(): Column[] {
  const next = { shape: 0, actor: 0, event: 0 };
  return FIELDS.map((spec: FieldSpec) => {
    const name = spec.name as FieldName;
    const home = ALIKE_FIELDS.has(name) ? "shape" : ACTOR_FIELDS.has(name) ? "actor" : "event";
    return { name, form: formOf(spec, home), pattern: spec.pattern, home, at: next[home]++ };
  });
}

function formOf(spec: FieldSpec, home: Column["home"]): Form {
  if (spec.name === "node_id") return "node";
  if (spec.name === "request_id") return "request";
  if (spec.name === "trace_id") return "trace";
  if (spec.pattern === UUID) return "uuid";
  if (spec.type === "boolean") return "flag";
  if (spec.type === "integer") return "integer";
  return spec.repeats && home === "event" ? "word" : "text";
}

export function columnOf(name: FieldName): Column {
  return COLUMNS[COLUMN[name]] as Column;
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
      return typeof cell === "string" && pattern?.test(cell) ? bytesOf(cell.replaceAll("-", "")) : undefined;
    case "request":
      return typeof cell === "string" && OUR_REQUEST_ID.test(cell) ? bytesOf(cell.slice(4)) : textOf(cell);
    case "trace":
      return typeof cell === "string" && OUR_TRACE_ID.test(cell) ? bytesOf(cell) : textOf(cell);
  }
}

function textOf(cell: string | number | boolean): string | undefined {
  return typeof cell === "string" && cell.isWellFormed() ? cell : undefined;
}

function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

/** Whether the event is somebody's. */
export function hasActor(row: Row): boolean {
  return ACTOR_COLUMNS.some(({ name }) => (row[COLUMN[name]] ?? null) !== null);
}

/** The values of INSERT_EVENT. Throws a TypeError that names the field, never the value, that does not fit. */
export function storedEvent(
  { row, p1Salt, p2Salt }: JournalEvent,
  shape: number,
  actor: number | null,
  dictionary: Dictionary,
): SqlValue[] {
  const values: SqlValue[] = new Array(VALUE_COUNT).fill(null);
  const recordedAt = Number(row[RECORDED_AT]);
  for (const column of EVENT_COLUMNS) {
    const cell = row[COLUMN[column.name]];
    if (cell === null || cell === undefined) continue;
    const value = fitting(column, cell);
    values[column.at] =
      column.form === "word" ? dictionary.add(column.name, value as string, recordedAt) : value;
  }
  values[EVENT_COLUMNS.length] = shape;
  values[EVENT_COLUMNS.length + 1] = actor;
  values[EVENT_COLUMNS.length + 2] = p1Salt;
  values[EVENT_COLUMNS.length + 3] = p2Salt;
  return values;
}

/** What the column holds for `cell`. Throws a TypeError that names the field, never the value. */
export function fitting(column: Column, cell: string | number | boolean): SqlValue {
  const value = sqlOf(column, cell);
  if (value === undefined) throw new TypeError(`${column.name} of an event is not what its column holds`);
  return value;
}

/** Where the values of rows are looked up. */
export interface Words {
  readonly dictionary: Dictionary;
  readonly shapes: Tuples;
  readonly actors: Tuples;
}

const READ = SINGLE.map(({ name, form }) => ({ to: COLUMN[name], form }));
const RECORDED_AT = COLUMN.recorded_at;
const SHAPES = SHAPE_COLUMNS.map(({ name, at }) => ({ to: COLUMN[name], at }));
const ACTORS = ACTOR_COLUMNS.map(({ name, at }) => ({ to: COLUMN[name], at }));
/** Rows with nothing but a shape's cells. */
const BEGUN = new WeakMap<readonly Cell[], Row>();

/** The row that a SELECT of EVENT_LIST gave. */
export function readRow(values: readonly SqlValue[], { shapes, actors, dictionary }: Words): Row {
  const row = begunRow(shapes.cells(shapeOf(values)));
  const actorId = values[ACTOR] as number | null;
  if (actorId !== null) {
    const actor = actors.cells(actorId);
    for (const { to, at } of ACTORS) row[to] = actor[at] ?? null;
  }
  for (let place = 0; place < READ.length; place++) {
    const value = values[place] as string | number | null;
    if (value === null) continue;
    const { to, form } = READ[place] as (typeof READ)[number];
    row[to] = cellRead(form, value, dictionary);
  }
  readIds(row, values[IDS] as string);
  return row;
}

/** The id of the shape of the row that a SELECT of EVENT_LIST gave. */
export function shapeOf(values: readonly SqlValue[]): number {
  return values[SHAPE] as number;
}

function begunRow(cells: readonly Cell[]): Row {
  let begun = BEGUN.get(cells);
  if (begun === undefined) {
    begun = FIELDS.map(() => null) as Row;
    for (const { to, at } of SHAPES) begun[to] = cells[at] ?? null;
    BEGUN.set(cells, begun);
  }
  return begun.slice();
}

function cellRead(form: Form, value: string | number, dictionary: Dictionary): Exclude<Cell, null> {
  if (form === "word") return dictionary.word(value as number);
  if (form === "flag") return value === 1;
  return form === "uuid" ? uuidOf(value as string) : value;
}

/** Blanks where there is none, or where it is a text. */
function readIds(row: Row, ids: string): void {
  const isThere = (at: number) => ids.charCodeAt(at) !== BLANK;
  if (isThere(0)) row[EVENT_ID] = uuidOf(ids.slice(0, 32));
  if (isThere(32)) row[NODE_ID] = ids.slice(32, 48);
  if (isThere(48)) row[TRACE_ID] = ids.slice(48, 80);
  if (isThere(80)) row[REQUEST_ID] = `req_${ids.slice(80)}`;
}

const BLANK = 0x20;

/** What an event has where its row holds `value`. */
export function cellOf(
  form: Form,
  value: string | number | Uint8Array,
  dictionary: Dictionary,
): Exclude<Cell, null> {
  switch (form) {
    case "word":
      return dictionary.word(value as number);
    case "flag":
      return value === 1;
    case "uuid":
      return uuidOf(hexOf(value as Uint8Array));
    case "node":
      return hexOf(value as Uint8Array);
    case "request":
      return typeof value === "string" ? value : `req_${hexOf(value as Uint8Array)}`;
    case "trace":
      return typeof value === "string" ? value : hexOf(value as Uint8Array);
    default:
      return value as string | number;
  }
}

function hexOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}

function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** As `shownSql`, but for what is in PACKED_SQL, and what costs less outside SQL: words, and the dashes of a uuid. */
function singleSql({ form, name }: Column): string {
  const column = `"${name}"`;
  if (form === "request" || form === "trace") return `CASE typeof(${column}) WHEN 'text' THEN ${column} END`;
  if (form === "uuid") return `nullif(lower(hex(${column})), '')`;
  return form === "word" ? column : shownSql(form, column);
}

/** What an event has, as text or number, where a SQL `column` holds it in this form. */
export function shownSql(form: Form, column: string): string {
  switch (form) {
    case "word":
      return `(SELECT value FROM dictionary WHERE id = ${column})`;
    case "node":
      return `lower(hex(${column}))`;
    case "uuid":
      return `CASE WHEN ${column} IS NOT NULL THEN lower(${uuidText(column)}) END`;
    case "request":
      return bytesOrText(column, "'req_' || ");
    case "trace":
      return bytesOrText(column, "");
    default:
      return column;
  }
}

function bytesOrText(column: string, prefix: string): string {
  return `CASE typeof(${column}) WHEN 'blob' THEN ${prefix}lower(hex(${column})) ELSE ${column} END`;
}

function uuidText(column: string): string {
  const parts = ["1, 4", "5, 2", "7, 2", "9, 2", "11, 6"];
  return parts.map((part) => `hex(substr(${column}, ${part}))`).join(" || '-' || ");
}
