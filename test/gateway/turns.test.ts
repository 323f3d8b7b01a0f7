// Whose turn it is, with a clock and chance of our own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Breaker } from "../../src/gateway/breaker.ts";
import { askedWaitMs } from "../../src/gateway/retries.ts";
import type { Target } from "../../src/gateway/routes.ts";
import { Turns } from "../../src/gateway/turns.ts";
import type { Upstream } from "../../src/gateway/upstream.ts";

function target(name: string, retry = { max: 1, waitMs: 100 }): Target {
  const breaker = new Breaker({ failures: 1, restMs: 1000 }, () => 0);
  return { provider: { name, retry, breaker } as Partial<Upstream> as Upstream, upstreamModel: null };
}

function turns(targets: readonly Target[], deadline = 10_000) {
  const clock = { ms: 0 };
  return { clock, turns: new Turns({ targets, deadline, now: () => clock.ms, random: () => 0.5 }) };
}

/** Lets everybody fail; the names of a whole round. */
function round(line: Turns, headers: Record<string, string> | null = null): string[] {
  const names: string[] = [];
  for (let next = line.take(); next !== null; next = line.take()) {
    names.push(next.provider.name);
    line.failed(next, headers);
  }
  return names;
}

test("every provider has its turn before anybody has a second one, after a wait", () => {
  const { turns: line } = turns([target("a"), target("b")]);
  assert.deepEqual([round(line), line.waitMs], [["a", "b"], 100]);
  line.nextRound();
  assert.deepEqual([round(line), line.waitMs, line.more], [["a", "b"], null, false]);
});

test("the wait doubles from round to round", () => {
  const { turns: line } = turns([target("a", { max: 3, waitMs: 100 })]);
  const waits: (number | null)[] = [];
  for (let n = 0; n < 4; n++) {
    round(line);
    waits.push(line.waitMs);
    line.nextRound();
  }
  assert.deepEqual(waits, [100, 200, 400, null]);
});

test("a provider that is resting comes last, and is asked when nobody else is left", () => {
  const [a, b] = [target("a"), target("b")];
  a.provider.breaker.failed();
  assert.deepEqual(round(turns([a, b]).turns), ["b", "a"]);
  assert.deepEqual(round(turns([a]).turns), ["a"]);
});

test("only those take part in another round who may, and not before they want to", () => {
  const [patient, once, busy] = [target("patient"), target("once", { max: 0, waitMs: 1 }), target("busy")];
  const { turns: line } = turns([patient, once, busy]);
  for (let next = line.take(); next !== null; next = line.take())
    line.failed(next, next === busy ? { "retry-after": "3" } : null);
  assert.equal(line.waitMs, 100);
  line.nextRound();
  assert.deepEqual(round(line), ["patient"]);
});

test("a provider that wants no retry, or to be left alone for long, is not asked again", () => {
  const cases: Record<string, string>[] = [{ "x-should-retry": "false" }, { "retry-after": "60" }];
  for (const headers of cases) {
    const { turns: line } = turns([target("a")]);
    round(line, headers);
    assert.equal(line.more, false);
  }
});

test("no round begins that the time limit does not leave time for", () => {
  const { turns: line } = turns([target("a")], 100);
  round(line);
  assert.equal(line.waitMs, null);
});

test("Retry-After comes in seconds, as a date, or exactly in milliseconds", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(askedWaitMs({ "retry-after": "2" }, now), 2000);
  assert.equal(askedWaitMs({ "retry-after": "Thu, 01 Jan 2026 00:00:05 GMT" }, now), 5000);
  assert.equal(askedWaitMs({ "retry-after": "Thu, 01 Jan 2025 00:00:05 GMT" }, now), 0);
  assert.equal(askedWaitMs({ "retry-after": "2", "retry-after-ms": "150" }, now), 150);
  assert.equal(askedWaitMs({ "retry-after": "soon" }, now), null);
  assert.equal(askedWaitMs({}, now), null);
});
