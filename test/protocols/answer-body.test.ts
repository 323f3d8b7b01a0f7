import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonAnswer } from "../../src/protocols/answer-body.ts";
import { OPENAI_BODY } from "../../src/protocols/openai-answer.ts";

const NOTHING = { usage: null, model: null, finishReason: null, inBandError: null, whole: false };
const USAGE = { prompt_tokens: 5, completion_tokens: 900_000, total_tokens: 900_005 };
const COUNTS = {
  promptTokens: 5,
  completionTokens: 900_000,
  totalTokens: 900_005,
  cachedTokens: null,
  reasoningTokens: null,
};

function large(content: string, after: Record<string, unknown> = { usage: USAGE }): Buffer {
  const choice = { index: 0, message: { role: "assistant", content }, finish_reason: "length" };
  return Buffer.from(JSON.stringify({ id: "chatcmpl-1", model: "gpt-4o", choices: [choice], ...after }));
}

function read(body: Buffer, size: number, maxKeptBytes?: number) {
  const reader = new JsonAnswer(OPENAI_BODY, maxKeptBytes === undefined ? {} : { maxKeptBytes });
  for (let at = 0; at < body.length; at += size) reader.feed(body.subarray(at, at + size));
  return reader.finish();
}

test("facts of a body too large to keep are read from its two ends", () => {
  const body = large('say "usage": {} '.repeat(400_000));
  assert.ok(body.length > 5 * 1024 * 1024);
  assert.deepEqual(read(body, 65_536), {
    usage: COUNTS,
    model: "gpt-4o",
    finishReason: "length",
    inBandError: null,
    whole: true,
  });
});

test("the start of a large body is kept however much follows, and enough of its end", () => {
  const body = large("plum ".repeat(200_000), { usage: USAGE, label: "x".repeat(60_000) });
  for (const size of [1000, body.length]) {
    const { model, usage } = read(body, size, 200_000);
    assert.deepEqual({ model, usage }, { model: "gpt-4o", usage: COUNTS });
  }
});

test("a body of exactly the limit is read whole", () => {
  const body = Buffer.from('{"error":{"type":"server_error"}}');
  assert.deepEqual(read(body, 5, body.length).inBandError, { type: "server_error" });
  assert.equal(read(body, 5, body.length - 1).inBandError, null);
});

test("a large body that ends short is not whole", () => {
  const body = large("plum ".repeat(60_000));
  assert.deepEqual(read(body.subarray(0, -20), 1000, 200_000), {
    ...NOTHING,
    model: "gpt-4o",
    finishReason: "length",
  });
});

test("a usage that is not a member of the answer itself is not taken from a large body", () => {
  const inner = { prompt_tokens: 1, completion_tokens: 1 };
  const body = large("plum ".repeat(60_000), { vendor: [{ usage: inner }], label: "usage" });
  assert.equal(read(body, 1000, 200_000).usage, null);
  const both = large("plum ".repeat(60_000), { usage: USAGE, vendor: { usage: inner } });
  assert.deepEqual(read(both, 1000, 200_000).usage, COUNTS);
});

test("usage is looked for in a few places only", () => {
  const after = (others: number) =>
    large("plum ".repeat(60_000), { usage: USAGE, vendor: Array(others).fill({ usage: 1 }) });
  assert.deepEqual(read(after(7), 1000, 200_000).usage, COUNTS);
  assert.equal(read(after(8), 1000, 200_000).usage, null);
});

test("the finish reason is the first choice's that has one", () => {
  const choices = [
    { finish_reason: 9 },
    { finish_reason: "" },
    { finish_reason: "stop" },
    { finish_reason: "length" },
  ];
  assert.equal(read(Buffer.from(JSON.stringify({ choices })), 10).finishReason, "stop");
});

test("a model or finish reason of a large body is only taken when it can be one", () => {
  const body = Buffer.from(
    `{"model":"${"m".repeat(129)}","pad":"${"x".repeat(300_000)}","finish_reason":"plum"}`,
  );
  assert.deepEqual(read(body, 1000, 200_000), { ...NOTHING, whole: true });
});

test("a reader can be used again after its end", () => {
  const reader = new JsonAnswer(OPENAI_BODY, { maxKeptBytes: 200_000 });
  reader.feed(large("plum ".repeat(60_000)));
  assert.equal(reader.finish().model, "gpt-4o");
  assert.deepEqual(reader.finish(), NOTHING);
  reader.feed(Buffer.from('{"model":"demo"}'));
  assert.deepEqual(reader.finish(), { ...NOTHING, model: "demo", whole: true });
});

test("JSON of another shape is whole and tells nothing", () => {
  for (const text of [
    "{}",
    '{"choices":{}}',
    '{"choices":[null,7,{"finish_reason":9}],"model":"","usage":7,"error":null}',
  ]) {
    assert.deepEqual(read(Buffer.from(text), 3), { ...NOTHING, whole: true });
  }
  for (const text of ["[]", "null", '"text"']) assert.deepEqual(read(Buffer.from(text), 3), NOTHING);
});
