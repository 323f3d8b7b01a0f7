// CSV (RFC 4180): source B's twelve columns first, then every other field in order. Two rules beyond the RFC, so that a
// file can be opened by a spreadsheet and read back without loss: a cell that could start a formula, or that begins
// with an apostrophe, gets one apostrophe more, which a reader takes away (`cellOf`); and null is an empty cell, while
// the empty text is "".
import { type Cell, COLUMN, FIELDS, type FieldName, type FieldSpec, type Row } from "../../event/fields.ts";
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
/** Whether a text is anything but itself. */
const SPECIAL = new RegExp(`^$|${TRIGGER.source}|${NEEDS_QUOTES.source}`);
/** Texts of a column that are remembered with how they are written. */
const MAX_REMEMBERED = 5000;

/** `text` as a cell. */
export function csvText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  const safe = TRIGGER.test(text) ? `'${text}` : text;
  return text === "" || NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
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

type Write = (cell: string | number | boolean) => string;

export const openCsv: OpenEncoder = (state) => {
  const columns = CSV_COLUMNS.map((name) => ({ at: COLUMN[name], write: writerOf(name) }));
  // One flat text a line: a rope of sixty pieces costs twice as much until it is bytes.
  const cells: string[] = columns.map(() => "");
  const line = (row: Row) => {
    for (const [place, { at, write }] of columns.entries()) {
      const cell = row[at] as Cell;
      cells[place] = cell === null ? "" : write(cell);
    }
    return `${cells.join(",")}\r\n`;
  };
  return lineEncoder(line, `${CSV_COLUMNS.join(",")}\r\n`)(state);
};

function writerOf(name: FieldName): Write {
  const { type, repeats } = FIELDS[COLUMN[name]] as FieldSpec;
  if (name === "timestamp" || name === "recorded_at") return createIsoText() as Write;
  if (type === "integer" || type === "boolean") return String;
  return (repeats ? remembering(csvText) : csvText) as Write;
}

function remembering(write: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    let written = known.get(text);
    if (written === undefined) {
      if (known.size >= MAX_REMEMBERED) known.clear();
      written = write(text);
      known.set(text, written);
    }
    return written;
  };
}
