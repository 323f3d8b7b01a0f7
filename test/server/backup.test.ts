// A backup of a data folder in use is restored by using it: nothing that was durable before it is missing.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { backupCommand } from "../../src/cli/backup.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { type AuditEvent, eventOf } from "../../src/event/fields.ts";
import { leafText } from "../../src/event/leaf.ts";
import { Frontier, leafHash } from "../../src/evidence/merkle.ts";
import type { EventKey } from "../../src/query/filter.ts";
import { backUp } from "../../src/server/backup.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { ADMIN_TOKEN, chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

async function configOf(home: string) {
  return loadConfig({ env: { DAYBOOK_HOME: home }, cwd: home, homedir: home, flags: {} });
}

function idsOf(events: readonly { readonly event_id: string }[]): Set<string> {
  return new Set(events.map(({ event_id }) => event_id));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String);
}

/** The Merkle root of the node's log, made from the rows of the store. */
async function rootOf(home: string, nodeId: string): Promise<[number, string]> {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "read");
  const events: AuditEvent[] = [];
  for (let after: EventKey | null | undefined; after !== null; ) {
    const where = { node_id: [nodeId] };
    const page = await store.query({ where, includeSystem: true, limit: 1000, ...(after && { after }) });
    events.push(...page.events);
    after = page.next;
  }
  const frontier = new Frontier();
  for (const event of events.sort((a, b) => a.seq - b.seq)) {
    const source = await store.leafSource(event.event_id);
    assert.ok(source);
    assert.deepEqual(eventOf(source.row), event);
    frontier.append(leafHash(leafText(source.row, source.p1Salt, source.p2Salt)));
  }
  await store.close();
  return [events.length, frontier.root()];
}

async function traffic(daybook: TestDaybook, requests: number): Promise<void> {
  await Promise.all(Array.from({ length: requests }, () => chat(daybook.url)));
}

test("a backup taken under traffic starts, verifies, and has all that was durable before it", async (t) => {
  const daybook = await startDaybook(t);
  await traffic(daybook, 30);
  const durable = idsOf(await daybook.events("include=system"));
  const folder = join(tempFolder(), "backup");
  let isCopied = false;
  const running = (async () => {
    while (!isCopied) await traffic(daybook, 3);
  })();
  const { nodes } = await backUp(await configOf(daybook.home), folder);
  isCopied = true;
  await running;
  for (const file of ["node.json", "key", "keys", "checkpoint", "tile"]) {
    const path = join("nodes", "0", file);
    assert.ok(existsSync(join(daybook.home, path)) && existsSync(join(folder, path)), path);
  }
  assert.ok(nodes.some(({ nodeId }) => nodeId === daybook.server.nodeId));
  for (const file of filesIn(folder)) {
    const { mode } = statSync(join(folder, file));
    assert.equal(mode & 0o077, 0, file);
  }
  const restored = await startDaybook(t, { home: folder });
  await restored.adopted();
  const events = await restored.events("include=system");
  const ids = idsOf(events);
  assert.deepEqual(
    [...durable].filter((id) => !ids.has(id)),
    [],
  );
  assert.equal(events.filter(({ action }) => action === "backed_up").length, 1);
  for (const wrong of ["journal_loss", "store_regressed", "node_forked", "node_succeeded", "gap"])
    assert.deepEqual(
      events.filter(({ action }) => action === wrong),
      [],
      wrong,
    );
  // Its tokens and keys work, and it goes on.
  assert.equal((await chat(restored.url)).status, 200);
  await restored.settle();
  await restored.server.close();
  const store = await openStore(`sqlite:${join(folder, "events.db")}`, "read");
  const position = (await store.positions()).find(({ nodeId }) => nodeId === daybook.server.nodeId);
  await store.close();
  assert.deepEqual(await rootOf(folder, daybook.server.nodeId), [position?.seq, position?.root]);
});

test("a backup of a folder whose server was killed is one too", async (t) => {
  const daybook = await startDaybook(t);
  await traffic(daybook, 10);
  const durable = idsOf(await daybook.events("include=system"));
  // What a kill leaves: the files as they are, and locks that nobody holds.
  const left = tempFolder();
  for (const file of filesIn(daybook.home)) {
    if (statSync(join(daybook.home, file)).isDirectory()) mkdirSync(join(left, file), { recursive: true });
    else if (!/lock\.db|holder\.pid/.test(file)) copyFileSync(join(daybook.home, file), join(left, file));
  }
  const folder = join(tempFolder(), "backup");
  await backUp(await configOf(left), folder);
  const restored = await startDaybook(t, { home: folder });
  await restored.adopted();
  const ids = idsOf(await restored.events("include=system"));
  assert.deepEqual(
    [...durable].filter((id) => !ids.has(id)),
    [],
  );
});

test("a store that was restored from an older backup is filled again from the journal", async (t) => {
  const daybook = await startDaybook(t);
  await traffic(daybook, 10);
  await daybook.settle();
  const folder = join(tempFolder(), "backup");
  await backUp(await configOf(daybook.home), folder);
  await traffic(daybook, 10);
  const before = idsOf(await daybook.events());
  await daybook.server.close();
  for (const suffix of ["", "-wal", "-shm"])
    rmSync(join(daybook.home, `events.db${suffix}`), { force: true });
  copyFileSync(join(folder, "events.db"), join(daybook.home, "events.db"));
  const again = await startDaybook(t, { home: daybook.home });
  assert.deepEqual(idsOf(await again.events()), before);
});

test("a folder that is not empty is left as it is, and so is the trail", async (t) => {
  const daybook = await startDaybook(t);
  const folder = tempFolder();
  writeFileSync(join(folder, "notes"), "mine");
  await assert.rejects(backUp(await configOf(daybook.home), folder), { code: "bad_argument" });
  assert.deepEqual(readdirSync(folder), ["notes"]);
  await assert.rejects(backUp(await configOf(daybook.home), join(folder, "notes")), { code: "bad_argument" });
  assert.deepEqual((await daybook.events("action=backed_up&include=system")).length, 0);
});

test("the command says what is in the backup", async (t) => {
  const daybook = await startDaybook(t);
  await traffic(daybook, 3);
  const folder = join(tempFolder(), "backup");
  let text = "";
  const out = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  const { home } = daybook;
  const command = backupCommand({ env: { DAYBOOK_HOME: home }, cwd: home, homedir: home, out });
  await command.parseAsync([folder, "--json"], { from: "user" });
  const { folder: told, nodes } = JSON.parse(text) as { folder: string; nodes: { last_seq: number }[] };
  assert.equal(told, folder);
  assert.ok(nodes.some(({ last_seq }) => last_seq >= 3));
  assert.ok(existsSync(join(folder, "control.db")) && !text.includes(ADMIN_TOKEN));
});
