import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { seeSlots } from "../../src/journal/seen-slots.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { tempFolder } from "../support/temp.ts";

const locks = (home: string) => seeSlots(home).map(({ lock, pid }) => [lock, pid]);

test("a slot is held while its process has it, and looking takes nothing", () => {
  const home = tempFolder();
  assert.deepEqual(seeSlots(home), []);
  const slot = takeSlot(home);
  assert.deepEqual(locks(home), [["held", process.pid]]);
  assert.deepEqual(locks(home), [["held", process.pid]]);
  assert.equal(seeSlots(home)[0]?.nodeId, slot.nodeId);
  slot.release();
  const before = readdirSync(slot.folder);
  assert.deepEqual(locks(home), [["free", null]]);
  assert.deepEqual(readdirSync(slot.folder), before);
  takeSlot(home).release();
});

test("slots are told in order, and what their identity lacks", () => {
  const home = tempFolder();
  const identities = {
    10: '{"format":2,"node_id":"00112233445566aa"}',
    2: '{"format":1,"node_id":"00112233445566aa"}',
    5: '{"format":1,"node_id":"00112233445566bb","retired":"damaged"}',
    3: "{",
    4: null,
  };
  for (const [index, text] of Object.entries(identities)) {
    mkdirSync(join(home, "nodes", index), { recursive: true });
    if (text !== null) writeFileSync(join(home, "nodes", index, "node.json"), text);
  }
  mkdirSync(join(home, "nodes", "old"));
  assert.deepEqual(
    seeSlots(home).map(({ index, identity, nodeId, isRetired, lock }) => [
      index,
      identity,
      nodeId,
      isRetired,
      lock,
    ]),
    [
      [2, "good", "00112233445566aa", false, "free"],
      [3, "unreadable", null, false, "free"],
      [4, "none", null, false, "free"],
      [5, "good", "00112233445566bb", true, "free"],
      [10, "newer", null, false, "free"],
    ],
  );
});

test("a lock that cannot be asked is not taken for free", () => {
  const home = tempFolder();
  mkdirSync(join(home, "nodes", "0", "lock.db"), { recursive: true });
  const [slot] = seeSlots(home);
  assert.deepEqual([slot?.lock, slot?.reason], ["unknown", "SQLite error 14"]);
});
