// control.db as a file: durable, private, and left alone when it is not ours to read.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openDatabase } from "../../src/control/database.ts";
import { openParts } from "../../src/control/parts.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";

const mode = (path: string) => statSync(path).mode & 0o777;

test("the connection is WAL with full synchronisation, and what is deleted is overwritten", () => {
  const database = openDatabase(join(tempFolder(), "control.db"));
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  assert.deepEqual(["journal_mode", "synchronous", "secure_delete"].map(pragma), ["wal", 2, 1]);
  database.close();
});

test("files are 0600 and a folder that was missing 0700, whatever they were before", async () => {
  const folder = join(tempFolder(), "new", "home");
  const path = join(folder, "control.db");
  const { control, keys } = await openParts({ path, clock: () => T0 });
  await keys.create({ caller: "cli" }, { name: "ci" });
  assert.equal(mode(folder), 0o700);
  assert.deepEqual(readdirSync(folder).sort(), ["control.db", "control.db-shm", "control.db-wal"]);
  for (const name of readdirSync(folder)) assert.equal(mode(join(folder, name)), 0o600, name);
  await control.close();
  chmodSync(path, 0o644);
  await (await openParts({ path, clock: () => T0 })).control.close();
  assert.equal(mode(path), 0o600);
});

test("a file of a newer version is refused and left as it is", async () => {
  const path = join(tempFolder(), "control.db");
  const newer = new DatabaseSync(path);
  newer.exec("CREATE TABLE later (a); PRAGMA user_version = 99");
  newer.close();
  const before = readFileSync(path);
  await assert.rejects(openParts({ path, clock: () => T0 }), { code: "newer_version", detail: path });
  assert.deepEqual(readFileSync(path), before);
});

test("what cannot be opened is refused with its path and the system's own reason", async () => {
  const folder = tempFolder();
  writeFileSync(
    join(folder, "text.db"),
    "not a database, but long enough to have a header of its own".repeat(20),
  );
  mkdirSync(join(folder, "folder.db"));
  for (const [name, reason] of [
    ["text.db", /text\.db: file is not a database/],
    ["folder.db", /folder\.db: EISDIR/],
    ["text.db/control.db", /control\.db: E[A-Z]+\./],
  ] as const) {
    await assert.rejects(openParts({ path: join(folder, name), clock: () => T0 }), {
      code: "folder_unusable",
      message: reason,
    });
  }
});

test("an open control is healthy; a closed one is not", async () => {
  const { control } = await openParts({ path: join(tempFolder(), "control.db"), clock: () => T0 });
  await control.health();
  await control.close();
  await assert.rejects(control.health());
});

test("a forgotten entry's personal data is gone from the file once it is closed", async () => {
  const path = join(tempFolder(), "control.db");
  const { control, keys } = await openParts({ path, clock: () => T0 });
  await keys.create({ caller: "http", clientIp: "203.0.113.77" }, { name: "ci" });
  await control.forgetOutbox(1);
  await control.close();
  assert.ok(!readFileSync(path).includes("203.0.113.77"));
});
