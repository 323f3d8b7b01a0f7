// SQLite's failures by their names. node:sqlite gives all of them one code (ERR_SQLITE_ERROR) and a number; callers
// tell lasting failures from passing ones by the name, and messages to people show it.

/** Result codes that callers tell apart (sqlite.org/rescode.html). */
const NAMES: Readonly<Record<number, string>> = {
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  19: "SQLITE_CONSTRAINT",
  26: "SQLITE_NOTADB",
};

/** The same error; a failure of SQLite gets its name as `code`. */
export function namedFailure(error: unknown): unknown {
  const number = (error as { errcode?: unknown } | null)?.errcode;
  if (!(error instanceof Error) || typeof number !== "number") return error;
  // The low byte of an extended code is the code itself.
  return Object.assign(error, { code: NAMES[number & 0xff] ?? `SQLITE_${number}` });
}
