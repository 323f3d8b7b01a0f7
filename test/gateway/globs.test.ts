import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchesAny, matchesGlob } from "../../src/gateway/globs.ts";

test("a star stands for any run of characters, also for none", () => {
  const cases: readonly [string, string, boolean][] = [
    ["gpt-*", "gpt-4o", true],
    ["gpt-*", "gpt-", true],
    ["gpt-*", "gpt", false],
    ["*", "", true],
    ["a*a", "a", false],
    ["a*b*c", "a-b-b-c", true],
    ["a**c", "ac", true],
    ["gpt.4", "gptx4", false],
    ["exact", "exact", true],
    ["exact", "exactly", false],
  ];
  for (const [glob, name, matches] of cases)
    assert.equal(matchesGlob(glob, name), matches, `${glob} ${name}`);
  assert.equal(matchesAny(["x", "gpt-*"], "gpt-4o"), true);
  assert.equal(matchesAny([], "gpt-4o"), false);
});

test("it agrees with the regular expression that says the same", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(word, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 }), (glob, name) => {
      const pattern = new RegExp(`^${glob.replaceAll("*", ".*")}$`);
      assert.equal(matchesGlob(glob, name), pattern.test(name));
    }),
    { numRuns: 2000 },
  );
});
