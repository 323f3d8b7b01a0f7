// Opening: what is refused and how it is said, private files, several processes at once.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { DaybookError } from "../../../src/event/errors.ts";
import { isSafeVersion } from "../../../src/stores/sqlite/connection.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { NodeLog } from "../../support/events.ts";

const root = mkdtempSync(join(tmpdir(), "daybook-sqlite-"));
after(() => rmSync(root, { recursive: true }));

let places = 0;

/** A path for a database in a folder of its own. */
function newFile(): string {
  const folder = join(root, String(++places));
  mkdirSync(folder);
  return join(folder, "events.db");
}

/** A closed store with one event, changed by `sql`. */
async function storeWith(sql: string): Promise<string> {
  const file = newFile();
  const store = await openSqliteStore(file, "write");
  await store.append(new NodeLog("00000000000000a1").next(1));
  await store.close();
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
  return file;
}

/** Neither way of opening works; both say `detail`, in one line, and the file stays as it was. */
async function assertRefused(
  file: string,
  code: string,
  detail: RegExp,
  accesses: readonly ("write" | "read")[] = ["write", "read"],
): Promise<void> {
  const before = statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : null;
  for (const access of accesses) {
    await assert.rejects(openSqliteStore(file, access), (error) => {
      assert.ok(error instanceof DaybookError);
      assert.equal(error.code, code);
      assert.match(error.message, detail);
      assert.ok(error.message.includes(file) && !error.message.includes("\n"), error.message);
      return true;
    });
  }
  if (before !== null) assert.deepEqual(readFileSync(file), before);
}

test("a folder that does not exist is named", async () => {
  const file = join(root, "missing", "events.db");
  await assertRefused(file, "store_unusable", /the folder does not exist \(ENOENT\)/, ["write"]);
});

test("a path through a file is refused", async () => {
  const file = newFile();
  writeFileSync(file, "");
  await assertRefused(join(file, "events.db"), "store_unusable", /not a folder \(ENOTDIR\)/, ["write"]);
});

test("a folder in the place of the file is refused", async () => {
  const file = newFile();
  mkdirSync(file);
  await assertRefused(file, "store_unusable", /it is not a file/);
});

test("a file that is not a database is refused and kept", async () => {
  const file = newFile();
  writeFileSync(file, "these are notes, not a database ".repeat(200));
  await assertRefused(file, "store_unusable", /not a SQLite database \(SQLITE_NOTADB\)/);
});

test("another program's database is refused and kept", async () => {
  for (const version of [0, 1]) {
    const file = newFile();
    const db = new DatabaseSync(file);
    db.exec(`CREATE TABLE notes (text TEXT); PRAGMA user_version = ${version}`);
    db.close();
    await assertRefused(file, "store_unusable", /another program's database/);
  }
});

test("a store of a newer Daybook is refused and kept", async () => {
  const file = await storeWith("PRAGMA user_version = 99");
  await assertRefused(file, "newer_version", /written by a newer Daybook/);
});

test("a store whose pragmas do not hold is refused", async () => {
  await assertRefused(
    await storeWith("PRAGMA auto_vacuum = 0; VACUUM"),
    "store_unusable",
    /auto_vacuum is 0, not 2/,
  );
  const file = await storeWith("PRAGMA journal_mode = DELETE");
  await assertRefused(file, "store_unusable", /journal_mode is delete, not wal/, ["read"]);
});

test("reading where nothing was recorded says so and makes nothing", async () => {
  const file = newFile();
  await assertRefused(file, "store_unusable", /nothing was recorded yet/, ["read"]);
  assert.deepEqual(readdirSync(join(file, "..")), []);
  writeFileSync(file, "");
  await assertRefused(file, "store_unusable", /nothing was recorded yet/, ["read"]);
});

test("reading after a writer that died shows all that it committed, and changes nothing", async () => {
  const [file, left] = [newFile(), newFile()];
  const writer = await openSqliteStore(file, "write");
  await writer.append(new NodeLog("00000000000000a1").next(5));
  for (const suffix of ["", "-wal"]) copyFileSync(file + suffix, left + suffix);
  await writer.close();
  const before = ["", "-wal"].map((suffix) => readFileSync(left + suffix));
  const reader = await openSqliteStore(left, "read");
  assert.equal((await reader.query({ where: {}, limit: 10 })).events.length, 5);
  await reader.close();
  assert.deepEqual(
    ["", "-wal"].map((suffix) => readFileSync(left + suffix)),
    before,
  );
});

test("the files of a new store are its user's only", async () => {
  const file = newFile();
  const umask = process.umask(0);
  const store = await openSqliteStore(file, "write");
  process.umask(umask);
  await store.append(new NodeLog("00000000000000a1").next(1));
  for (const suffix of ["", "-wal", "-shm"])
    assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix);
  await store.close();
});

test("a name that SQLite takes for memory or a URI is a file like any other", async () => {
  const folder = join(newFile(), "..");
  const cwd = process.cwd();
  process.chdir(folder);
  try {
    for (const name of [":memory:", "file:events.db?mode=memory"]) {
      await (await openSqliteStore(name, "write")).close();
      assert.ok(existsSync(join(folder, name)), name);
    }
  } finally {
    process.chdir(cwd);
  }
});

test("SQLite from 3.51.3 on is new enough", () => {
  for (const version of ["3.51.3", "3.51.10", "3.52.0", "4.0.0"]) assert.ok(isSafeVersion(version), version);
  for (const version of ["3.51.2", "3.50.9", "3.9.0", "2.99.99", "", "undefined"]) {
    assert.ok(!isSafeVersion(version), version);
  }
});

const WRITER = `
  const { openSqliteStore } = await import(process.argv[1]);
  const { NodeLog } = await import(process.argv[2]);
  process.stdout.write("ready");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  const store = await openSqliteStore(process.argv[3], "write");
  const log = new NodeLog(process.argv[4]);
  for (let batch = 0; batch < 10; batch++) await store.append(log.next(5));
  await store.close();
  process.exit();
`;

test("processes that make and fill the same store at once all succeed", async () => {
  const file = newFile();
  const modules = ["src/stores/sqlite/open-sqlite-store.ts", "test/support/events.ts"];
  const urls = modules.map((path) => new URL(`../../../${path}`, import.meta.url).href);
  const nodes = ["a", "b", "c", "d"].map((digit) => digit.padStart(16, "0"));
  const children = nodes.map((node) => {
    const args = ["--input-type=module", "-e", WRITER, ...urls, file, node];
    return spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  });
  await Promise.all(children.map((child) => once(child.stdout, "data")));
  const ends = children.map((child) => once(child, "exit"));
  for (const child of children) child.stdin.write("go");
  for (const [code] of await Promise.all(ends)) assert.equal(code, 0);
  const store = await openSqliteStore(file, "read");
  assert.deepEqual(
    (await store.positions()).map(({ nodeId, seq }) => [nodeId, seq]),
    nodes.map((node) => [node, 50]),
  );
  assert.equal((await store.query({ where: {}, limit: 1000 })).events.length, 200);
  await store.close();
});
