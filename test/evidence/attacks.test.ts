import assert from "node:assert/strict";
import { test } from "node:test";
import { thread } from "../support/thread.ts";
import { ATTACKS, type Tried } from "./attacks.ts";
import type { Asked } from "./attacks-worker.ts";
import { judge, makeWorld } from "./sealed-world.ts";

/** Positions of each; `npm run attacks` tries a thousand. */
const TIMES = 200;
/** None may vanish: a suite that tries less would still be green. */
const KINDS = 30;
const UNSEEN_ALONE = [
  "fork, and sign with another key",
  "remove a log",
  "roll the store back",
  "swap the anchors",
];
const TOLD = ["erase without a record", "show an older checkpoint"];

const attack = thread<Asked, Tried>(import.meta.resolve("./attacks-worker.ts"));
let tried = 0;

test("the honest world raises no alarm, with anchors or without", async () => {
  const { world } = makeWorld();
  for (const anchored of [false, true])
    assert.deepEqual(
      (await judge(world, anchored)).map(({ state, erased, pruned }) => [state, erased, pruned]),
      [
        ["PRUNED", 1, 10],
        ["VALID", 0, 0],
      ],
    );
});

for (const [name, { alone, anchored }] of Object.entries(ATTACKS)) {
  test(`${name}: ${alone} alone, ${anchored} with an anchor`, async () => {
    const nothing = { seen: 0, told: 0, unseen: 0 };
    assert.deepEqual(await attack({ name, times: TIMES }), {
      alone: { ...nothing, [alone]: TIMES },
      anchored: { ...nothing, [anchored]: TIMES },
    });
    tried += TIMES;
  });
}

test("no attack has vanished, and what is unseen is what docs/evidence.md says", () => {
  assert.equal(tried, KINDS * TIMES);
  const names = (is: (attack: (typeof ATTACKS)[string]) => boolean) =>
    Object.keys(ATTACKS)
      .filter((name) => is(ATTACKS[name] as (typeof ATTACKS)[string]))
      .sort();
  assert.deepEqual(
    names(({ alone }) => alone === "unseen"),
    UNSEEN_ALONE,
  );
  assert.deepEqual(
    names(({ alone }) => alone === "told"),
    TOLD,
  );
  assert.deepEqual(
    names(({ anchored }) => anchored === "unseen"),
    [],
  );
});
