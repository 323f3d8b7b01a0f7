// The tables of events.db. `events`, `dictionary` and `positions` are how it is kept; the view `audit_events`
// shows every field under its own name as text or number, for any SQL tool.
import type { DatabaseSync } from "node:sqlite";
import { DaybookError } from "../../event/errors.ts";
import { COLUMNS, type Column } from "./columns.ts";

/** Version of these tables, kept in `user_version`; every change of them raises it, a new field included. */
export const TABLES_VERSION = 2;

/** "dayb", in `application_id`: tells a store from other programs' databases (and file(1) from ours). */
export const APPLICATION_ID = 0x64617962;

const SQL_TYPES = {
  integer: "INTEGER",
  flag: "INTEGER",
  word: "INTEGER",
  text: "TEXT",
  uuid: "BLOB",
  node: "BLOB",
} as const;
const KEY: ReadonlySet<string> = new Set(["recorded_at", "node_id", "seq"]);

/** Charges by node and user, and how far the sums that came from a copy go where that is beyond `positions`. */
const CHARGES = `
CREATE TABLE charges (
  node_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  cost_micros INTEGER NOT NULL,
  PRIMARY KEY (node_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE charged (node_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

// Nothing but the order's key is NOT NULL, and event_id's index is not UNIQUE: a projection does not refuse
// what a journal holds, for one refused event would hold up all that follow.
const TABLES = `
CREATE TABLE dictionary (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (field, value)
) STRICT;
CREATE TABLE positions (node_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, root TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  ${COLUMNS.map(({ name, form }) => `"${name}" ${SQL_TYPES[form]}${KEY.has(name) ? " NOT NULL" : ""}`).join(",\n  ")},
  p1_salt BLOB,
  p2_salt BLOB
) STRICT;
CREATE UNIQUE INDEX events_order ON events (recorded_at, node_id, seq);
CREATE INDEX events_event_id ON events (event_id);
CREATE VIEW audit_events AS SELECT
  ${COLUMNS.map((column) => `${shown(column)} AS "${column.name}"`).join(",\n  ")}
FROM events;
${CHARGES}`;

/** What takes tables of version n + 1 to n + 2. */
const UPGRADES: readonly string[] = [
  `${CHARGES} INSERT INTO charges SELECT node_id, user_id, min(total(cost_micros), ${Number.MAX_SAFE_INTEGER})
   FROM audit_events WHERE user_id IS NOT NULL AND cost_micros > 0 GROUP BY node_id, user_id;`,
];

const STATE = `SELECT application_id AS id, user_version AS version,
  NOT EXISTS (SELECT 1 FROM sqlite_schema) AS isEmpty FROM pragma_application_id, pragma_user_version`;

function shown({ name, form }: Column): string {
  const column = `events."${name}"`;
  switch (form) {
    case "word":
      return `(SELECT value FROM dictionary WHERE id = ${column})`;
    case "node":
      return `lower(hex(${column}))`;
    case "uuid":
      return `CASE WHEN ${column} IS NOT NULL THEN lower(${uuidText(column)}) END`;
    default:
      return column;
  }
}

function uuidText(column: string): string {
  const parts = ["1, 4", "5, 2", "7, 2", "9, 2", "11, 6"];
  return parts.map((part) => `hex(substr(${column}, ${part}))`).join(" || '-' || ");
}

/**
 * Version of the tables that are there; 0 in a new database. Refuses those of a newer Daybook (`newer_version`) and
 * other programs' (`store_unusable`), and changes nothing.
 */
export function hasTables(db: DatabaseSync, file: string): number {
  // One statement, so one snapshot: another process may be making the tables.
  const { id, version, isEmpty } = db.prepare(STATE).get() ?? {};
  if (isEmpty === 1 && version === 0) return 0;
  if (id !== APPLICATION_ID)
    throw new DaybookError("store_unusable", `at ${file}: it is another program's database`);
  if (Number(version) > TABLES_VERSION) throw new DaybookError("newer_version", `The store at ${file}`);
  return Number(version);
}

/** Makes the tables or brings older ones up to date, unless another process was first. */
export function createTables(db: DatabaseSync, file: string): void {
  db.exec("BEGIN IMMEDIATE");
  const version = Number(pragma(db, "user_version"));
  if (version === 0) db.exec(`${TABLES} PRAGMA application_id = ${APPLICATION_ID}`);
  else for (const upgrade of UPGRADES.slice(version - 1)) db.exec(upgrade);
  if (version < TABLES_VERSION) db.exec(`PRAGMA user_version = ${TABLES_VERSION}`);
  db.exec("COMMIT");
  hasTables(db, file);
}

/** The value of a pragma. */
export function pragma(db: DatabaseSync, name: string): unknown {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return row === undefined ? undefined : Object.values(row)[0];
}
