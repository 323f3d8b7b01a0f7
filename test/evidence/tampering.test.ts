import assert from "node:assert/strict";
import { test } from "node:test";
import { flip, type Target, targetsOf } from "./tampering.ts";

const EVENTS = 256;
/** Bits of each sort of file; of a large file every n-th. */
const SAMPLES = { tiles: 19_400, journal: 450, store: 220 };

/** Spread over the whole file, and never the same place within a byte twice in a row. */
function* spread(bits: number, count: number): Generator<number> {
  const step = Math.max(1, bits / count);
  for (let at = 0; at < bits; at += step) yield Math.min(bits - 1, Math.floor(at));
}

function samplesOf({ name, bits }: Target, tileBits: number): number {
  if (name === "events.db") return SAMPLES.store;
  if (name.includes("/journal/")) return SAMPLES.journal;
  return name.includes("/tile/0/") ? SAMPLES.tiles - Math.max(0, tileBits - bits) : bits;
}

test("a flipped bit in any file of a log is seen, or changes neither the verdict nor what is exported", async () => {
  const targets = await targetsOf(EVENTS);
  const sealedBits = targets
    .filter(({ name }) => /tile|checkpoint|keys/.test(name))
    .reduce((sum, { bits }) => sum + bits, 0);
  let flips = 0;
  for (const target of targets) {
    assert.match((await target.look()).verdict, /"VALID",256/, target.name);
    const found = await flip(
      target,
      spread(target.bits, Math.min(target.bits, samplesOf(target, sealedBits))),
    );
    assert.deepEqual(found.unseen, [], target.name);
    flips += found.flips;
  }
  assert.equal(targets.length >= 6, true);
  assert.ok(flips >= 20_000, `${flips} flips`);
});
