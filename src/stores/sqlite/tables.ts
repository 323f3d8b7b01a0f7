// The tables of events.db. `events`, `shapes`, `actors`, `dictionary` and `positions` are how it is kept; the view `audit_events`
// shows every field under its own name as text or number, for any SQL tool.
import type { DatabaseSync } from "node:sqlite";
import { DaybookError } from "../../event/errors.ts";
import { ACTOR_COLUMNS, COLUMNS, type Column, EVENT_COLUMNS, SHAPE_COLUMNS, shownSql } from "./columns.ts";
import { DAY_MS } from "./dictionary.ts";
import { FORGOTTEN } from "./forgotten.ts";
import { SEALS } from "./seals.ts";
import { SOURCE_VIEWS } from "./source-views.ts";

/** Version of these tables, kept in `user_version`; every change of them raises it, a new field included. */
export const TABLES_VERSION = 7;

/** The oldest tables that are still understood. */
const OLDEST_VERSION = 4;

/** "dayb", in `application_id`: tells a store from other programs' databases (and file(1) from ours). */
export const APPLICATION_ID = 0x64617962;

const SQL_TYPES = {
  integer: "INTEGER",
  flag: "INTEGER",
  word: "INTEGER",
  text: "TEXT",
  uuid: "BLOB",
  node: "BLOB",
  request: "ANY",
  trace: "ANY",
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

/** Of UUIDv7s and of request ids of our making: time and counter, so that entries come in order; of others the end. */
const ID_HEAD = (column: string) =>
  `CASE typeof(${column}) WHEN 'blob' THEN substr(${column}, 1, 8) ELSE substr(${column}, -8) END`;

/** What the indexes of ids begin with, and the same of a parameter, which is given three times. */
export const EVENT_ID_HEAD = ID_HEAD("event_id");
export const REQUEST_ID_HEAD = ID_HEAD("request_id");
export const HEAD_OF_PARAMETER = ID_HEAD("?");

// Nothing but the order's key is NOT NULL, and no index is UNIQUE: a projection does not refuse what a journal holds,
// for one refused event would hold up all that follow. Each index ends with the time and the shape: it yields its
// events in time order, and what a filter asks of their shapes is answered without looking at them.
const TABLES = `
CREATE TABLE dictionary (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  day INTEGER NOT NULL,
  UNIQUE (field, value)
) STRICT;
${tuplesTable("shapes", SHAPE_COLUMNS)}
${tuplesTable("actors", ACTOR_COLUMNS)}
CREATE TABLE positions (node_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, root TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  ${EVENT_COLUMNS.map(({ name, form }) => `"${name}" ${SQL_TYPES[form]}${KEY.has(name) ? " NOT NULL" : ""}`).join(",\n  ")},
  shape INTEGER NOT NULL,
  actor INTEGER,
  p1_salt BLOB,
  p2_salt BLOB
) STRICT;
CREATE INDEX events_time ON events (recorded_at, shape);
CREATE INDEX events_failed ON events (recorded_at, shape) WHERE shape < 0;
CREATE INDEX events_actor ON events (actor, recorded_at, shape) WHERE actor IS NOT NULL;
CREATE INDEX events_event_id ON events (${EVENT_ID_HEAD});
CREATE INDEX events_request_id ON events (${REQUEST_ID_HEAD}, recorded_at);
CREATE VIEW audit_events AS SELECT
  ${COLUMNS.map((column) => `${shown(column)} AS "${column.name}"`).join(",\n  ")}
FROM events JOIN shapes ON shapes.id = events.shape LEFT JOIN actors ON actors.id = events.actor;
CREATE TABLE rollups (
  grain INTEGER NOT NULL,
  period INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  shape INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  total_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  latency BLOB,
  PRIMARY KEY (grain, period, subject, shape)
) STRICT, WITHOUT ROWID;
${CHARGES}${SEALS}${FORGOTTEN}${SOURCE_VIEWS}`;

/** Any event may have any word: the newest day of all. */
const WORDS_WITH_DAYS = `
ALTER TABLE dictionary ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
UPDATE dictionary SET day = (SELECT coalesce(max(recorded_at), 0) FROM events) / ${DAY_MS};
`;

/** What takes older tables one version up, by the version that they have. */
const UPGRADES: Readonly<Record<number, string>> = { 4: FORGOTTEN, 5: SOURCE_VIEWS, 6: WORDS_WITH_DAYS };

/** What a tuple is made of stands in columns of its own too, for conditions. */
function tuplesTable(name: string, columns: readonly Column[]): string {
  const generated = columns.map(
    ({ name, form, at }) => `"${name}" ${SQL_TYPES[form]} GENERATED ALWAYS AS (cells ->> ${at}) STORED`,
  );
  return `CREATE TABLE ${name} (
  id INTEGER PRIMARY KEY,
  cells TEXT NOT NULL UNIQUE,
  ${generated.join(",\n  ")}
) STRICT;`;
}

const STATE = `SELECT application_id AS id, user_version AS version,
  NOT EXISTS (SELECT 1 FROM sqlite_schema) AS isEmpty FROM pragma_application_id, pragma_user_version`;

function shown({ name, form, home }: Column): string {
  return shownSql(form, `${home}s."${name}"`);
}

/**
 * Version of the tables that are there; 0 in a new database. Refuses those of a newer Daybook (`newer_version`), those
 * of one that was never released and other programs' (`store_unusable`), and changes nothing.
 */
export function hasTables(db: DatabaseSync, file: string): number {
  // One statement, so one snapshot: another process may be making the tables.
  const { id, version, isEmpty } = db.prepare(STATE).get() ?? {};
  if (isEmpty === 1 && version === 0) return 0;
  if (id !== APPLICATION_ID)
    throw new DaybookError("store_unusable", `at ${file}: it is another program's database`);
  if (Number(version) > TABLES_VERSION) throw new DaybookError("newer_version", `The store at ${file}`);
  if (Number(version) < OLDEST_VERSION)
    throw new DaybookError(
      "store_unusable",
      `at ${file}: it was written by a Daybook from before the first release`,
    );
  return Number(version);
}

/** Makes the tables, or brings them up to date, unless another process was first. */
export function createTables(db: DatabaseSync, file: string): void {
  db.exec("BEGIN IMMEDIATE");
  const version = Number(pragma(db, "user_version"));
  if (version === 0) db.exec(`${TABLES} PRAGMA application_id = ${APPLICATION_ID}`);
  else for (let at = version; at < TABLES_VERSION; at++) db.exec(UPGRADES[at] ?? "");
  if (version < TABLES_VERSION) db.exec(`PRAGMA user_version = ${TABLES_VERSION}`);
  db.exec("COMMIT");
  hasTables(db, file);
}

/** The value of a pragma. */
export function pragma(db: DatabaseSync, name: string): unknown {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return row === undefined ? undefined : Object.values(row)[0];
}
