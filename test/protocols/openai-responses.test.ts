import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStream } from "../../src/protocols/answer-stream.ts";
import { OPENAI_RESPONSES } from "../../src/protocols/openai-responses.ts";
import { ResponsesEvents } from "../../src/protocols/openai-responses-stream.ts";
import { isRefusal } from "../../src/protocols/protocol.ts";

const parse = (members: object) => OPENAI_RESPONSES.parseRequest(Buffer.from(JSON.stringify(members)));

test("the facts of a request are read, its input text or items", () => {
  for (const input of ["When?", [{ role: "user", content: "When?" }]]) {
    const request = parse({ model: "gpt-4o", input, stream: true, max_output_tokens: 99, tools: [{}] });
    assert.ok(!isRefusal(request));
    const { model, streaming, maxTokens, toolCount } = request;
    assert.deepEqual(
      { model, streaming, maxTokens, toolCount },
      { model: "gpt-4o", streaming: true, maxTokens: 99, toolCount: 1 },
    );
  }
});

test("a stored prompt, an earlier response or a conversation can stand for the input", () => {
  for (const asking of [{ prompt: { id: "pmpt_1" } }, { previous_response_id: "r" }, { conversation: "c" }])
    assert.ok(!isRefusal(parse({ model: "gpt-4o", input: null, ...asking })));
});

test("a chat request is not taken for one, and the refusal says where it belongs", () => {
  assert.deepEqual(parse({ model: "gpt-4o", messages: [{ role: "user", content: "quince" }] }), {
    param: "input",
    message: "`input` must be a string or an array. `messages` belong to /v1/chat/completions.",
  });
  assert.deepEqual(parse({ model: "gpt-4o" }), {
    param: "input",
    message: "`input` must be a string or an array.",
  });
});

test("an answer that would be fetched later, past Daybook, is refused", () => {
  const refusal = parse({ model: "gpt-4o", input: "a", background: true });
  assert.ok(isRefusal(refusal));
  assert.equal(refusal.param, "background");
  for (const background of [false, null])
    assert.ok(!isRefusal(parse({ model: "gpt-4o", input: "a", background })));
});

test("members of the wrong type are refused by name", () => {
  for (const [members, param] of [
    [{ input: 7 }, "input"],
    [{ input: {} }, "input"],
    [{ background: "quince" }, "background"],
    [{ stream: "quince" }, "stream"],
    [{ max_output_tokens: "quince" }, "max_output_tokens"],
    [{ Input: "quince" }, "input"],
  ] as const) {
    const refusal = parse({ model: "gpt-4o", input: "a", ...members });
    assert.ok(isRefusal(refusal));
    assert.equal(refusal.param, param);
    assert.ok(!refusal.message.includes("quince"));
  }
});

test("usage, which every stream tells, is never asked for", () => {
  const body = Buffer.from(JSON.stringify({ model: "gpt-4o", input: "a", stream: true }));
  const request = OPENAI_RESPONSES.parseRequest(body);
  assert.ok(!isRefusal(request));
  assert.equal(OPENAI_RESPONSES.upstreamBody(request, { model: "gpt-4o", askUsage: true }), body);
});

const usage = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 8 },
  output_tokens: 900,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 920,
};

/** A terminator that repeats a picture of `bytes`, in the orders in which servers write its members. */
function terminator(type: string, bytes: number, typeLast: boolean, more: object = {}): string {
  const response = {
    id: "resp_1",
    status: type.slice("response.".length),
    error: null,
    model: "gpt-image",
    output: [{ type: "image_generation_call", status: "completed", result: "A".repeat(bytes) }],
    usage,
    metadata: { note: "usage" },
    ...more,
  };
  const data = typeLast ? { response, sequence_number: 9, type } : { type, sequence_number: 9, response };
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function read(text: string, size: number, maxEventBytes = 200_000) {
  const stream = new EventStream(new ResponsesEvents(), { maxEventBytes });
  const bytes = Buffer.from(text);
  const forward: Buffer[] = [];
  const held: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const released = stream.feed(bytes.subarray(at, at + size));
    forward.push(...released.forward);
    held.push(...released.held);
  }
  assert.equal(String(Buffer.concat([...forward, ...held])), text);
  return { facts: stream.facts, terminated: stream.terminated, held: String(Buffer.concat(held)) };
}

const USAGE = {
  promptTokens: 20,
  completionTokens: 900,
  totalTokens: 920,
  cachedTokens: 8,
  reasoningTokens: 0,
};

test("a terminator too large to keep tells what stands at its ends, and is held from its last piece on", () => {
  for (const typeLast of [false, true]) {
    for (const size of [1000, 70_000, 3_000_000]) {
      const { facts, terminated, held } = read(
        `${terminator("response.completed", 900_000, typeLast)}: late\n\n`,
        size,
      );
      assert.deepEqual(facts, {
        usage: USAGE,
        model: "gpt-image",
        finishReason: "completed",
        inBandError: null,
      });
      assert.equal(terminated, true);
      assert.ok(held.endsWith("\n\n: late\n\n"));
    }
  }
});

test("a large terminator says why a response is not complete", () => {
  const more = { incomplete_details: { reason: "max_output_tokens" } };
  const incomplete = read(terminator("response.incomplete", 900_000, false, more), 1000);
  assert.equal(incomplete.facts.finishReason, "max_output_tokens");
  const [head, tail] = terminator("response.incomplete", 900_000, false).split('"error":null') as [
    string,
    string,
  ];
  const first = `${head}"incomplete_details":{"reason":"content_filter"}${tail}`;
  assert.equal(read(first, 1000).facts.finishReason, "content_filter");
  const failed = read(terminator("response.failed", 900_000, false), 1000);
  assert.deepEqual(failed.facts.inBandError, { type: null });
  assert.equal(failed.terminated, true);
});

test("a large event that is no terminator ends nothing, and leaves nothing behind for the next one", () => {
  const picture = "A".repeat(900_000);
  const event = { type: "response.image_generation_call.partial_image", partial_image_b64: picture };
  const large = `data: ${JSON.stringify(event)}\n\n`;
  const alone = read(large, 1000);
  assert.equal(alone.terminated, false);
  assert.equal(alone.held, "");
  const { facts, terminated } = read(large + terminator("response.completed", 900_000, false), 1000);
  assert.equal(terminated, true);
  assert.deepEqual(facts.usage, USAGE);
  assert.equal(facts.model, "gpt-image");
});

test("an error of Daybook's own has the members of the API's error event, and the error object", () => {
  const event = OPENAI_RESPONSES.errorEvent({ code: "timeout", requestId: "r" });
  assert.ok(event.startsWith("event: error\ndata: "));
  const { message } = JSON.parse(event.slice("event: error\ndata: ".length)) as { message: string };
  assert.deepEqual(JSON.parse(event.slice("event: error\ndata: ".length)), {
    type: "error",
    code: "timeout",
    message,
    param: null,
    error: { message, type: "server_error", param: null, code: "timeout" },
    request_id: "r",
  });
});
