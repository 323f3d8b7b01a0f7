import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { parseCheckpoint } from "../../src/evidence/checkpoint.ts";
import { parseNote } from "../../src/evidence/note.ts";
import { tilesBetween } from "../../src/evidence/tiles.ts";
import { readKeys, readSealed } from "../../src/journal/sealed.ts";
import { readTile } from "../../src/journal/tile-files.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

/** Waits for what happens within seconds. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("it did not happen");
    await delay(20);
  }
}

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
  const { url, home, server, settle } = await startDaybook(t);
  for (let n = 0; n < 5; n++) await chat(url);
  await settle();
  const slot = join(home, "nodes", "0");
  await until(async () => {
    const { logs, positions } = await sealedIn(home);
    return logs[0]?.checkpoints.at(-1)?.size === positions[0]?.seq && (positions[0]?.seq ?? 0) >= 5;
  });
  const { logs, positions } = await sealedIn(home);
  const note = logs[0]?.checkpoints.at(-1)?.note ?? "";
  const checkpoint = parseCheckpoint(parseNote(note)?.text ?? "");
  assert.equal(Buffer.from(checkpoint?.root ?? []).toString("hex"), positions[0]?.root);
  assert.equal(logs[0]?.keys, readKeys(slot));
  await server.close();
});

test("a server that was closed in order leaves nothing unsealed, and the store has it all", async (t) => {
  const { url, home, server } = await startDaybook(t);
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
  const home = tempFolder();
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
  const home = tempFolder();
  const first = await startDaybook(t, { home });
  await first.server.close();
  const slot = join(home, "nodes", "0");
  const copy = join(tempFolder(), "journal");
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
