import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  anthropicCounts,
  anthropicUsage,
  estimateUsage,
  largerCounts,
  largerUsage,
  openaiUsage,
  type Usage,
} from "../../src/protocols/usage.ts";

const NONE: Usage = {
  promptTokens: null,
  completionTokens: null,
  totalTokens: null,
  cachedTokens: null,
  reasoningTokens: null,
};

test("details are read where OpenAI puts them", () => {
  const usage = openaiUsage({
    prompt_tokens: 100,
    completion_tokens: 40,
    total_tokens: 140,
    prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 30 },
  });
  assert.deepEqual(usage, {
    promptTokens: 100,
    completionTokens: 40,
    totalTokens: 140,
    cachedTokens: 64,
    reasoningTokens: 30,
  });
});

test("cache hits are the cached tokens, and with the misses the prompt", () => {
  const usage = openaiUsage({
    completion_tokens: 1,
    prompt_cache_hit_tokens: 12,
    prompt_cache_miss_tokens: 8,
  });
  assert.deepEqual(usage, {
    ...NONE,
    promptTokens: 20,
    completionTokens: 1,
    totalTokens: 21,
    cachedTokens: 12,
  });
});

test("counts beside the totals are read when there are no details", () => {
  const usage = openaiUsage({
    prompt_tokens: 5,
    cached_tokens: 4,
    reasoning_tokens: 3,
    prompt_tokens_details: null,
  });
  assert.deepEqual(usage, { ...NONE, promptTokens: 5, cachedTokens: 4, reasoningTokens: 3 });
});

test("a missing total is the sum, a given one stays, and half a sum is none", () => {
  assert.equal(openaiUsage({ prompt_tokens: 2, completion_tokens: 3 })?.totalTokens, 5);
  assert.equal(openaiUsage({ prompt_tokens: 2, completion_tokens: 3, total_tokens: 9 })?.totalTokens, 9);
  assert.equal(openaiUsage({ prompt_tokens: 2 })?.totalTokens, null);
  assert.equal(openaiUsage({ prompt_tokens: 2, completion_tokens: 0 })?.totalTokens, 2);
});

test("what is not a count is null, and too large a count is clamped", () => {
  for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "7", true, null, {}, [7]]) {
    assert.deepEqual(openaiUsage({ prompt_tokens: wrong, completion_tokens: 1 }), {
      ...NONE,
      completionTokens: 1,
    });
  }
  const huge = openaiUsage({ prompt_tokens: 1e300, completion_tokens: 1 });
  assert.equal(huge?.promptTokens, Number.MAX_SAFE_INTEGER);
  assert.equal(huge?.totalTokens, Number.MAX_SAFE_INTEGER);
});

test("no count at all is no usage", () => {
  for (const value of [null, undefined, 3, "usage", [], {}, { prompt_tokens: "many" }])
    assert.equal(openaiUsage(value), null);
});

test("any value gives safe counts or null, and never throws", () => {
  const count = fc.oneof(fc.anything(), fc.double(), fc.integer());
  const details = fc.record({ cached_tokens: count, reasoning_tokens: count });
  const value = fc.oneof(
    fc.anything(),
    fc.record(
      {
        prompt_tokens: count,
        completion_tokens: count,
        total_tokens: count,
        prompt_cache_hit_tokens: count,
        prompt_cache_miss_tokens: count,
        prompt_tokens_details: fc.oneof(fc.anything(), details),
        completion_tokens_details: fc.oneof(fc.anything(), details),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(value, (given) => {
      for (const tokens of Object.values(openaiUsage(given) ?? {})) {
        assert.ok(tokens === null || (Number.isSafeInteger(tokens) && tokens >= 0));
      }
    }),
    { numRuns: 500 },
  );
});

test("of two reports each count is the larger, and none is lost", () => {
  const first = { ...NONE, promptTokens: 9, completionTokens: 1, cachedTokens: 4 };
  const last = { ...NONE, promptTokens: 9, completionTokens: 6, totalTokens: 15 };
  const both = { ...NONE, promptTokens: 9, completionTokens: 6, totalTokens: 15, cachedTokens: 4 };
  assert.deepEqual(largerUsage(first, last), both);
  assert.deepEqual(largerUsage(last, first), both);
  assert.deepEqual(largerUsage(null, last), last);
  assert.deepEqual(largerUsage(first, null), first);
  assert.equal(largerUsage(null, null), null);
});

test("missing counts are estimated from bytes, rounded up, and marked; what was told stays", () => {
  const none = { cachedTokens: null, reasoningTokens: null };
  assert.deepEqual(estimateUsage(null, 9, 4), {
    ...none,
    promptTokens: 3,
    completionTokens: 1,
    totalTokens: 4,
    tokensEstimated: true,
  });
  const told = { ...none, promptTokens: 100, completionTokens: 7, totalTokens: 110 };
  assert.deepEqual(estimateUsage(told, 9, 4), { ...told, tokensEstimated: false });
  assert.deepEqual(
    estimateUsage({ ...told, completionTokens: null, totalTokens: null, cachedTokens: 90 }, 9, 81),
    {
      ...none,
      promptTokens: 100,
      completionTokens: 21,
      totalTokens: 121,
      cachedTokens: 90,
      tokensEstimated: true,
    },
  );
  assert.deepEqual(estimateUsage({ ...told, completionTokens: null }, 9, 4).totalTokens, 101);
  assert.deepEqual(estimateUsage({ ...told, totalTokens: null }, 9, 4).totalTokens, 107);
  assert.deepEqual(estimateUsage(null, 0, 0).totalTokens, 0);
});

test("Anthropic's prompt is what was new, what was read from the cache and what was written to it", () => {
  const usage = anthropicUsage(
    anthropicCounts({
      input_tokens: 10,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 30,
      output_tokens: 5,
      output_tokens_details: { thinking_tokens: 4 },
    }),
  );
  assert.deepEqual(usage, {
    promptTokens: 240,
    completionTokens: 5,
    totalTokens: 245,
    cachedTokens: 200,
    reasoningTokens: 4,
  });
});

test("Anthropic's running totals are compared count by count before they are added up", () => {
  const first = anthropicCounts({ input_tokens: 10, cache_read_input_tokens: 0 });
  const last = anthropicCounts({ input_tokens: 5, cache_read_input_tokens: 50, output_tokens: 2 });
  assert.equal(anthropicUsage(largerCounts(first, last))?.promptTokens, 60);
  assert.deepEqual(largerCounts(last, first), largerCounts(first, last));
});

test("without Anthropic's new tokens the prompt is not known, and nothing at all is no usage", () => {
  assert.equal(anthropicUsage(anthropicCounts({ cache_read_input_tokens: 5 }))?.promptTokens, null);
  for (const value of [null, {}, [], "quince", { input_tokens: "7" }, { output_tokens: -1 }]) {
    assert.equal(anthropicUsage(anthropicCounts(value)), null);
  }
});
