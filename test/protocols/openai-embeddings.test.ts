import assert from "node:assert/strict";
import { test } from "node:test";
import { OPENAI_EMBEDDINGS } from "../../src/protocols/openai-embeddings.ts";
import { isRefusal } from "../../src/protocols/protocol.ts";

const parse = (members: object) => OPENAI_EMBEDDINGS.parseRequest(Buffer.from(JSON.stringify(members)));

test("the input is text, tokens or several of either", () => {
  for (const input of ["a", ["a", "b"], [1, 2], [[1], [2, 3]], []]) {
    const request = parse({ model: "small", input });
    assert.ok(!isRefusal(request));
    assert.equal(request.streaming, false);
    assert.equal(request.maxTokens, null);
  }
  for (const input of [undefined, null, 7, {}]) {
    assert.deepEqual(parse({ model: "small", input }), {
      param: "input",
      message: "`input` must be a string or an array.",
    });
  }
});

test("vectors are not parsed: what is wrong among them is not seen", () => {
  const answer = OPENAI_EMBEDDINGS.createAnswer(OPENAI_EMBEDDINGS.parseRequest(Buffer.from("{}")) as never);
  answer.feed(Buffer.from(`{"data":[${"0.1,".repeat(100_000)}],"model":"small-1"}`));
  assert.equal(answer.finish().whole, true);
});

test("of a large answer the ends are read, and vectors are no generated content", () => {
  const vector = Array.from({ length: 1536 }, (_, index) => (index * 7919) % 20_011);
  const data = Array.from({ length: 60 }, (_, index) => ({ object: "embedding", index, embedding: vector }));
  const usage = { prompt_tokens: 80, total_tokens: 80 };
  for (const members of [
    { object: "list", data, model: "small-1", usage },
    { model: "small-1", object: "list", data, usage },
  ]) {
    const answer = OPENAI_EMBEDDINGS.createAnswer(OPENAI_EMBEDDINGS.parseRequest(Buffer.from("{}")) as never);
    const body = Buffer.from(JSON.stringify(members));
    assert.ok(body.length > 400_000);
    for (let at = 0; at < body.length; at += 16_384) answer.feed(body.subarray(at, at + 16_384));
    assert.equal(answer.contentBytes, 0);
    assert.deepEqual(answer.finish(), {
      usage: {
        promptTokens: 80,
        completionTokens: 0,
        totalTokens: 80,
        cachedTokens: null,
        reasoningTokens: null,
      },
      model: "small-1",
      finishReason: null,
      inBandError: null,
      whole: true,
    });
  }
});
