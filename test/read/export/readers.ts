// Each format read back by somebody else's reader, as the events that it holds.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { type AuditEvent, FIELDS, type FieldName } from "../../../src/event/fields.ts";
import { CSV_COLUMNS, cellOf } from "../../../src/read/export/csv.ts";
import { ECS_PLACES } from "../../../src/read/export/ecs.ts";
import type { FormatName } from "../../../src/read/export/formats.ts";
import { OCSF_PLACES } from "../../../src/read/export/ocsf.ts";
import { tempFolder } from "../../support/temp.ts";

type Json = Record<string, unknown>;

export const READERS: Readonly<Record<FormatName, (bytes: Buffer) => Promise<AuditEvent[]>>> = {
  jsonl: async (bytes) => linesOf(bytes).map(fromShown),
  json: async (bytes) => (JSON.parse(bytes.toString()) as Json[]).map(fromShown),
  csv: async (bytes) => readCsv(bytes.toString()),
  parquet: readParquet,
  ocsf: async (bytes) =>
    linesOf(bytes).map((line) => fromPlaces(line, OCSF_PLACES, line.unmapped as Json, false)),
  ecs: async (bytes) =>
    linesOf(bytes).map((line) => fromPlaces(line, ECS_PLACES, line.daybook as Json, true)),
};

export function linesOf(bytes: Buffer): Json[] {
  const text = bytes.toString();
  return text === ""
    ? []
    : text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => JSON.parse(line) as Json);
}

/** Strict: rows of equal length, CRLF alone, quotes only where RFC 4180 has them. */
export function csvCells(text: string): { readonly cell: string; readonly isQuoted: boolean }[][] {
  return parse(text, {
    record_delimiter: "\r\n",
    relax_column_count: false,
    relax_quotes: false,
    cast: (cell, { quoting }) => ({ cell, isQuoted: quoting }),
  }) as unknown as { cell: string; isQuoted: boolean }[][];
}

function readCsv(text: string): AuditEvent[] {
  const [head = [], ...rows] = csvCells(text);
  const names = head.map(({ cell }) => cell as FieldName);
  if (names.join() !== CSV_COLUMNS.join()) throw new Error("the header is not the columns");
  return rows.map((row) =>
    inOrder(
      Object.fromEntries(
        row.map(({ cell, isQuoted }, at) => [names[at], cellOf(names[at] as FieldName, cell, isQuoted)]),
      ),
    ),
  );
}

const NAMES = FIELDS.map(({ name }) => name);

function inOrder(cells: Json): AuditEvent {
  const event: Json = {};
  for (const name of NAMES) event[name] = cells[name] ?? null;
  return event as unknown as AuditEvent;
}

function fromShown(json: Json): AuditEvent {
  const { timestamp, recorded_at } = json as { timestamp: string; recorded_at: string };
  return inOrder({ ...json, timestamp: Date.parse(timestamp), recorded_at: Date.parse(recorded_at) });
}

type Places = { readonly [name in FieldName]?: string };
const PATHS = new Map<Places, readonly (readonly [name: string, path: readonly string[]])[]>();

function pathsOf(places: Places) {
  const paths =
    PATHS.get(places) ?? Object.entries(places).map(([name, path]) => [name, path.split(".")] as const);
  PATHS.set(places, paths);
  return paths;
}

function fromPlaces(line: Json, places: Places, rest: Json, isIso: boolean): AuditEvent {
  const cells: Json = { ...rest };
  for (const [name, path] of pathsOf(places)) {
    let value: unknown = line;
    for (const part of path) value = (value as Json | undefined)?.[part];
    const isTime = name === "timestamp" || name === "recorded_at";
    cells[name] = isTime && isIso ? Date.parse(String(value)) : value;
  }
  return inOrder(cells);
}

interface DuckDb {
  readonly DuckDBInstance: {
    create(): Promise<{
      connect(): Promise<{ runAndReadAll(sql: string): Promise<{ getRowObjectsJS(): Json[] }> }>;
    }>;
  };
}

/** Rows of a query over the Parquet file `FILE`, by DuckDB. */
export async function duckDb(bytes: Buffer, sql: string): Promise<Json[]> {
  const path = join(tempFolder(), "export.parquet");
  writeFileSync(path, bytes);
  const engines = createRequire(new URL("../../engines/package.json", import.meta.url));
  const { DuckDBInstance } = engines("@duckdb/node-api") as DuckDb;
  const connection = await (await DuckDBInstance.create()).connect();
  const result = await connection.runAndReadAll(sql.replaceAll("FILE", `'${path}'`));
  return result.getRowObjectsJS();
}

async function readParquet(bytes: Buffer): Promise<AuditEvent[]> {
  const columns = FIELDS.map(({ name }) =>
    name === "timestamp" || name === "recorded_at" ? `epoch_ms("${name}") AS "${name}"` : `"${name}"`,
  );
  const rows = await duckDb(bytes, `SELECT ${columns.join(", ")} FROM FILE`);
  return rows.map((row) =>
    inOrder(
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : value]),
      ),
    ),
  );
}
