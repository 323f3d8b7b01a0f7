// The process's own environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readEnvironment } from "../../src/config/environment.ts";

test("the environment is a frozen copy", (t) => {
  process.env.DAYBOOK_TEST_ONLY = "a";
  t.after(() => delete process.env.DAYBOOK_TEST_ONLY);
  const env = readEnvironment();
  process.env.DAYBOOK_TEST_ONLY = "b";
  assert.equal(env.DAYBOOK_TEST_ONLY, "a");
  assert.ok(Object.isFrozen(env));
});
