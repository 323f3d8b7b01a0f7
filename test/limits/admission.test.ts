// Admission as the gateway asks for it: what is refused, with which words and headers, and what an end costs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ask, LimitsAdmission } from "../../src/limits/admission.ts";
import { Ledger } from "../../src/limits/ledger.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import type { OwnLimits } from "../../src/limits/limits.ts";

/** One micro for each token of the prompt, ten for each of the completion. */
const PRICE = { promptMicros: 1_000_000, cachedPromptMicros: 100_000, completionMicros: 10_000_000 };
const NOW = Date.UTC(2026, 0, 31, 23, 59, 30);

function setUp({
  own = {},
  granted,
  required = false,
}: {
  own?: OwnLimits;
  granted?: number;
  required?: boolean;
} = {}) {
  const limiter = new Limiter(() => {});
  limiter.set("api_key", "key", own);
  const ledger = new Ledger(required);
  if (granted !== undefined) ledger.grant("ana", granted);
  let now = NOW;
  let events = 0;
  const admission = new LimitsAdmission({ limiter, ledger, clock: () => now, assumedTokens: () => 1000 });
  const ask = (more: Partial<Ask> = {}) =>
    admission.admit({
      eventId: `event-${++events}`,
      keyId: "key",
      userId: "ana",
      action: "chat",
      price: PRICE,
      requestBytes: 400,
      maxTokens: 50,
      ...more,
    });
  const admitted = (more: Partial<Ask> = {}) => {
    const answer = ask(more);
    assert.ok(answer.ok, answer.ok ? "" : answer.message);
    return answer;
  };
  const refused = (more: Partial<Ask> = {}) => {
    const answer = ask(more);
    assert.ok(!answer.ok, "it was admitted");
    return answer;
  };
  return { ledger, limiter, admitted, refused, pass: (ms: number) => (now += ms) };
}

const usage = (promptTokens: number, completionTokens: number, cachedTokens: number | null = null) => ({
  promptTokens,
  completionTokens,
  totalTokens: promptTokens + completionTokens,
  cachedTokens,
  reasoningTokens: null,
});

test("an answer costs what its tokens cost, cached ones their own price; settling again changes nothing", () => {
  const { admitted, ledger } = setUp({ granted: 10_000 });
  const one = admitted();
  assert.deepEqual(one.settle({ usage: usage(100, 20, 50), charged: true }), { costMicros: 50 + 5 + 200 });
  assert.deepEqual(one.settle({ usage: usage(100, 2000), charged: true }), { costMicros: 255 });
  assert.equal(ledger.balance("ana").balance, 10_000 - 255);
});

test("a failed call, an answer of unknown usage and a route without price cost nothing", () => {
  const { admitted, ledger } = setUp({ granted: 10_000 });
  assert.deepEqual(admitted().settle({ usage: usage(100, 20), charged: false }), {});
  assert.deepEqual(admitted().settle({ usage: null, charged: true }), {});
  assert.deepEqual(admitted({ price: null }).settle({ usage: usage(100, 20), charged: true }), {});
  assert.deepEqual(admitted({ action: "count_tokens" }).settle({ usage: usage(9, 0), charged: true }), {});
  assert.deepEqual(ledger.balance("ana"), {
    granted: 10_000,
    charged: 0,
    balance: 10_000,
    reserved: 0,
    enforced: true,
  });
});

test("credit that does not cover the worst case is 402 before anything is sent, and nothing is held for it", () => {
  const { admitted, refused, ledger } = setUp({ granted: 600 });
  // 400 bytes are 100 tokens of prompt: 100 + 50 × 10.
  const one = admitted();
  assert.equal(ledger.balance("ana").reserved, 600);
  const { code, errorType, facts, message } = refused({ maxTokens: 1 });
  assert.deepEqual(
    [code, errorType, facts],
    ["insufficient_credit", "insufficient_credit", { quotaViolation: "credit" }],
  );
  assert.match(message, /does not cover/);
  one.settle({ usage: usage(100, 10), charged: true });
  assert.equal(ledger.balance("ana").reserved, 0);
  assert.equal(ledger.balance("ana").balance, 400);
  admitted({ maxTokens: 30 });
  refused({ maxTokens: 1 });
});

