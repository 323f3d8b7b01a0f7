import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { lag } from "../../src/cli/lag.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { chatRow, T0 } from "../support/facts.ts";
import { openJournal } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

test("what is recorded and not in the store is counted, once it is older than 100 ms", async () => {
  const home = tempFolder();
  const address = `sqlite:${join(home, "events.db")}`;
  await (await openStore(address, "write")).close();
  assert.equal(await lag(home, address, T0), null);
  const slot = takeSlot(home);
  const journal = openJournal(slot.journalFolder, { nodeId: slot.nodeId });
  journal.commit([
    ["finish", chatRow(1)],
    ["finish", chatRow(2)],
    ["begin", chatRow(3, {}, null)],
  ]);
  assert.equal(await lag(home, address, T0 + 100), null);
  assert.deepEqual(await lag(home, address, T0 + 101), { events: 2 });
  slot.release();
});
