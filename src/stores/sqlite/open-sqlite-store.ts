// Opens the SQLite store, or says in one sentence why it cannot.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { DaybookError, nativeCode } from "../../event/errors.ts";
import type { Store } from "../store.ts";
import { type Access, connect, createPrivately, setPragmas } from "./connection.ts";
import { namedFailure } from "./failures.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { createTables, hasTables, TABLES_VERSION } from "./tables.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "the folder does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EACCES: "access to it is denied",
  EROFS: "the file system is read-only",
  SQLITE_NOTADB: "it is not a SQLite database",
  SQLITE_CANTOPEN: "the file cannot be opened",
  SQLITE_READONLY: "it or its folder cannot be written",
  SQLITE_BUSY: "another program holds it",
};

/**
 * How long an open waits while others hold the file. Processes that start together each make it a WAL database,
 * and one that was killed has its WAL recovered by the next: SQLite answers SQLITE_BUSY to some of that at once,
 * whatever its busy_timeout.
 */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 50;

/**
 * A store in the SQLite database at `path`. `write` makes the file (mode 0600) and its tables where they are
 * missing; `read` opens what is there, beside a writer or without one. Rejects with `newer_version`, or with
 * `store_unusable` and the native code as the cause.
 */
export async function openSqliteStore(path: string, access: Access): Promise<Store> {
  const givesUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return open(path, access);
    } catch (error) {
      const { cause } = error as DaybookError;
      const isBusy = cause !== undefined && nativeCode(cause) === "SQLITE_BUSY";
      if (!isBusy || performance.now() > givesUpAt) throw error;
    }
    await delay(PAUSE_MS);
  }
}

function open(path: string, access: Access): Store {
  // An absolute path is never taken for a URI or for ":memory:".
  const file = resolve(path);
  let db: DatabaseSync | undefined;
  try {
    if (access !== "read") createPrivately(file);
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw nothingRecorded(file);
    if (!found.isFile()) throw new DaybookError("store_unusable", `at ${file}: it is not a file`);
    db = connect(file, access);
    const version = hasTables(db, file);
    if (version === 0 && access === "read") throw nothingRecorded(file);
    setPragmas(db, file, access);
    if (version < TABLES_VERSION && access !== "read") createTables(db, file);
    return new SqliteStore(db, file, access);
  } catch (error) {
    if (db?.isOpen) db.close();
    if (error instanceof DaybookError) throw error;
    const code = nativeCode(namedFailure(error));
    const reason = REASONS[code] === undefined ? code : `${REASONS[code]} (${code})`;
    throw new DaybookError("store_unusable", `at ${file}: ${reason}`, { cause: error });
  }
}

function nothingRecorded(file: string): DaybookError {
  return new DaybookError("store_unusable", `at ${file}: nothing was recorded yet`);
}
