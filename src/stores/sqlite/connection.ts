// Connections to events.db. What a connection promises (no lost commit, no blocked writer, nothing left behind
// by a deletion) hangs on pragmas whose defaults differ between builds, so each is set and read back.
import { closeSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DaybookError, nativeCode } from "../../event/errors.ts";
import { pragma } from "./tables.ts";

/** `durable`: as `write`, and what is appended is durable at once. */
export type Access = "write" | "durable" | "read";

/** SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections reset the WAL (sqlite.org/wal.html). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** Pragmas kept in the file: only a writer sets them. auto_vacuum comes first: it holds from the first write on. */
const FILE_PRAGMAS = { auto_vacuum: 2, journal_mode: "wal" } as const;

const PRAGMAS = {
  busy_timeout: 5000,
  // NORMAL: fsync at checkpoints only. The journal keeps what a power loss takes from the WAL.
  synchronous: 1,
  foreign_keys: 0,
  // 16 MiB: appending costs 7.6 µs of CPU an event with it and 7.9 with four times as much (medians of three
  // interleaved runs of 150,000 events); what lists read again is in the system's cache.
  cache_size: -16_384,
  // Deleted means overwritten, free pages included. Appending takes 7.3 µs of CPU an event with it and without
  // (medians of seven interleaved runs of 200,000 events in batches of 1,000).
  secure_delete: 1,
  // Sorting a large result must not leave events in /tmp.
  temp_store: 2,
  journal_size_limit: 67_108_864,
  // 24 MiB: pages that batch after batch changes go to the file once; with more, the commit that takes them there is long.
  wal_autocheckpoint: 6_000,
} as const;

/** Makes the file with mode 0600, which SQLite gives to the WAL too; an existing file stays as it is. */
export function createPrivately(file: string): void {
  try {
    // Exclusive: to open and close a database in use would drop this process's locks on it (POSIX).
    closeSync(openSync(file, "ax", 0o600));
  } catch (error) {
    if (nativeCode(error) !== "EEXIST") throw error;
  }
}

/** Tells a file from another that took its name. */
export function idOfFile(file: string): string {
  const { dev, ino } = statSync(file, { bigint: true });
  return `${dev}:${ino}`;
}

/** Opens the file with a SQLite that is new enough. Nothing is set yet but the time to wait for a lock. */
export function connect(file: string, access: Access): DatabaseSync {
  const db = new DatabaseSync(file, {
    readOnly: access === "read",
    timeout: PRAGMAS.busy_timeout,
    enableForeignKeyConstraints: false,
  });
  const version = String(db.prepare("SELECT sqlite_version() AS version").get()?.version);
  if (isSafeVersion(version)) return db;
  db.close();
  throw new DaybookError(
    "store_unusable",
    `at ${file}: SQLite ${version} is older than ${OLDEST_SQLITE.join(".")}`,
  );
}

/** Copies one moment of the database into an empty file, while others write. */
export function copyInto(file: string, copy: string): void {
  // A connection that may not write would not be let do this either.
  const source = connect(file, "write");
  try {
    source.prepare("VACUUM INTO ?").run(copy);
  } finally {
    source.close();
  }
  // VACUUM leaves WAL mode out, and readers refuse a store that is not in it.
  const made = connect(copy, "write");
  made.exec("PRAGMA journal_mode = wal");
  made.close();
}

/** Whether this SQLite is 3.51.3 or newer. */
export function isSafeVersion(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, least] of OLDEST_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/** Sets the pragmas and reads each back; throws `store_unusable` when one does not hold. */
export function setPragmas(db: DatabaseSync, file: string, access: Access): void {
  const synchronous = access === "durable" ? 2 : PRAGMAS.synchronous;
  const set = { ...(access === "read" ? { query_only: 1 } : FILE_PRAGMAS), ...PRAGMAS, synchronous };
  for (const [name, value] of Object.entries(set)) db.exec(`PRAGMA ${name} = ${value}`);
  for (const [name, value] of Object.entries({ ...FILE_PRAGMAS, ...set })) {
    const found = pragma(db, name);
    if (found !== value)
      throw new DaybookError("store_unusable", `at ${file}: ${name} is ${found}, not ${value}`);
  }
}
