import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { interleave, medianOf, number, quantileOf, slopeOf } from "../../bench/harness.ts";
import { markdown, writeSection } from "../../bench/page.ts";
import { tempFolder } from "../support/temp.ts";

test("cases take turns, every other round backwards, and the warm-up does not count", async () => {
  const turns: string[] = [];
  const of = (name: string) => ({
    name,
    turn: async (round: number) => {
      turns.push(`${name}${round}`);
      return { value: round < 0 ? 1000 : round + (name === "b" ? 10 : 0) };
    },
  });
  const results = await interleave([of("a"), of("b")], { rounds: 3, say: () => {} });
  assert.deepEqual(turns, ["b-1", "a-1", "a0", "b0", "b1", "a1", "a2", "b2"]);
  assert.deepEqual([results.median("a", "value"), results.median("b", "value")], [1, 11]);
  assert.equal(results.difference("b", "a", "value"), 10);
});

test("a ratio is the median of the rounds' ratios, not the ratio of the medians", async () => {
  const values = { a: [1, 10, 100], b: [2, 30, 100] };
  const of = (name: "a" | "b") => ({
    name,
    turn: async (round: number) => ({ value: values[name][round] ?? 0 }),
  });
  const results = await interleave([of("a"), of("b")], { rounds: 3, say: () => {}, warmUp: false });
  assert.equal(results.ratio("b", "a", "value"), 2);
  assert.ok(Number.isNaN(results.ratio("b", "none", "value")));
});

test("medians, quantiles and slopes", () => {
  assert.deepEqual([medianOf([3, 1, 2]), medianOf([4, 1]), quantileOf([0, 10], 0.95)], [2, 2.5, 9.5]);
  assert.ok(Number.isNaN(medianOf([])));
  assert.equal(slopeOf([1, 2, 3], [5, 7, 9]), 2);
  assert.deepEqual([number(1234.5), number(0.012345), number(Number.NaN)], ["1,235", "0.0123", "–"]);
});

test("a section says which targets are met, and stands between its own markers", async () => {
  const target = { what: "speed", least: 1, goal: 2, better: "more", unit: "×" } as const;
  const targets = [2, 1.5, 0.5, null].map((measured) => ({ ...target, measured }));
  const text = markdown({ targets, tables: [] }, 5);
  assert.deepEqual([...text.matchAll(/\| ([^|]+) \|$/gm)].map(([, verdict]) => verdict).slice(1), [
    "goal",
    "met",
    "**missed**",
    "not measured",
  ]);
  const page = join(tempFolder(), "page.md");
  writeFileSync(page, "before\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nafter\n");
  writeSection("x", "new", pathToFileURL(page));
  assert.equal(await readFile(page, "utf8"), "before\n<!-- bench:x -->\n\nnew\n\n<!-- /bench:x -->\nafter\n");
  assert.throws(() => writeSection("y", "new", pathToFileURL(page)), /no markers/);
});

test("every bench has its place in docs/performance.md, and no other has", async () => {
  const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
  const benches = [...(await read("bench/main.ts")).matchAll(/^ {2}(\w+): \(\) => import/gm)].map(
    ([, name]) => name,
  );
  const page = await read("docs/performance.md");
  const begins = [...page.matchAll(/<!-- bench:(\w+) -->/g)].map(([, name]) => name);
  const ends = [...page.matchAll(/<!-- \/bench:(\w+) -->/g)].map(([, name]) => name);
  assert.ok(benches.length > 4);
  assert.deepEqual(begins.toSorted(), benches.toSorted());
  assert.deepEqual(ends, begins);
});
