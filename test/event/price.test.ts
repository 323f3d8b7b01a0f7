// What an answer costs: whole micros, rounded up once, exact at every size.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { costMicros, type Price, type Tokens, totalTokens } from "../../src/event/price.ts";

const PRICE: Price = { promptMicros: 150_000, cachedPromptMicros: 75_000, completionMicros: 600_000 };
const tokens = (
  promptTokens: number | null,
  completionTokens: number | null,
  more: Partial<Tokens> = {},
) => ({
  promptTokens,
  completionTokens,
  totalTokens: null,
  cachedTokens: null,
  ...more,
});

test("tokens cost their price for a million, cached prompt tokens their own", () => {
  assert.equal(costMicros(PRICE, tokens(1_000_000, 1_000_000)), 750_000);
  assert.equal(costMicros(PRICE, tokens(1_000_000, 0, { cachedTokens: 400_000 })), 90_000 + 30_000);
});

test("a part of a micro costs a whole one, once for all parts together", () => {
  assert.equal(costMicros(PRICE, tokens(1, 0)), 1);
  assert.equal(costMicros(PRICE, tokens(1, 1)), 1);
  assert.equal(costMicros(PRICE, tokens(20, 0)), 3);
  assert.equal(costMicros(PRICE, tokens(0, 0)), 0);
});

test("what is not known costs nothing, but for a total without its parts", () => {
  assert.equal(costMicros(PRICE, tokens(null, null)), 0);
  assert.equal(costMicros(PRICE, tokens(null, 1_000_000)), 600_000);
  assert.equal(costMicros(PRICE, tokens(null, null, { totalTokens: 1_000_000 })), 150_000);
  assert.equal(costMicros(PRICE, tokens(null, 500_000, { totalTokens: 1_000_000 })), 75_000 + 300_000);
});

test("more cached tokens than there are in the prompt are as many", () => {
  assert.equal(costMicros(PRICE, tokens(1_000_000, 0, { cachedTokens: 9_000_000 })), 75_000);
});

test("the cost is exact, whatever the numbers, and stops at the largest safe integer", () => {
  const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  const micros = fc.integer({ min: 0, max: 1_000_000_000_000 });
  fc.assert(
    fc.property(count, count, count, micros, micros, micros, (prompt, completion, cached, p, c, o) => {
      const price = { promptMicros: p, cachedPromptMicros: c, completionMicros: o };
      const hit = Math.min(cached, prompt);
      const sum = BigInt(prompt - hit) * BigInt(p) + BigInt(hit) * BigInt(c) + BigInt(completion) * BigInt(o);
      const rounded = sum / 1_000_000n + (sum % 1_000_000n === 0n ? 0n : 1n);
      const most = BigInt(Number.MAX_SAFE_INTEGER);
      const found = costMicros(price, tokens(prompt, completion, { cachedTokens: cached }));
      assert.equal(BigInt(found), rounded < most ? rounded : most);
    }),
  );
});

test("a total is as said, or the sum of its parts", () => {
  assert.equal(totalTokens(tokens(3, 4, { totalTokens: 9 })), 9);
  assert.equal(totalTokens(tokens(3, 4)), 7);
  assert.equal(totalTokens(tokens(3, null)), 3);
  assert.equal(totalTokens(tokens(Number.MAX_SAFE_INTEGER, 4)), Number.MAX_SAFE_INTEGER);
});
