import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseCheckpoint } from "../../src/evidence/checkpoint.ts";
import { parseNote } from "../../src/evidence/note.ts";
import { tilesBetween } from "../../src/evidence/tiles.ts";
import { readKeys, readSealed } from "../../src/journal/sealed.ts";
import { readTile } from "../../src/journal/tile-files.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { memoryFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

async function sealedIn(home: string) {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "read");
  try {
    const logs = await store.seals();
    const positions = await store.positions();
    const tiles = await Promise.all(
      logs.flatMap(({ nodeId, checkpoints }) =>
        [...tilesBetween(0, checkpoints.at(-1)?.size ?? 0)].map((name) =>
          store.tile(nodeId, name.level, name.index),
        ),
      ),
    );
    return { logs, positions, tiles };
  } finally {
    await store.close();
  }
}

test("what is recorded is sealed within a second or two, in the slot's folder and in the store", async (t) => {
  const { url, home, server, settle } = await startDaybook(t, { home: memoryFolder() });
  for (let n = 0; n < 5; n++) await chat(url);
  await settle();
  const slot = join(home, "nodes", "0");
  await until(async () => {
    const { logs, positions } = await sealedIn(home);
    return logs[0]?.checkpoints.at(-1)?.size === positions[0]?.seq && (positions[0]?.seq ?? 0) >= 5;
  }, 20_000);
  const { logs, positions } = await sealedIn(home);
  const note = logs[0]?.checkpoints.at(-1)?.note ?? "";
  const checkpoint = parseCheckpoint(parseNote(note)?.text ?? "");
  assert.equal(Buffer.from(checkpoint?.root ?? []).toString("hex"), positions[0]?.root);
  assert.equal(logs[0]?.keys, readKeys(slot));
  await server.close();
});

test("a server that was closed in order leaves nothing unsealed, and the store has it all", async (t) => {
  const { url, home, server } = await startDaybook(t, { home: memoryFolder() });
  for (let n = 0; n < 3; n++) await chat(url);
  await server.close();
  const { logs, positions, tiles } = await sealedIn(home);
  const slot = join(home, "nodes", "0");
  assert.equal(logs[0]?.checkpoints.at(-1)?.size, positions[0]?.seq);
  assert.equal(logs[0]?.checkpoints.at(-1)?.note, readSealed(slot)?.note);
  const names = [...tilesBetween(0, positions[0]?.seq ?? 0)];
  assert.deepEqual(
    tiles.map((hashes) => Buffer.from(hashes ?? [])),
    names.map((name) => readTile(slot, name)),
  );
});

test("a store that was lost gets every tile and checkpoint again", async (t) => {
  const home = memoryFolder();
  const first = await startDaybook(t, { home });
  await chat(first.url);
  await first.server.close();
  for (const name of ["events.db", "events.db-wal", "events.db-shm"])
    rmSync(join(home, name), { force: true });
  const second = await startDaybook(t, { home });
  await chat(second.url);
  await second.server.close();
  const { logs, positions, tiles } = await sealedIn(home);
  assert.equal(logs[0]?.checkpoints.at(-1)?.size, positions[0]?.seq);
  assert.ok(tiles.length > 0 && tiles.every((tile) => tile !== null));
});

test("a journal that is older than its checkpoint is ended, told of, and never signed again", async (t) => {
  const home = memoryFolder();
  const first = await startDaybook(t, { home });
  await first.server.close();
  const slot = join(home, "nodes", "0");
  const copy = join(memoryFolder(), "journal");
  cpSync(join(slot, "journal"), copy, { recursive: true });
  const second = await startDaybook(t, { home });
  await chat(second.url);
  const { nodeId } = second.server;
  await second.server.close();
  const note = readSealed(slot)?.note;
  rmSync(join(slot, "journal"), { recursive: true });
  cpSync(copy, join(slot, "journal"), { recursive: true });
  for (const name of ["events.db", "events.db-wal", "events.db-shm"])
    rmSync(join(home, name), { force: true });
  const third = await startDaybook(t, { home });
  const events = await third.events("kind=system&action=node_succeeded");
  const said = { because: "older_than_checkpoint", predecessor: nodeId };
  assert.deepEqual(
    events.map(({ metadata }) => metadata),
    [JSON.stringify(said)],
  );
  assert.equal(readSealed(slot)?.note, note);
  await third.server.close();
});

