import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { tempFolder } from "../support/temp.ts";
import { targetsOf } from "./tampered-files.ts";
import { makeTamperedLog } from "./tampered-log.ts";
import { flip, type Target } from "./tampering.ts";

const EVENTS = 256;
/** `npm run tampering` flips every bit. Of a large file every n-th. */
const SAMPLES = { tiles: 13_000, journal: 6_500, store: 700 };
/** Of so many flips one is looked at in full, as by a verifier that remembers nothing. */
const LOOK_EVERY = { slot: 100, store: 7 };

/** Spread over the whole file, and never the same place within a byte twice in a row. */
function* spread(bits: number, count: number): Generator<number> {
  const step = Math.max(1, bits / count);
  for (let at = 0; at < bits; at += step) yield Math.min(bits - 1, Math.floor(at));
}

function samplesOf({ name, bits }: Target): number {
  if (name === "events.db") return SAMPLES.store;
  if (name.startsWith("journal/")) return SAMPLES.journal;
  return name.startsWith("tile/0/") ? SAMPLES.tiles : bits;
}

test("a flipped bit in any file of a log is seen, or changes neither the verdict nor what is exported", async () => {
  const home = join(tempFolder(), "log");
  await makeTamperedLog(home, EVENTS);
  const targets = await targetsOf(home);
  const names = targets.map(({ name }) => name);
  for (const part of ["tile/0/", "tile/1/", "checkpoint", "keys", "journal/", "events.db"])
    assert.ok(
      names.some((name) => name.startsWith(part)),
      part,
    );
  let flips = 0;
  for (const target of targets) {
    assert.match((await target.look()).verdict, /"VALID",256/, target.name);
    const bits = spread(target.bits, Math.min(target.bits, samplesOf(target)));
    const lookEvery = target.name === "events.db" ? LOOK_EVERY.store : LOOK_EVERY.slot;
    const found = await flip(target, bits, lookEvery);
    target.end();
    assert.deepEqual({ unseen: found.unseen, unlike: found.unlike }, { unseen: [], unlike: [] }, target.name);
    flips += found.flips - (found.told.unread ?? 0);
  }
  assert.ok(flips >= 20_000, `${flips} flips`);
});
