import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Placed, Running } from "../../src/recorder/running.ts";

test("what is under way is what a set would hold, whatever comes and goes", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (all) => {
      const things = Array.from({ length: 21 }, (): Placed => ({ place: -1 }));
      const running = new Running<Placed>();
      const set = new Set<Placed>();
      for (const [comes, which] of all) {
        const thing = things[which] as Placed;
        if (comes) running.add(thing);
        else running.delete(thing);
        if (comes) set.add(thing);
        else set.delete(thing);
        assert.equal(running.size, set.size);
      }
      assert.deepEqual(new Set(running), set);
      assert.equal([...running].length, set.size);
    }),
  );
});

test("those that are gone through may leave meanwhile", () => {
  const running = new Running<Placed>();
  const things = [0, 1, 2].map((): Placed => ({ place: -1 }));
  for (const thing of things) running.add(thing);
  const seen: Placed[] = [];
  for (const thing of running) {
    seen.push(thing);
    running.delete(thing);
  }
  assert.deepEqual(seen, things);
  assert.equal(running.size, 0);
});
