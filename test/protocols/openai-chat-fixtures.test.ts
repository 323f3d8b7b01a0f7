// Wire traffic of test/fixtures/openai-chat, one folder per rule: `request.json` with what was `asked.json` of it
// and the `upstream.json` that must come out; `response.json` or `response.sse` with the `facts.json` to be read
// from it and, where a stream's bytes matter, what is `forward.sse` at once and `held.sse` to the end.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ChatAnswerReader, type ChatFacts } from "../../src/protocols/openai-chat-answer.ts";
import { isRefusal, parseChatRequest, upstreamBody } from "../../src/protocols/openai-chat-request.ts";
import { ChatStreamReader } from "../../src/protocols/openai-chat-stream.ts";

const ROOT = new URL("../fixtures/openai-chat/", import.meta.url);
const rules = readdirSync(ROOT).sort();

function read(rule: string, file: string): Buffer | null {
  const url = new URL(`${rule}/${file}`, ROOT);
  return existsSync(url) ? readFileSync(url) : null;
}

function json<T>(rule: string, file: string): T {
  return JSON.parse(String(read(rule, file))) as T;
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

interface StreamCase {
  readonly stripUsage: boolean;
  readonly terminated: boolean;
  readonly facts: ChatFacts;
}

function checkStream(rule: string, stream: Buffer, size: number): void {
  const { stripUsage, terminated, facts } = json<StreamCase>(rule, "facts.json");
  const reader = new ChatStreamReader({ stripUsage });
  const released = [...pieces(stream, size).map((chunk) => reader.feed(chunk)), reader.finish()];
  const forward = Buffer.concat(released.flatMap((part) => part.forward));
  const held = Buffer.concat(released.flatMap((part) => part.held));
  assert.deepEqual(reader.facts, facts);
  assert.equal(reader.terminated, terminated);
  const expected = read(rule, "forward.sse");
  if (expected === null) {
    assert.equal(String(Buffer.concat([forward, held])), String(stream));
  } else {
    assert.equal(String(forward), String(expected));
    assert.equal(String(held), String(read(rule, "held.sse")));
  }
}

for (const rule of rules) {
  const stream = read(rule, "response.sse");
  const answer = read(rule, "response.json");
  const request = read(rule, "request.json");
  if (stream !== null) {
    test(`${rule}, however the stream is cut`, () => {
      for (const size of [stream.length, 1, 2, 7, 64, 1000]) checkStream(rule, stream, size);
    });
  } else if (answer !== null) {
    test(rule, () => {
      for (const size of [Math.max(1, answer.length), 1, 100]) {
        const reader = new ChatAnswerReader();
        for (const chunk of pieces(answer, size)) reader.feed(chunk);
        assert.deepEqual(reader.finish(), json(rule, "facts.json"));
      }
    });
  } else if (request !== null) {
    test(rule, () => {
      const parsed = parseChatRequest(request);
      assert.ok(!isRefusal(parsed));
      assert.equal(
        String(upstreamBody(parsed, json(rule, "asked.json"))),
        String(read(rule, "upstream.json")),
      );
    });
  } else {
    throw new Error(`fixture ${rule} has no traffic`);
  }
}

test("every rule has its fixture", () => {
  assert.ok(rules.length >= 31, `${rules.length} fixtures`);
});
