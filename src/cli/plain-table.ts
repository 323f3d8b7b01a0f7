// A table for people, as wide as it needs to be.
import Table from "cli-table3";
import { visible } from "./event-table.ts";
import { NO_LINES } from "./no-lines.ts";

/** `rows` under `head`; what is null shows as nothing. */
export function plainTable(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const table = new Table({
    head: [...head],
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2, compact: true },
  });
  for (const row of rows) table.push(row.map((cell) => visible(textOf(cell))));
  return `${table.toString().replace(/ +$/gm, "")}\n`;
}

function textOf(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  return Array.isArray(cell) ? cell.join(",") : String(cell);
}
