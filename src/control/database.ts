// control.db: a node:sqlite connection, made durable and private, and Kysely over it.
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { MIGRATIONS, type Tables } from "./tables.ts";

/** How long another process may hold the file before a change fails; requests of this process wait meanwhile. */
const BUSY_MS = 1000;

/** Pragma → value to set → value that must be read back. */
const PRAGMAS = [
  ["journal_mode", "WAL", "wal"],
  // A change is answered only when it would survive a power cut.
  ["synchronous", "FULL", 2],
  // Outbox rows hold personal data: what was forgotten is overwritten.
  ["secure_delete", "ON", 1],
  ["trusted_schema", "OFF", 0],
] as const;

/**
 * Opens or creates the database at `path`, mode 0600, up to date. Throws `newer_version` when a newer Daybook
 * wrote it, `folder_unusable` when it cannot be opened as it must be.
 */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    refuseNewer(database, path);
    for (const [name, value, expected] of PRAGMAS) {
      database.exec(`PRAGMA ${name} = ${value}`);
      const actual = pragma(database, name);
      if (actual !== expected)
        throw new DaybookError("folder_unusable", `${path}: ${name} is ${actual}, not ${expected}`);
    }
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof DaybookError) throw error;
    throw new DaybookError("folder_unusable", `${path}: ${reason(error)}`, { cause: error });
  }
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function refuseNewer(database: DatabaseSync, path: string): number {
  const version = Number(pragma(database, "user_version"));
  if (version > MIGRATIONS.length) throw new DaybookError("newer_version", path);
  return version;
}

function migrate(database: DatabaseSync, path: string): void {
  database.exec("BEGIN IMMEDIATE");
  // Read again under the lock: another process may have migrated meanwhile.
  for (const sql of MIGRATIONS.slice(refuseNewer(database, path))) database.exec(sql);
  database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  database.exec("COMMIT");
}

/** SQLite's own name of an error where there is one, else its errno. */
function reason(error: unknown): string {
  const { errstr } = error as { errstr?: unknown };
  return typeof errstr === "string" ? errstr : nativeCode(error);
}

/** Kysely over `database`, which stays the caller's to close. */
export function kyselyOver(database: DatabaseSync): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createDriver: () => new Driver(database),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createAdapter: () => new SqliteAdapter(),
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    },
  });
}

class Driver extends SqliteDriver {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super({ database: asKyselyExpects(database) });
    this.#database = database;
  }

  /** The write lock is taken at once: taken later, it could be refused for what was read before. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  /** SQLite rolls back by itself on a full disk or a failed write. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

/** Kysely's dialect knows statements of better-sqlite3, which say whether they return rows and take lists. */
function asKyselyExpects(database: DatabaseSync): SqliteDatabase {
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...values(parameters)),
        run: (parameters) => statement.run(...values(parameters)),
        iterate: (parameters) => statement.iterate(...values(parameters)),
      };
    },
  };
}
