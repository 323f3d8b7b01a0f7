// Every reader against whatever may come: pieces of the recorded traffic in any order, damaged, and cut anywhere.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { type AnswerStream, isRefusal, type Protocol } from "../../src/protocols/protocol.ts";
import { PROTOCOLS } from "../../src/protocols/protocols.ts";

const ROOT = new URL("../fixtures/", import.meta.url);
const FOLDERS: Readonly<Record<string, string>> = {
  "/v1/chat/completions": "openai-chat",
  "/v1/completions": "openai-completions",
  "/v1/embeddings": "openai-embeddings",
  "/v1/responses": "openai-responses",
  "/v1/messages": "anthropic-messages",
  "/v1/messages/count_tokens": "anthropic-count-tokens",
};
setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;
/** Bytes of buffers that are still held. The second pass waits for what the first one frees on another thread. */
function heldBytes(): number {
  gc();
  gc();
  return process.memoryUsage().arrayBuffers;
}

const CANARY = "quince";
const COUNTS = new Set([
  "promptTokens",
  "completionTokens",
  "totalTokens",
  "cachedTokens",
  "reasoningTokens",
]);

function recorded(folder: string, name: string): Buffer[] {
  const files = readdirSync(new URL(`${folder}/`, ROOT), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(name))
    .sort()
    .map((file) => readFileSync(new URL(`${folder}/${file}`, ROOT)));
}

/** The recorded streams, cut behind each blank line. */
function recordedEvents(folder: string): Buffer[] {
  const streams = recorded(folder, "response.sse");
  return [...streams, ...recorded("openai-chat", "response.sse")].flatMap((stream) =>
    stream
      .toString("latin1")
      .split(/(?<=\r\n\r\n|\n\n)/)
      .map((event) => Buffer.from(event, "latin1")),
  );
}

function requestOf(protocol: Protocol, members: object = {}) {
  const fields = { model: "demo", messages: [], input: "", stream: true, ...members };
  const request = protocol.parseRequest(Buffer.from(JSON.stringify(fields)));
  assert.ok(!isRefusal(request), JSON.stringify(request));
  return request;
}

/** Replaces, doubles or leaves out a few bytes. */
const damage = fc.array(fc.tuple(fc.nat(4000), fc.integer({ min: 0, max: 255 }), fc.nat(2)), {
  maxLength: 4,
});
function damaged(bytes: Buffer, changes: readonly (readonly [number, number, number])[]): Buffer {
  let result = bytes;
  for (const [at, byte, add] of changes) {
    const place = at % (result.length + 1);
    result = Buffer.concat([result.subarray(0, place), Buffer.alloc(add, byte), result.subarray(place + 1)]);
  }
  return result;
}

const cuts = fc.array(fc.nat(6000), { maxLength: 20 });
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

function run(stream: AnswerStream, chunks: readonly Buffer[]) {
  const released = [...chunks.map((chunk) => stream.feed(chunk)), stream.finish()];
  return {
    facts: { ...stream.facts },
    terminated: stream.terminated,
    contentBytes: stream.contentBytes,
    forward: Buffer.concat(released.flatMap(({ forward }) => forward)).toString("latin1"),
    held: Buffer.concat(released.flatMap(({ held }) => held)).toString("latin1"),
  };
}

/** Facts are safe counts and known words; only the model is the provider's own word. */
function checkFacts(facts: AnswerStream["facts"]): void {
  for (const [name, value] of Object.entries(facts.usage ?? {})) {
    assert.ok(COUNTS.has(name));
    assert.ok(value === null || (Number.isSafeInteger(value) && value >= 0), `${name} ${value}`);
  }
  const { model: _, ...words } = facts;
  assert.ok(!JSON.stringify(words).includes(CANARY));
}

for (const [endpoint, protocol] of PROTOCOLS) {
  const folder = FOLDERS[endpoint] ?? "";
  const events = recordedEvents(folder);
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...events) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("\ufeff", ": ping\n\n", "\r\n\r\n", "\n", "data: {").map(Buffer.from),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  );
  const anyStream = fc
    .tuple(fc.array(piece, { maxLength: 14 }), damage)
    .map(([pieces, changes]) => damaged(Buffer.concat(pieces), changes));

  test(`${endpoint}: neither facts nor bytes of a stream depend on where it is cut`, () => {
    const asking = requestOf(protocol, { stream_options: { include_usage: true } });
    const silent = requestOf(protocol);
    fc.assert(
      fc.property(anyStream, cuts, fc.boolean(), (bytes, at, asked) => {
        const request = asked ? asking : silent;
        const whole = run(protocol.createStream(request), [bytes]);
        assert.deepEqual(run(protocol.createStream(request), cut(bytes, at)), whole);
        const single = [...bytes].map((byte) => Buffer.from([byte]));
        assert.deepEqual(run(protocol.createStream(request), single), whole);
        if (asked) assert.equal(whole.forward + whole.held, bytes.toString("latin1"));
        checkFacts(whole.facts);
      }),
      { numRuns: 150 },
    );
  });

  test(`${endpoint}: the facts of a body are the same however it comes, and never its text`, () => {
    const request = requestOf(protocol);
    const body = fc
      .tuple(fc.constantFrom(...recorded(folder, "response.json")), damage)
      .map(([bytes, changes]) => damaged(bytes, changes));
    fc.assert(
      fc.property(body, cuts, (bytes, at) => {
        const read = (chunks: readonly Buffer[]) => {
          const answer = protocol.createAnswer(request);
          for (const chunk of chunks) answer.feed(chunk);
          return answer.finish();
        };
        const whole = read([bytes]);
        assert.deepEqual(read(cut(bytes, at)), whole);
        checkFacts(whole);
      }),
      { numRuns: 150 },
    );
  });

  test(`${endpoint}: any request gives facts or a refusal that holds none of its values`, () => {
    const name = fc.constantFrom(
      "model",
      "messages",
      "input",
      "prompt",
      "stream",
      "stream_options",
      "max_tokens",
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("demo", CANARY, [], [CANARY], true, 7, { include_usage: CANARY }, { [CANARY]: CANARY }),
    );
    const members = fc
      .array(fc.tuple(fc.oneof(name, fc.constantFrom("tools", "Model", "background", CANARY)), value))
      .map((pairs) => `{${pairs.map(([key, item]) => `"${key}":${JSON.stringify(item)}`).join(",")}}`);
    fc.assert(
      fc.property(members, damage, fc.boolean(), (text, changes, whole) => {
        const result = protocol.parseRequest(damaged(Buffer.from(text), whole ? [] : changes));
        if (isRefusal(result)) assert.ok(!JSON.stringify(result).includes(CANARY));
        else JSON.parse(String(protocol.upstreamBody(result, { model: "other", askUsage: true })));
      }),
      { numRuns: 300 },
    );
  });

  test(`${endpoint}: gigabytes without an end of line, or in one body, take bounded memory`, () => {
    const chunk = Buffer.alloc(1024 * 1024, "a");
    const stream = protocol.createStream(requestOf(protocol));
    const answer = protocol.createAnswer(requestOf(protocol));
    stream.feed(Buffer.from("data: "));
    const before = heldBytes();
    let forwarded = 0;
    for (let fed = 0; fed < 256; fed++) {
      for (const buffer of stream.feed(chunk).forward) forwarded += buffer.length;
      answer.feed(chunk);
    }
    assert.ok(heldBytes() - before < 16 * 1024 * 1024);
    assert.ok(forwarded > 254 * 1024 * 1024);
    assert.equal(answer.finish().whole, false);
  });
}
