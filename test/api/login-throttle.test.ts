import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LoginThrottle } from "../../src/api/login-throttle.ts";

test("an account's first failures are free, then each doubles the wait, up to a minute", () => {
  let now = 0;
  const throttle = new LoginThrottle(() => now);
  const waits: number[] = [];
  for (let n = 0; n < 14; n++) {
    const wait = throttle.waitMs(n % 2 === 0 ? "Ann" : "ann", `source ${n}`);
    waits.push(wait);
    // Told to wait, it waits as long, and no longer.
    now += wait - 1;
    if (wait > 0) assert.equal(throttle.waitMs("ann", "another"), 1);
    now += 1;
    if (wait > 0) assert.equal(throttle.waitMs("ann", `source ${n}`), 0);
  }
  assert.deepEqual(
    waits,
    [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map((s) => s * 1000),
  );
});

test("a source's failures slow down whatever account it tries", () => {
  let now = 0;
  const throttle = new LoginThrottle(() => now);
  for (let n = 0; n < 11; n++) assert.equal(throttle.waitMs(`user${n}`, "203.0.113.7"), 0, String(n));
  assert.equal(throttle.waitMs("somebody", "203.0.113.7"), 1000);
  assert.equal(throttle.waitMs("somebody", "203.0.113.8"), 0);
  now += 1000;
  assert.equal(throttle.waitMs("somebody", "203.0.113.7"), 0);
  assert.equal(throttle.waitMs("somebody", "203.0.113.7"), 2000);
});

test("a success makes the account as new, and is not counted against the source", () => {
  const throttle = new LoginThrottle(() => 0);
  for (let n = 0; n < 100; n++) {
    assert.equal(throttle.waitMs("ann", "office"), 0, String(n));
    throttle.succeeded("ann", "office");
  }
  assert.equal(throttle.size, 0);
});

test("the addresses of one IPv6 network are one source", () => {
  const throttle = new LoginThrottle(() => 0);
  const inside = ["2001:db8:0:7::1", "2001:db8:0:7:a:b:c:d", "2001:DB8::7:0:0:0:2", "2001:db8:0:7::ffff:1"];
  for (let n = 0; n < 11; n++) throttle.waitMs(`user${n}`, inside[n % inside.length] ?? "");
  for (const address of inside) assert.equal(throttle.waitMs("somebody", address), 1000, address);
  for (const address of ["2001:db8:0:8::1", "2001:db8::7", "::1", "192.0.2.7"])
    assert.equal(throttle.waitMs(`of ${address}`, address), 0, address);
});

test("one's own successes between do not make a source as new", () => {
  let now = 1_700_000_000_000;
  const throttle = new LoginThrottle(() => now);
  let failed = 0;
  for (let n = 0; n < 60; n++, now += 100) {
    if (throttle.waitMs("mine", "203.0.113.7") === 0) throttle.succeeded("mine", "203.0.113.7");
    if (throttle.waitMs(`user${n}`, "203.0.113.7") === 0) failed++;
  }
  // Ten are free; the next two waits take three of the six seconds.
  assert.ok(failed >= 10 && failed <= 14, String(failed));
});

test("after an hour without a failure all is as new", () => {
  let now = 0;
  const throttle = new LoginThrottle(() => now);
  for (let n = 0; n < 5; n++) now += throttle.waitMs("ann", `s${n}`);
  now += 2 * 3_600_000;
  for (let n = 0; n < 3; n++) assert.equal(throttle.waitMs("ann", `t${n}`), 0);
});

test("memory is bounded, whatever is tried, and nothing that was typed is in it", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 200 }), (tries) => {
      const throttle = new LoginThrottle(() => 0, 20);
      for (const [account, source] of tries) {
        throttle.waitMs(account, source);
        assert.ok(throttle.size <= 20);
      }
    }),
  );
});
