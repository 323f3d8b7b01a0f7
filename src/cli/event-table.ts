// Events as a table for people: as wide as the terminal, less important columns left out where it is narrow;
// whole and without colour where it is not a terminal.
import Table from "cli-table3";
import pc from "picocolors";
import type { EventJson } from "../event/json.ts";
import { NO_LINES } from "./no-lines.ts";

export interface TableForm {
  /** Characters to fill; null: no limit. */
  readonly width: number | null;
  readonly colour: boolean;
}

interface Column {
  readonly head: string;
  readonly cell: (event: EventJson) => string | number | null;
  /** Characters below which it is not worth showing. */
  readonly min: number;
  readonly right?: true;
}

const GAP = 2;

const COLUMNS = {
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

type ColumnName = keyof typeof COLUMNS;

/** What a narrow terminal keeps longest comes first. */
const IMPORTANCE: readonly ColumnName[] = [
  "time",
  "status",
  "what",
  "model",
  "code",
  "ms",
  "kind",
  "tokens",
  "user",
  "backend",
  "request",
];

/** `events` as lines of text, with a line of column names unless `head` is false. */
export function eventTable(events: readonly EventJson[], { width, colour }: TableForm, head = true): string {
  const names = Object.keys(COLUMNS) as ColumnName[];
  const rows = events.map((event) => names.map((name) => visible(String(COLUMNS[name].cell(event) ?? ""))));
  const natural = names.map((name, at) =>
    Math.max(COLUMNS[name].head.length, ...rows.map((row) => widthOf(row[at] ?? ""))),
  );
  const widths = width === null ? natural : fit(names, natural, width);
  const shown = names.flatMap((name, at) => ((widths[at] ?? 0) > 0 ? [{ name, at }] : []));
  const paint = painter(colour);
  const table = new Table({
    ...(head ? { head: shown.map(({ name }) => paint.head(COLUMNS[name].head)) } : {}),
    // Without a limit nothing is ever cut: the library measures for itself.
    ...(width === null ? {} : { colWidths: shown.map(({ at }) => (widths[at] ?? 0) + GAP) }),
    colAligns: shown.map(({ name }) => ("right" in COLUMNS[name] ? "right" : "left")),
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": GAP, compact: true },
  });
  for (const row of rows) table.push(shown.map(({ name, at }) => paint.cell(name, row[at] ?? "")));
  return `${table.toString().replace(/ +$/gm, "")}\n`;
}

/**
 * A width for each column so that all fit into `width`; 0 leaves a column out. What is left over goes to the most
 * important columns first.
 */
function fit(names: readonly ColumnName[], natural: readonly number[], width: number): number[] {
  const least = names.map((name, at) => Math.min(COLUMNS[name].min, natural[at] ?? 0));
  const widths = names.map(() => 0);
  let left = width + GAP;
  for (const name of IMPORTANCE) {
    const at = names.indexOf(name);
    const needed = (least[at] ?? 0) + GAP;
    if (needed > left && name !== IMPORTANCE[0]) break;
    widths[at] = least[at] ?? 0;
    left -= needed;
  }
  for (const name of IMPORTANCE) {
    const at = names.indexOf(name);
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
    cell: (name: ColumnName, text: string): string => {
      if (name === "status") return (ofStatus[text] ?? dim)(text);
      return name === "time" ? dim(text) : text;
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
