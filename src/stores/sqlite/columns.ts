// How events lie in the table `events`. Fields that say what sort of request it was (model, provider, status, …) take
// few values together: a whole set of them is kept once, as a shape (tuples.ts), and an event has its id; so are user
// and API key, as an actor. Of the rest, repeating values are ids of the dictionary, and ids of our own making are bytes.
import { type Cell, COLUMN, FIELDS, type FieldName, type FieldSpec, type Row } from "../../event/fields.ts";
import type { JournalEvent } from "../../event/leaf.ts";
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

/** Bound to each other, public, and without values that a client can make up at will but for `model`. */
const SHAPE_FIELDS: ReadonlySet<string> = new Set<FieldName>([
  "schema_version",
  "kind",
  "action",
  "caller",
  "profile",
  "name",
  "method",
  "endpoint",
  "entity_type",
  "model",
  "upstream_model",
  "backend_type",
  "provider",
  "provider_id",
  "route",
  "route_id",
  "streaming",
  "finish_reason",
  "status",
  "status_code",
  "error_code",
  "error_type",
  "policy_decision",
  "tokens_estimated",
  "quota_violation",
]);

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

/** What `readRow` wants of `events`. Ids come as hex: bytes cost four times as much on their way out of SQLite. */
export const EVENT_LIST = [
  ...EVENT_COLUMNS.map(({ name, form }) => hexSql(form, `"${name}"`)),
  "shape",
  "actor",
].join(", ");

function placed(): Column[] {
  const next = { shape: 0, actor: 0, event: 0 };
  return FIELDS.map((spec: FieldSpec) => {
    const name = spec.name as FieldName;
    const home = SHAPE_FIELDS.has(name) ? "shape" : ACTOR_FIELDS.has(name) ? "actor" : "event";
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
  for (const column of EVENT_COLUMNS) {
    const cell = row[COLUMN[column.name]];
    if (cell === null || cell === undefined) continue;
    const value = fitting(column, cell);
    values[column.at] = column.form === "word" ? dictionary.add(column.name, value as string) : value;
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

const NO_CELLS: readonly Cell[] = [];

/** The row that a SELECT of EVENT_LIST gave. */
export function readRow(values: readonly SqlValue[], { shapes, actors, dictionary }: Words): Row {
  const shape = shapes.cells(values[EVENT_COLUMNS.length] as number);
  const actorId = values[EVENT_COLUMNS.length + 1] as number | null;
  const actor = actorId === null ? NO_CELLS : actors.cells(actorId);
  return COLUMNS.map(({ form, home, at }) => {
    if (home !== "event") return (home === "shape" ? shape : actor)[at] ?? null;
    const value = values[at] as string | number | null;
    if (value === null) return null;
    if (form === "word") return dictionary.word(value as number);
    if (form === "flag") return value === 1;
    return form === "uuid" ? uuidOf(value as string) : value;
  });
}

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

/** As `shownSql`, but for what costs less outside SQL: words, and the dashes of a uuid. */
function hexSql(form: Form, column: string): string {
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