test("without max_tokens an answer is taken to need what is assumed; an embedding has none", () => {
  const { admitted, ledger } = setUp({ granted: 100_000 });
  admitted({ maxTokens: null });
  assert.equal(ledger.balance("ana").reserved, 100 + 10_000);
  admitted({ maxTokens: null, action: "embedding" });
  assert.equal(ledger.balance("ana").reserved, 100 + 10_000 + 100);
});

test("credit is asked of those who were ever granted some; of all, keys without a user included, where it is required", () => {
  const free = setUp();
  free.admitted();
  free.admitted({ userId: null });
  const used = setUp({ granted: 0 });
  used.refused();
  used.admitted({ price: null });
  used.admitted({ userId: "björn" });
  const required = setUp({ required: true });
  assert.equal(required.refused().errorType, "insufficient_credit");
  assert.equal(required.refused({ userId: null }).errorType, "no_account");
  required.admitted({ price: null, userId: null });
});

test("a limit per minute is 429 limit_exceeded with Retry-After, and OpenAI's headers tell what is left", () => {
  const { admitted, refused, pass } = setUp({ own: { requests_per_minute: 2, tokens_per_minute: 10_000 } });
  const first = admitted();
  assert.deepEqual(first.headers, {
    "x-ratelimit-limit-requests": "2",
    "x-ratelimit-remaining-requests": "1",
    "x-ratelimit-reset-requests": "1m1s",
    "x-ratelimit-limit-tokens": "10000",
    "x-ratelimit-remaining-tokens": "9850",
    "x-ratelimit-reset-tokens": "0ms",
  });
  first.settle({ usage: usage(100, 20), charged: true });
  pass(5000);
  assert.equal(admitted().headers["x-ratelimit-remaining-tokens"], "9730");
  const { code, errorType, facts, headers } = refused();
  assert.deepEqual(
    [code, errorType, facts],
    ["limit_exceeded", "requests_per_minute", { quotaViolation: "key_requests_per_minute" }],
  );
  assert.equal(headers["retry-after"], "56");
  assert.equal(headers["x-ratelimit-remaining-requests"], "0");
  assert.equal(headers["x-should-retry"], undefined);
  pass(55_999);
  refused();
  pass(1);
  admitted();
});

test("a budget is 429 quota_exceeded until the day is over, and clients are told not to try again", () => {
  const { admitted, refused, pass } = setUp({ own: { cost_micros_per_day: 1000 } });
  admitted().settle({ usage: usage(100, 40), charged: true });
  const { code, errorType, headers } = refused();
  assert.deepEqual([code, errorType], ["quota_exceeded", "cost_micros_per_day"]);
  assert.equal(headers["retry-after"], "30");
  assert.equal(headers["x-should-retry"], "false");
  pass(30_000);
  admitted();
});

test("a request whose length nobody has said is let in while its prompt fits, and holds the assumption", () => {
  const { admitted, refused } = setUp({ own: { tokens_per_minute: 500 } });
  refused({ maxTokens: 1000 });
  const one = admitted({ maxTokens: null });
  refused({ maxTokens: null });
  one.settle({ usage: usage(100, 20), charged: true });
  admitted({ maxTokens: null });
});

test("credit that a limit keeps out is not held, nor a limit by credit that is short", () => {
  const { admitted, refused, ledger, limiter } = setUp({ own: { concurrent_requests: 1 }, granted: 600 });
  const one = admitted();
  refused();
  assert.equal(ledger.balance("ana").reserved, 600);
  one.settle({ usage: null, charged: false });
  for (let n = 0; n < 5; n++) assert.equal(refused({ maxTokens: 500 }).code, "insufficient_credit");
  assert.equal(limiter.subject("api_key", "key").used("concurrent_requests", NOW), 0);
  admitted();
});

test("what requests hold that ask for any length there is is given back to the last token", () => {
  const { ledger, limiter, admitted } = setUp();
  const small = Array.from({ length: 9 }, (_, n) => admitted({ maxTokens: n }));
  const large = Array.from({ length: 100 }, () => admitted({ maxTokens: Number.MAX_SAFE_INTEGER }));
  for (const one of [...small, ...large]) one.settle({ usage: null, charged: false });
  const subject = limiter.subject("api_key", "key");
  assert.deepEqual(
    [subject.held("tokens_per_minute"), subject.held("cost_micros_per_day"), ledger.balance("ana").reserved],
    [0, 0, 0],
  );
});
