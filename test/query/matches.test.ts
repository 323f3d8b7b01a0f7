import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventOf } from "../../src/event/fields.ts";
import { globMatcher, globParts } from "../../src/query/glob.ts";
import { matcherOf, matches } from "../../src/query/matches.ts";
import { anyFilter } from "../conformance/filters.ts";
import { select } from "../conformance/model.ts";
import { NodeLog, START_MS } from "../support/events.ts";

const log = new NodeLog("00000000000000a1", 9);
log.next(120, (seq) => (seq % 7 === 0 ? { kind: "system" } : {}));
const events = log.events.map(({ row }) => eventOf(row));

test("any filter lets through what a plain comparison, field by field, does", () => {
  fc.assert(
    fc.property(anyFilter(events, fc.integer({ min: START_MS - 1, max: START_MS + 130_000 })), (filter) => {
      const found = new Set(events.filter(matcherOf(filter)));
      assert.deepEqual(found, new Set(select(events, filter)));
      const [first] = events;
      if (first !== undefined) assert.equal(matches(filter, first), found.has(first));
    }),
    { numRuns: 1500 },
  );
});

test("a glob is met from one end to the other, and each part in its place", () => {
  const cases: [glob: string, text: string, isMet: boolean][] = [
    ["*", "", true],
    ["gpt-*", "gpt-4o", true],
    ["gpt-*", "a gpt-4o", false],
    ["*mini", "gpt-4o-mini", true],
    ["*mini", "gpt-4o-mini-2", false],
    ["a*a", "a", false],
    ["a*b*b", "ab", false],
    ["*ab*ab*", "xabyabz", true],
    ["*ab*ab*", "xabz", false],
    ["a**c", "abc", true],
    ["\\*", "*", true],
    ["\\*", "x", false],
    ["a\\b*", "a\\bc", true],
    ["[a-c]?", "b1", false],
  ];
  for (const [glob, text, isMet] of cases) assert.equal(globMatcher(glob)(text), isMet, `${glob} ${text}`);
  assert.deepEqual(globParts('a\\\\*\\"'), ["a\\", '"']);
});

test("a glob of many stars takes no longer than its text is long", () => {
  const like = globMatcher(`${"a*".repeat(16)}b`);
  assert.equal(like("a".repeat(1_000_000)), false);
});
