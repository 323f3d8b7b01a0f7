import assert from "node:assert/strict";
import { test } from "node:test";
import { thread } from "../support/thread.ts";
import type { Lived } from "./many-histories.ts";

/** `npm run honest-histories` tries ten thousand. */
const HISTORIES = 1000;
/** Each state must have been what a history implied: the rarest is, of one in fourteen. */
const FEWEST = 25;

test("a thousand honest histories, and not one false alarm", async () => {
  const live = thread<number, Lived>(import.meta.resolve("./histories-worker.ts"));
  const { told, failure } = await live(HISTORIES);
  assert.equal(failure, null);
  for (const state of ["VALID", "VALID_ERASED", "PRUNED"] as const)
    assert.ok((told[state] ?? 0) >= FEWEST, JSON.stringify(told));
});
