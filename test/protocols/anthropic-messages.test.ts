import assert from "node:assert/strict";
import { test } from "node:test";
import { ANTHROPIC_COUNT_TOKENS, ANTHROPIC_MESSAGES } from "../../src/protocols/anthropic-messages.ts";
import { isRefusal, type Protocol } from "../../src/protocols/protocol.ts";

function parse(protocol: Protocol, members: object) {
  const request = protocol.parseRequest(Buffer.from(JSON.stringify(members)));
  assert.ok(!isRefusal(request), JSON.stringify(request));
  const { model, streaming, maxTokens, toolCount } = request;
  return { model, streaming, maxTokens, toolCount };
}

const MESSAGE = { model: "claude", max_tokens: 1024, messages: [], stream: true, tools: [{}, {}] };

test("the facts of a message are read", () => {
  assert.deepEqual(parse(ANTHROPIC_MESSAGES, MESSAGE), {
    model: "claude",
    streaming: true,
    maxTokens: 1024,
    toolCount: 2,
  });
  assert.deepEqual(parse(ANTHROPIC_MESSAGES, { model: "claude", messages: [], tools: null }), {
    model: "claude",
    streaming: false,
    maxTokens: null,
    toolCount: 0,
  });
});

test("counting a message's tokens neither streams nor generates nor costs", () => {
  assert.deepEqual(parse(ANTHROPIC_COUNT_TOKENS, MESSAGE), {
    model: "claude",
    streaming: false,
    maxTokens: null,
    toolCount: 2,
  });
  assert.equal(ANTHROPIC_COUNT_TOKENS.metered, false);
  const request = ANTHROPIC_COUNT_TOKENS.parseRequest(Buffer.from(JSON.stringify(MESSAGE)));
  assert.ok(!isRefusal(request));
  const answer = ANTHROPIC_COUNT_TOKENS.createAnswer(request);
  answer.feed(Buffer.from('{"input_tokens":2095}'));
  assert.equal(answer.contentBytes, 0);
});

test("a message that is not one is refused by the member at fault", () => {
  for (const [members, param] of [
    [{ messages: [] }, "model"],
    [{ model: "claude" }, "messages"],
    [{ ...MESSAGE, messages: "quince" }, "messages"],
    [{ ...MESSAGE, stream: "quince" }, "stream"],
    [{ ...MESSAGE, max_tokens: "quince" }, "max_tokens"],
    [{ ...MESSAGE, tools: { quince: 1 } }, "tools"],
    [{ ...MESSAGE, Model: "other" }, "model"],
  ] as const) {
    const refusal = ANTHROPIC_MESSAGES.parseRequest(Buffer.from(JSON.stringify(members)));
    assert.ok(isRefusal(refusal));
    assert.equal(refusal.param, param);
    assert.ok(!JSON.stringify(refusal).includes("quince"));
  }
});

test("the prompt is known from the first event on, the completion from the last", () => {
  const request = ANTHROPIC_MESSAGES.parseRequest(Buffer.from(JSON.stringify(MESSAGE)));
  assert.ok(!isRefusal(request));
  const stream = ANTHROPIC_MESSAGES.createStream(request);
  const feed = (event: object) => stream.feed(Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
  feed({
    type: "message_start",
    message: { model: "claude-1", usage: { input_tokens: 7, output_tokens: 1 } },
  });
  assert.equal(stream.facts.usage?.promptTokens, 7);
  assert.equal(stream.facts.usage?.completionTokens, null);
  assert.equal(stream.facts.model, "claude-1");
  feed({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } });
  assert.equal(stream.facts.usage?.completionTokens, 3);
  assert.equal(stream.facts.usage?.totalTokens, 10);
  assert.equal(stream.terminated, false);
  assert.equal(feed({ type: "message_stop" }).held.length, 1);
  assert.equal(stream.terminated, true);
});
