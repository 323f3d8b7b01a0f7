import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EventStream } from "../../src/protocols/answer-stream.ts";
import { OpenaiEvents } from "../../src/protocols/openai-stream.ts";

const event = (value: unknown, end = "\n") => `data: ${JSON.stringify(value)}${end}${end}`;
const delta = (content: string, more = {}) => ({
  model: "demo",
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  ...more,
});
const finish = { model: "demo", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const usage = {
  model: "demo",
  choices: [],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};
const COUNTS = {
  promptTokens: 3,
  completionTokens: 2,
  totalTokens: 5,
  cachedTokens: null,
  reasoningTokens: null,
};
const DONE = "data: [DONE]\n\n";

const reading = (stripUsage: boolean, maxEventBytes?: number) =>
  new EventStream(new OpenaiEvents({ stripUsage }), maxEventBytes === undefined ? {} : { maxEventBytes });
const text = (buffers: readonly Buffer[]) => String(Buffer.concat(buffers));

test("everything before the terminator goes at once, the terminator and all after it is held", () => {
  const reader = reading(false);
  const before = event(delta("Fern")) + event(finish);
  const first = reader.feed(Buffer.from(before + DONE.slice(0, 8)));
  assert.equal(text(first.forward), before);
  assert.equal(first.held.length, 0);
  assert.equal(reader.terminated, false);
  const second = reader.feed(Buffer.from(`${DONE.slice(8)}: late\n\n`));
  assert.equal(second.forward.length, 0);
  assert.equal(text(second.held), `${DONE}: late\n\n`);
  assert.equal(reader.terminated, true);
  assert.equal(text(reader.feed(Buffer.from(event(delta("too late")))).held), event(delta("too late")));
});

test("usage is known the moment it is seen", () => {
  const reader = reading(true);
  reader.feed(Buffer.from(event(delta("Fern")) + event(usage)));
  assert.deepEqual(reader.facts.usage, COUNTS);
  assert.equal(reader.terminated, false);
});

test("a finish reason alone does not end the stream: it must end cleanly", () => {
  const reader = reading(false);
  reader.feed(Buffer.from(event(finish) + event(usage)));
  assert.equal(reader.facts.finishReason, "stop");
  assert.equal(reader.terminated, false);
  reader.finish();
  assert.equal(reader.terminated, true);
});

test("only the chunk that carries nothing but usage is left out, and only when told", () => {
  const withUsage = event(delta("Fern", { usage: usage.usage }));
  const noUsage = event({ model: "demo", choices: [], usage: null });
  const stream = `${withUsage}: "usage": {}\n\n${noUsage}${event(usage)}${event(finish)}`;
  assert.equal(text(reading(true).feed(Buffer.from(stream)).forward), stream.replace(event(usage), ""));
  assert.equal(text(reading(false).feed(Buffer.from(stream)).forward), stream);
});

test("a usage chunk without counts that was asked for is left out too", () => {
  const { forward } = reading(true).feed(Buffer.from(event({ choices: [], usage: {} })));
  assert.equal(forward.length, 0);
});

test("no line feed of a chunk that is left out is left behind", () => {
  const reader = reading(true);
  const dropped = event(usage, "\r\n");
  assert.equal(reader.feed(Buffer.from(dropped.slice(0, -1))).forward.length, 0);
  assert.equal(text(reader.feed(Buffer.from(`\n${event(finish, "\r\n")}`)).forward), event(finish, "\r\n"));
});

test("events that follow each other in a chunk go out in one buffer", () => {
  const stream = Buffer.from(event(delta("one")) + event(delta("two")) + event(usage) + event(finish));
  const { forward } = reading(true).feed(stream);
  assert.equal(forward.length, 2);
  for (const buffer of forward) assert.equal(buffer.buffer, stream.buffer);
});

test("an event over the limit passes by unread", () => {
  const reader = reading(true, 200);
  const large = event({ ...usage, pad: "x".repeat(300) });
  assert.equal(text(reader.feed(Buffer.from(large)).forward), large);
  assert.equal(reader.facts.usage, null);
  reader.feed(Buffer.from(event(usage)));
  assert.deepEqual(reader.facts.usage, COUNTS);
});

test("the first model served is the model", () => {
  const reader = reading(false);
  reader.feed(
    Buffer.from(
      event({ ...delta(""), model: "" }) + event(delta("a")) + event({ ...finish, model: "other" }),
    ),
  );
  assert.equal(reader.facts.model, "demo");
});

test("an error is noticed as an object or as text, and its text is not kept", () => {
  for (const error of [{ message: "quince", type: "quince" }, "quince", { code: 599, message: "quince" }]) {
    const reader = reading(false);
    reader.feed(Buffer.from(event(delta("Fern")) + event({ error })));
    assert.deepEqual(reader.facts.inBandError, { type: null });
    assert.ok(!JSON.stringify(reader.facts).includes("quince"));
  }
  const reader = reading(false);
  reader.feed(
    Buffer.from(
      event({ ...delta("Fern"), error: null }) +
        event({ error: { type: "overloaded_error" } }) +
        event({ error: {} }),
    ),
  );
  assert.deepEqual(reader.facts.inBandError, { type: "overloaded_error" });
});

test("neither facts nor bytes depend on where chunks are cut", () => {
  const piece = fc.constantFrom(
    event(delta("Fern")),
    event(delta('"usage": {"prompt_tokens": 9}')),
    event(delta("x".repeat(120))),
    event(usage),
    event(usage, "\r\n"),
    event(usage, "\r"),
    event(finish),
    event({ error: { type: "server_error" } }),
    DONE,
    ": ping\r\n\r\n",
    "\n",
    "data: {not json\n\n",
    'data: {"usage":\ndata: {"prompt_tokens": 8}}\n\n',
  );
  const stream = fc
    .tuple(
      fc.constantFrom("", "\ufeff"),
      fc.array(piece, { maxLength: 12 }),
      fc.constantFrom("", "data: [DONE]", "data: {"),
    )
    .map(([mark, pieces, rest]) => Buffer.from(mark + pieces.join("") + rest));
  const run = (chunks: readonly Buffer[], stripUsage: boolean) => {
    const reader = reading(stripUsage, 150);
    const released = [...chunks.map((chunk) => reader.feed(chunk)), reader.finish()];
    return {
      facts: { ...reader.facts },
      terminated: reader.terminated,
      forward: text(released.flatMap(({ forward }) => forward)),
      held: text(released.flatMap(({ held }) => held)),
    };
  };
  fc.assert(
    fc.property(stream, fc.array(fc.nat(1500), { maxLength: 20 }), fc.boolean(), (bytes, at, stripUsage) => {
      const places = [0, ...at.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
      const expected = run([bytes], stripUsage);
      assert.deepEqual(run(chunks, stripUsage), expected);
      assert.deepEqual(
        run(
          [...bytes].map((byte) => Buffer.from([byte])),
          stripUsage,
        ),
        expected,
      );
      if (!stripUsage) assert.equal(expected.forward + expected.held, String(bytes));
    }),
    { numRuns: 300 },
  );
});
