import assert from "node:assert/strict";
import { test } from "node:test";
import { PowerLoss } from "./power-loss.ts";

test("whenever the power goes, the journal starts, and all that was acknowledged is there as it was", (_t) => {
  const { states, prefixes, exhausted, ...broken } = new PowerLoss({ states: 600, seed: 1 }).run();
  assert.deepEqual(broken, { lost: 0, corrupt: 0, refused: 0, examples: [] });
  assert.ok(states >= 500, `${states} states`);
  // Measured: the operations of the script, and of them those after which few states are possible.
  assert.ok(prefixes >= 250 && exhausted >= 80, `${prefixes} prefixes, ${exhausted} exhausted`);
});
