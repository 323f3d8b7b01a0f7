// The store and control.db: open, of a version that is known here, set as they must be, and whole.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DaybookError, nativeCode } from "../../event/errors.ts";
import { CONTROL_VERSION } from "../../server/versions.ts";
import { openStore } from "../../stores/open-store.ts";
import type { Position } from "../../stores/store.ts";
import { bytesText, countOf } from "../amounts.ts";
import { type Check, type Examined, type Finding, fail, ok, refused, warn } from "./check.ts";

const CHECK_DISK = "Stop Daybook, keep a copy of the folder, and check the disk.";

/**
 * What `look` finds in the SQLite database `file`. Only reading one that is at rest already leaves a WAL and its
 * index behind; a connection that may write takes them away again when it closes, unless somebody else uses them.
 */
export async function asItWas<T>(file: string, look: () => T | Promise<T>): Promise<T> {
  const isAtRest = !existsSync(`${file}-wal`);
  try {
    return await look();
  } finally {
    if (isAtRest && existsSync(`${file}-wal`)) tidy(file);
  }
}

function tidy(file: string): void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    db.prepare("PRAGMA schema_version").get();
  } catch {
    // What was left behind is empty, and goes when the database is next closed.
  } finally {
    db?.close();
  }
}

/** Positions of the store at `address`; null when it cannot be read. */
export async function positionsIn(address: string): Promise<readonly Position[] | null> {
  if (!isSqlite(address) || !existsSync(fileOf(address))) return isSqlite(address) ? [] : null;
  try {
    return await asItWas(fileOf(address), async () => {
      const store = await openStore(address, "read");
      return store.positions().finally(() => store.close());
    });
  } catch {
    // The store's own check says why.
    return null;
  }
}

export const checkStore: Check = async (examined) => {
  const { store: address, slots } = examined;
  const file = fileOf(address);
  if (isSqlite(address) && !existsSync(file)) {
    const none = "nothing was recorded yet";
    if (slots.length === 0) return [ok("store", `${file}: ${none}`)];
    const found = `${file} is not there, although there is a journal`;
    return [warn("store", found, "A start makes it again, from what the journal still holds.")];
  }
  return asItWas(file, async () => {
    try {
      const store = await openStore(address, "read");
      await store.health().finally(() => store.close());
    } catch (error) {
      if (error instanceof DaybookError) return [refused("store", error)];
      return [fail("store", `${file} cannot be read (${nativeCode(error)})`, CHECK_DISK)];
    }
    return examine("store", file, examined, { auto_vacuum: 2, synchronous: 1 }, () => []);
  });
};

export const checkControl: Check = (examined) => {
  const file = join(examined.home, "control.db");
  if (!existsSync(file)) return [ok("control.db", "not there yet")];
  return asItWas(file, () =>
    examine("control.db", file, examined, { synchronous: 2 }, (db, version) => {
      if (version > CONTROL_VERSION) return [refused("control.db", new DaybookError("newer_version", file))];
      const { waiting } = db.prepare("SELECT count(*) AS waiting FROM outbox").get() ?? {};
      const found = `${countOf(Number(waiting), "admin change")} on the way to the journal`;
      if (waiting === 0) return [];
      return isHeld(examined)
        ? [ok("control.db", found)]
        : [warn("control.db", found, "Start Daybook: it records them first.")];
    }),
  );
};

function isHeld({ slots }: Examined): boolean {
  return slots.some(({ lock }) => lock === "held");
}

/** Pragmas that a connection keeps for itself, and auto_vacuum where it matters, with the values they must have. */
type Wanted = Readonly<Record<string, number>>;

/** Looks at the file's own settings, then `further`, then every page where that is asked for. */
function examine(
  check: string,
  file: string,
  { isDeep, progress }: Examined,
  wanted: Wanted,
  further: (db: DatabaseSync, version: number) => Finding[],
): Finding[] {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    const version = Number(pragma(db, "user_version"));
    const mode = pragma(db, "journal_mode");
    const troubles: Finding[] = [];
    if (mode !== "wal")
      troubles.push(fail(check, `journal_mode is ${mode}, not wal`, "Start Daybook once: it sets it."));
    const values = Object.entries(wanted).map(
      ([name, value]) => [name, value, settled(db, name, value)] as const,
    );
    for (const [name, value, found] of values) {
      if (found !== value)
        troubles.push(
          fail(check, `${name} is ${found}, not ${value}`, "Use the Node that Daybook came with."),
        );
    }
    troubles.push(...further(db, version));
    if (isDeep) troubles.push(...faultsOf(check, db, progress));
    if (troubles.some(({ verdict }) => verdict !== "ok")) return troubles;
    const pragmas = values.map(([name, value]) => `${name} ${value}`).join(", ");
    const whole = isDeep ? ", every page read" : "";
    const summary = `${file}, ${bytesText(statSync(file).size)}, version ${version}, journal_mode ${mode}, ${pragmas}${whole}`;
    return [ok(check, summary), ...troubles];
  } catch (error) {
    const { errcode } = error as { errcode?: unknown };
    const reason = typeof errcode === "number" ? `SQLite error ${errcode}` : nativeCode(error);
    return [fail(check, `${file} cannot be read (${reason})`, CHECK_DISK)];
  } finally {
    db?.close();
  }
}

/** What the pragma is once it was set: synchronous belongs to a connection, auto_vacuum to the file. */
function settled(db: DatabaseSync | undefined, name: string, value: number): unknown {
  if (db === undefined) return undefined;
  if (name === "synchronous") db.exec(`PRAGMA synchronous = ${value}`);
  return pragma(db, name);
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** SQLite's quick check, table by table so that there is something to tell meanwhile. */
function faultsOf(check: string, db: DatabaseSync, progress: (step: string) => void): Finding[] {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  let faults = 0;
  for (const [index, { name }] of tables.entries()) {
    progress(`${check}: table ${index + 1} of ${tables.length}, ${name}`);
    const found = db.prepare("SELECT quick_check AS said FROM pragma_quick_check(?)").all(String(name));
    faults += found.filter(({ said }) => said !== "ok").length;
  }
  return faults === 0 ? [] : [fail(check, `SQLite finds ${countOf(faults, "fault")} in it`, CHECK_DISK)];
}

const isSqlite = (address: string) => address.startsWith("sqlite:");
const fileOf = (address: string) => address.slice("sqlite:".length);
