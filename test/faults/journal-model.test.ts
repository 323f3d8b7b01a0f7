import { test } from "node:test";
import fc from "fast-check";
import { type Life, live, lives } from "./journal-model.ts";
import kept from "./kept-seeds.json" with { type: "json" };

for (const life of kept as unknown as (Life & { why: string })[]) {
  test(`no longer: ${life.why}`, (_t) => live(life));
}

test("whatever happens to journal, disk and store, the store ends with all that was acknowledged, once", (_t) => {
  fc.assert(fc.property(lives, live), { numRuns: 300 });
});
