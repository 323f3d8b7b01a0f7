// CSV (RFC 4180): source B's twelve columns first, then every other field in order. Two rules beyond the RFC, so that a
// file can be opened by a spreadsheet and read back without loss: a cell that could start a formula, or that begins
// with an apostrophe, gets one apostrophe more, which a reader takes away (`cellOf`); and null is an empty cell, while
// the empty text is "".
import { type Cell, COLUMN, FIELDS, type FieldName, type FieldSpec, type Row } from "../../event/fields.ts";
import { ALIKE_FIELDS } from "../../stores/alike.ts";
import { lineEncoder, type OpenEncoder } from "./encoder.ts";
import { createIsoText } from "./iso-text.ts";

const FIRST: readonly FieldName[] = [
  "timestamp",
  "request_id",
  "model",
  "backend_type",
  "endpoint",
  "duration_ms",
  "status",
  "prompt_tokens",
  "completion_tokens",
  "total_tokens",
  "error_type",
  "error_message",
];

export const CSV_COLUMNS: readonly FieldName[] = [
  ...FIRST,
  ...FIELDS.map(({ name }) => name).filter((name) => !FIRST.includes(name)),
];

/** What spreadsheets take for the start of a formula, full-width forms included, and the apostrophe itself. */
const TRIGGER = /^['=+\-@\t\r\n＝＋－＠]/;
/** Semicolons and tabs too: some spreadsheets split at them. */
const NEEDS_QUOTES = /[",;\t\r\n]/;
/** By their codes: asked for each text of each event. */
const TRIGGERS = Uint8Array.from({ length: 0x10000 }, (_, code) =>
  Number(TRIGGER.test(String.fromCharCode(code))),
);
/** Texts that are remembered with how they are written. */
const MAX_REMEMBERED = 5000;

/** `text` as a cell. */
export function csvText(text: string): string {
  if (text === "") return '""';
  const safe = TRIGGERS[text.charCodeAt(0)] === 1 ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The text that a cell stands for, once a CSV reader has taken the quotes away; `isQuoted`: it had them. */
export function cellOf(name: FieldName, cell: string, isQuoted: boolean): Cell {
  if (cell === "" && !isQuoted) return null;
  const { type } = FIELDS[COLUMN[name]] as FieldSpec;
  if (name === "timestamp" || name === "recorded_at") return Date.parse(cell);
  if (type === "integer") return Number(cell);
  if (type === "boolean") return cell === "true";
  return cell.startsWith("'") ? cell.slice(1) : cell;
}

/** A text that is made of a cell; null: the cell is as it should be, for `join`. */
type Write = ((cell: string | number | boolean) => string) | null;

interface Written<W = Write> {
  readonly at: number;
  readonly write: W;
}

/** The columns in their order: those of which each event has its own cell, and runs of those that are alike. */
const PARTS = partsOf(CSV_COLUMNS);

function partsOf(columns: readonly FieldName[]): (FieldName | FieldName[])[] {
  const parts: (FieldName | FieldName[])[] = [];
  for (const name of columns) {
    const last = parts.at(-1);
    if (!ALIKE_FIELDS.has(name)) parts.push(name);
    else if (Array.isArray(last)) last.push(name);
    else parts.push([name]);
  }
  return parts;
}

export const openCsv: OpenEncoder = (state) => {
  const written = (name: FieldName): Written => ({ at: COLUMN[name], write: writerOf(name) });
  const plain: { readonly at: number; readonly place: number }[] = [];
  const made: (Written<NonNullable<Write>> & { readonly place: number })[] = [];
  const runs: { readonly columns: readonly Written[]; readonly place: number }[] = [];
  for (const [place, part] of PARTS.entries()) {
    if (Array.isArray(part)) {
      runs.push({ columns: part.map(written), place });
      continue;
    }
    const { at, write } = written(part);
    if (write === null) plain.push({ at, place });
    else made.push({ at, write, place });
  }
  const textsOf = remembering((row: Row) =>
    runs.map(({ columns }) => columns.map((column) => cellIn(row, column)).join(",")),
  );
  // One flat text a line: a rope of many pieces costs twice as much until it is bytes.
  const cells: Cell[] = PARTS.map(() => null);
  const line = (row: Row, alike: number | undefined) => {
    const texts = textsOf(alike, row);
    for (const [run, { place }] of runs.entries()) cells[place] = texts[run] ?? null;
    for (const { at, place } of plain) cells[place] = row[at] as Cell;
    for (const { at, write, place } of made) {
      const cell = row[at] as Cell;
      cells[place] = cell === null ? null : write(cell);
    }
    return `${cells.join(",")}\r\n`;
  };
  return lineEncoder(line, `${CSV_COLUMNS.join(",")}\r\n`)(state);
};

function cellIn(row: Row, { at, write }: Written): Cell {
  const cell = row[at] as Cell;
  return cell === null || write === null ? cell : write(cell);
}

function writerOf(name: FieldName): Write {
  const { type, repeats } = FIELDS[COLUMN[name]] as FieldSpec;
  if (name === "timestamp" || name === "recorded_at") return createIsoText() as Write;
  if (type === "integer" || type === "boolean") return null;
  if (!repeats) return csvText as Write;
  const known = remembering(csvText);
  return ((text: string) => known(text, text)) as Write;
}

/** What is written for a key is written once; for undefined each time. */
function remembering<Key, From, To>(write: (from: From) => To): (key: Key | undefined, from: From) => To {
  const known = new Map<Key, To>();
  return (key, from) => {
    if (key === undefined) return write(from);
    let written = known.get(key);
    if (written === undefined) {
      if (known.size >= MAX_REMEMBERED) known.clear();
      written = write(from);
      known.set(key, written);
    }
    return written;
  };
}
