// Sums are asked one after the other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "../../dashboard/src/lib/turns.ts";

test("each is asked when the one before is over, however that ended, and what nobody waits for is not asked", async () => {
  const turns = new Turns();
  const { signal } = new AbortController();
  const left = new AbortController();
  const order: string[] = [];
  const first = Promise.withResolvers<string>();
  const ask = (name: string, answer: Promise<string>) => () => {
    order.push(name);
    return answer;
  };
  assert.ok(turns.isIdle);
  const one = turns.take(signal, ask("one", first.promise));
  const gone = turns.take(left.signal, ask("gone", Promise.resolve("gone")));
  const two = turns.take(signal, ask("two", Promise.resolve("two")));
  await Promise.resolve();
  assert.deepEqual(order, ["one"]);
  assert.equal(turns.isIdle, false);
  left.abort();
  first.reject(new Error("broken"));
  await assert.rejects(one, /broken/);
  await assert.rejects(gone, { name: "AbortError" });
  assert.equal(await two, "two");
  assert.deepEqual(order, ["one", "two"]);
  assert.ok(turns.isIdle);
});
