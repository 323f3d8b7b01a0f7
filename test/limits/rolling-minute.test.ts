// The rolling minute against a list of everything that was ever added.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RollingMinute } from "../../src/limits/rolling-minute.ts";

const steps = fc.array(
  fc.record({
    passMs: fc.oneof(fc.integer({ min: 0, max: 2500 }), fc.integer({ min: 0, max: 70_000 })),
    amount: fc.integer({ min: 0, max: 50 }),
  }),
  { maxLength: 60, size: "max" },
);

test("what counts is never less than the last sixty seconds hold, and never more than the last sixty-one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), steps, (start, each) => {
      const minute = new RollingMinute();
      const added: { at: number; amount: number }[] = [];
      let now = start;
      for (const { passMs, amount } of each) {
        now += passMs;
        minute.add(now, amount);
        added.push({ at: now, amount });
        const within = (ms: number) =>
          added.reduce((sum, { at, amount: of }) => (now - at < ms ? sum + of : sum), 0);
        const sum = minute.sum(now);
        assert.ok(sum >= within(60_000) && sum <= within(61_000), `${sum} at ${now}`);
      }
    }),
  );
});

test("after the wait that it names, so much is free, and a moment before it is not", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 200 }), (each, amount) => {
      const minute = new RollingMinute();
      let now = 1_000_000;
      for (const step of each) {
        now += step.passMs;
        minute.add(now, step.amount);
      }
      const before = minute.sum(now);
      const wanted = Math.min(amount, before);
      const waitMs = minute.waitMs(now, amount);
      if (before === 0) return assert.equal(waitMs, 0);
      assert.ok(minute.sum(now + waitMs - 1) > before - wanted);
      assert.ok(minute.sum(now + waitMs) <= before - wanted);
    }),
  );
});

test("a clock that steps back forgets nothing", () => {
  const minute = new RollingMinute();
  minute.add(100_000, 5);
  minute.add(40_000, 3);
  assert.equal(minute.sum(30_000), 8);
  assert.equal(minute.sum(161_000), 0);
});