/** The codes that Daybook's own log has of sealing. */
function toldOf(t: TestContext): () => string[] {
  const written = t.mock.method(process.stderr, "write");
  return () =>
    written.mock.calls
      .map(({ arguments: [text] }) => String(text))
      .filter((text) => text.includes('"request_id":"sealing"'))
      .map((text) => (JSON.parse(text) as { readonly code: string }).code);
}

/** What is said while nothing is sealed, and that requests are served all the same. */
async function saysUnsealed({ url, get }: TestDaybook, code: string, remedy: RegExp): Promise<void> {
  assert.equal((await chat(url)).status, 200);
  await until(async () => (await get("/readyz")).text.includes(`nothing is sealed: ${code}`), 20_000);
  const { status, text } = await get("/readyz");
  const { checks } = JSON.parse(text) as { readonly checks: Readonly<Record<string, { remedy?: string }>> };
  assert.equal(status, 200);
  assert.match(checks.sealing?.remedy ?? "", remedy);
  assert.match((await get("/metrics")).text, new RegExp(`daybook_sealing\\{trouble="${code}"\\} 0`));
}

async function isAllSealed({ get, home }: TestDaybook): Promise<boolean> {
  if (!(await get("/metrics")).text.includes('daybook_sealing{trouble=""} 1')) return false;
  const { logs, positions } = await sealedIn(home);
  return logs[0]?.checkpoints.at(-1)?.size === positions[0]?.seq;
}

test("where tiles cannot be written, /readyz, /metrics and the log say so once, until they can", async (t) => {
  const told = toldOf(t);
  const home = memoryFolder();
  const tiles = join(home, "nodes", "0", "tile");
  mkdirSync(join(home, "nodes", "0"), { recursive: true });
  writeFileSync(tiles, "a file where a folder should be");
  const daybook = await startDaybook(t, { home });
  await saysUnsealed(daybook, "ENOTDIR", /Check the disk/);
  rmSync(tiles);
  await chat(daybook.url);
  await until(() => isAllSealed(daybook), 20_000);
  assert.match((await daybook.get("/readyz")).text, /"sealed up to \d+"/);
  assert.deepEqual(told(), ["ENOTDIR"]);
});

test("a key that is gone is told, is not replaced by another, and seals all when it is back", async (t) => {
  const told = toldOf(t);
  const home = memoryFolder();
  const first = await startDaybook(t, { home });
  await first.server.close();
  const key = join(home, "nodes", "0", "key");
  renameSync(key, `${key}.away`);
  const chain = readFileSync(join(home, "nodes", "0", "keys"), "utf8");
  const second = await startDaybook(t, { home });
  await saysUnsealed(second, "key_missing", /key and keys back/);
  await second.server.close();
  assert.deepEqual(told(), ["key_missing"]);
  assert.equal(readFileSync(join(home, "nodes", "0", "keys"), "utf8"), chain);
  renameSync(`${key}.away`, key);
  const third = await startDaybook(t, { home });
  await until(() => isAllSealed(third), 20_000);
});

test("tiles that are not those of the log are told, and nothing is signed over them", async (t) => {
  const told = toldOf(t);
  const home = memoryFolder();
  const first = await startDaybook(t, { home });
  await chat(first.url);
  await first.server.close();
  const slot = join(home, "nodes", "0");
  const partial = join(slot, "tile", "0", "000.p");
  const tile = join(partial, readdirSync(partial)[0] ?? "");
  const bytes = readFileSync(tile);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(tile, bytes);
  const note = readSealed(slot)?.note;
  const second = await startDaybook(t, { home });
  await saysUnsealed(second, "roots_differ", /run daybook verify/);
  assert.deepEqual(told(), ["roots_differ"]);
  await second.server.close();
  assert.equal(readSealed(slot)?.note, note);
});
