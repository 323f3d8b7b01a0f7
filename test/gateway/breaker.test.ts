import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Breaker } from "../../src/gateway/breaker.ts";

function breaker(failures = 3, restMs = 100) {
  const clock = { ms: 0 };
  return { clock, breaker: new Breaker({ failures, restMs }, () => clock.ms) };
}

function fail(target: Breaker, times: number): void {
  for (let n = 0; n < times; n++) {
    target.enter();
    target.failed();
  }
}

test("so many failures in a row open it, fewer or interrupted ones do not", () => {
  const { breaker: it } = breaker();
  fail(it, 2);
  it.succeeded();
  fail(it, 2);
  assert.equal(it.state, "closed");
  fail(it, 1);
  assert.deepEqual([it.state, it.enter(), it.failures, it.restMs], ["open", false, 3, 100]);
});

test("after its rest one request is let through, and its answer closes it", () => {
  const { breaker: it, clock } = breaker();
  fail(it, 3);
  clock.ms = 100;
  assert.deepEqual([it.state, it.enter(), it.enter()], ["half_open", true, false]);
  it.succeeded();
  assert.deepEqual([it.state, it.enter(), it.enter()], ["closed", true, true]);
});

test("a trial that fails doubles the rest, one that was given up lets the next one in", () => {
  const { breaker: it, clock } = breaker();
  fail(it, 3);
  clock.ms = 100;
  it.enter();
  it.gaveUp();
  assert.equal(it.enter(), true);
  it.failed();
  assert.equal(it.restMs, 200);
});

test("failures of what was sent before it opened prolong nothing", () => {
  const { breaker: it, clock } = breaker();
  fail(it, 3);
  clock.ms = 50;
  it.failed();
  assert.equal(it.restMs, 50);
});

test("with 0 it never opens", () => {
  const { breaker: it } = breaker(0);
  fail(it, 100);
  assert.deepEqual([it.state, it.enter()], ["closed", true]);
});

test("whatever happens: never two trials at once, never a rest beyond five minutes, and it can always close", () => {
  const steps = fc.array(
    fc.oneof(fc.constantFrom("enter", "failed", "succeeded", "gaveUp" as const), fc.nat({ max: 400_000 })),
  );
  fc.assert(
    fc.property(steps, (history) => {
      const { breaker: it, clock } = breaker();
      let trials = 0;
      for (const step of history) {
        if (typeof step === "number") clock.ms += step;
        else if (step === "enter") {
          const wasHalfOpen = it.state === "half_open";
          if (it.enter() && wasHalfOpen) trials++;
          assert.ok(trials <= 1);
        } else {
          it[step as "failed" | "succeeded" | "gaveUp"]();
          trials = 0;
        }
        assert.ok(it.restMs <= 300_000);
      }
      it.succeeded();
      assert.equal(it.state, "closed");
    }),
  );
});
