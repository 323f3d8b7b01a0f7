// Retention in the store's thread: nothing goes before the store has what tells of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOut } from "../../src/delivery/pruning.ts";
import { KINDS, type Kind } from "../../src/event/fields.ts";
import type { PrunePlan } from "../../src/stores/removal.ts";

const NODE = "00000000000000a1";
const before = Object.fromEntries(KINDS.map((kind) => [kind, 1])) as Record<Kind, number>;
const plan: PrunePlan = { before, capped: false, holds: [], ranges: [], told: [] };

/** What is looked up and done, in order; each wait lets time go on by one. */
async function run(shippedLsns: readonly number[], sizes: readonly number[], isStopped = false) {
  const said: string[] = [];
  let now = 0;
  const at = (values: readonly number[]) => values[Math.min(now, values.length - 1)] ?? 0;
  const pruned = await carryOut({
    plan,
    nodeId: NODE,
    toldLsn: 10,
    store: {
      seals: async () => [{ nodeId: NODE, keys: null, checkpoints: [{ size: at(sizes), at: 0, note: "" }] }],
      prune: async () => {
        said.push(`removed at ${now}`);
        return { events: 3, next: null };
      },
    },
    status: () => ({ state: isStopped ? "stopped" : "shipping", shippedSeq: 7, shippedLsn: at(shippedLsns) }),
    signal: new AbortController().signal,
    isMeant: () => true,
    sleep: async () => {
      now++;
    },
  });
  return { ...pruned, said };
}

test("events go once a checkpoint in the store covers what tells of it", async () => {
  const told = { events: 3, reason: null };
  assert.deepEqual(await run([10], [7]), { ...told, said: ["removed at 0"] });
  assert.deepEqual(await run([9, 9, 10], [7]), { ...told, said: ["removed at 2"] });
  assert.deepEqual(await run([10], [0, 6, 6, 7]), { ...told, said: ["removed at 3"] });
});

test("nothing goes when that never comes", async () => {
  const untold = { events: 0, reason: "not_sealed", said: [] };
  assert.deepEqual(await run([9], [7]), untold);
  assert.deepEqual(await run([10], [6]), untold);
  assert.deepEqual(await run([10], [7], true), untold);
});
