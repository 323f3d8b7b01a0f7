// Events as a table for people: as wide as the terminal, less important columns left out where it is narrow;
// whole and without colour where it is not a terminal.
import Table from "cli-table3";
import pc from "picocolors";
import { COLUMN, FIELDS, type FieldName, type FieldSpec } from "../event/fields.ts";
import type { EventJson } from "../event/json.ts";
import { NO_LINES } from "./no-lines.ts";

export interface TableForm {
  /** Characters to fill; null: no limit. */
  readonly width: number | null;
  readonly colour: boolean;
}

export interface Column {
  readonly head: string;
  readonly cell: (event: EventJson) => string | number | boolean | null;
  /** Characters below which it is not worth showing. */
  readonly min: number;
  readonly right?: true;
}

const GAP = 2;

const USUAL = {
  time: { head: "time", cell: ({ timestamp }) => timestamp, min: 24 },
  kind: { head: "kind", cell: ({ kind }) => kind, min: 9 },
  what: {
    head: "action",
    cell: ({ action, name }) => (name === null ? action : `${action} ${name}`),
    min: 10,
  },
  model: { head: "model", cell: ({ model }) => model, min: 12 },
  backend: { head: "backend", cell: ({ backend_type }) => backend_type, min: 7 },
  status: { head: "status", cell: ({ status }) => status, min: 9 },
  code: { head: "code", cell: ({ status_code }) => status_code, min: 4, right: true },
  ms: { head: "ms", cell: ({ duration_ms }) => duration_ms, min: 6, right: true },
  tokens: { head: "tokens", cell: ({ total_tokens }) => total_tokens, min: 6, right: true },
  user: { head: "user", cell: ({ user_id }) => user_id, min: 8 },
  request: { head: "request id", cell: ({ request_id }) => request_id, min: 12 },
} satisfies Record<string, Column>;

/** What a narrow terminal keeps longest comes first. */
const IMPORTANCE: readonly Column[] = [
  USUAL.time,
  USUAL.status,
  USUAL.what,
  USUAL.model,
  USUAL.code,
  USUAL.ms,
  USUAL.kind,
  USUAL.tokens,
  USUAL.user,
  USUAL.backend,
  USUAL.request,
];
const MIN = 6;

/** A column for each field, by its own name; of a narrow terminal the last go first. */
export function fieldColumns(names: readonly FieldName[]): Column[] {
  return names.map((name) => {
    const { type } = FIELDS[COLUMN[name]] as FieldSpec;
    const isNumber = type === "integer" && name !== "timestamp" && name !== "recorded_at";
    return {
      head: name,
      cell: (event) => event[name],
      min: Math.max(MIN, name.length),
      ...(isNumber ? { right: true } : {}),
    };
  });
}

/** `events` as lines of text, with a line of column names unless `head` is false; the usual columns unless some are given. */
export function eventTable(
  events: readonly EventJson[],
  { width, colour }: TableForm,
  head = true,
  columns: readonly Column[] = Object.values(USUAL),
): string {
  const rows = events.map((event) => columns.map(({ cell }) => visible(String(cell(event) ?? ""))));
  const natural = columns.map((column, at) =>
    Math.max(column.head.length, ...rows.map((row) => widthOf(row[at] ?? ""))),
  );
  const widths = width === null ? natural : fit(columns, natural, width);
  const shown = columns.flatMap((column, at) => ((widths[at] ?? 0) > 0 ? [{ column, at }] : []));
  const paint = painter(colour);
  const table = new Table({
    ...(head ? { head: shown.map(({ column }) => paint.head(column.head)) } : {}),
    // Without a limit nothing is ever cut: the library measures for itself.
    ...(width === null ? {} : { colWidths: shown.map(({ at }) => (widths[at] ?? 0) + GAP) }),
    colAligns: shown.map(({ column }) => (column.right ? "right" : "left")),
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": GAP, compact: true },
  });
  for (const row of rows) table.push(shown.map(({ column, at }) => paint.cell(column.head, row[at] ?? "")));
  return `${table.toString().replace(/ +$/gm, "")}\n`;
}

/**
 * A width for each column so that all fit into `width`; 0 leaves a column out. What is left over goes to the most
 * important columns first.
 */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const least = columns.map(({ min }, at) => Math.min(min, natural[at] ?? 0));
  const widths = columns.map(() => 0);
  const isUsual = columns.every((column) => IMPORTANCE.includes(column));
  const order = isUsual ? IMPORTANCE.map((column) => columns.indexOf(column)) : [...columns.keys()];
  let left = width + GAP;
  for (const at of order) {
    const needed = (least[at] ?? 0) + GAP;
    if (needed > left && at !== order[0]) break;
    widths[at] = least[at] ?? 0;
    left -= needed;
  }
  for (const at of order) {
    const given = widths[at] ?? 0;
    const more = given === 0 ? 0 : Math.max(0, Math.min(left, (natural[at] ?? 0) - given));
    widths[at] = given + more;
    left -= more;
  }
  return widths;
}

function painter(colour: boolean) {
  const { bold, dim, green, red, yellow } = pc.createColors(colour);
  const ofStatus: Readonly<Record<string, (text: string) => string>> = {
    success: green,
    error: red,
    timeout: yellow,
  };
  return {
    head: bold,
    cell: (head: string, text: string): string => {
      if (head === "status") return (ofStatus[text] ?? dim)(text);
      return head === "time" ? dim(text) : text;
    },
  };
}

/** Text that cannot steer a terminal: control and format characters (colours, bidirectional order) are replaced. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

/** At least as many columns as `text` takes: whatever may be wide counts double. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character < "\u0300" ? 1 : 2;
  return width;
}
