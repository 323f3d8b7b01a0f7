// What a server does with the slots of processes that are gone.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { KINDS, type Kind, type Mode } from "../../src/event/fields.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { Adoption } from "../../src/node/adoption.ts";
import { openReader } from "../../src/read/reader.ts";
import { chatRow } from "../support/facts.ts";
import { openJournal } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

test("whoever reads live is woken when events of an adopted slot are in the store", async () => {
  const home = tempFolder();
  mkdirSync(join(home, "nodes", "1"), { recursive: true });
  const own = takeSlot(home);
  const dead = takeSlot(home);
  openJournal(dead.journalFolder, { nodeId: dead.nodeId }).commit([["finish", chatRow(1)]]);
  dead.release();
  const address = `sqlite:${home}/events.db`;
  const reader = await openReader(address);
  const positions = () => reader.positions().catch(() => []);
  const woken: Promise<(number | undefined)[]>[] = [];
  const adoption = new Adoption({
    home,
    own,
    address,
    limits: { maxBytes: 2 ** 24, reserveBytes: 0 },
    modes: Object.fromEntries(KINDS.map((kind) => [kind, "open"])) as Record<Kind, Mode>,
    positions,
    onShipped: () => woken.push(positions().then((known) => known.map(({ seq }) => seq))),
    onLost: async () => assert.fail("nothing is lost"),
  });
  await adoption.round();
  // The event, and what is told of the process that ended without closing its journal.
  assert.deepEqual((await Promise.all(woken)).at(-1), [2]);
  await adoption.close();
  await reader.close();
  own.release();
});
