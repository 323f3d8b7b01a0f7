import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Envelope, EnvelopeReader } from "../../src/protocols/mcp-envelopes.ts";
import { McpStream } from "../../src/protocols/mcp-sse.ts";

/** Envelopes of `bytes`, cut at these places. */
function read(bytes: Buffer, cuts: readonly number[]): Envelope[] {
  const reader = new EnvelopeReader();
  return pieces(bytes, cuts).flatMap((piece) => reader.feed(piece));
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((one, other) => one - other),
    bytes.length,
  ];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** What a whole message says, by JSON.parse. */
function expected(message: Record<string, unknown>): Partial<Envelope> {
  const { id, result, error } = message as {
    id?: string | number;
    result?: Record<string, unknown>;
    error?: { code?: unknown };
  };
  return {
    id: id === undefined ? null : JSON.stringify(id),
    is:
      error !== undefined
        ? "error"
        : result !== undefined
          ? "result"
          : id === undefined
            ? "notification"
            : "request",
    errorCode: typeof error?.code === "number" ? error.code : null,
    toolFailed: result?.isError === true,
    resultType: typeof result?.resultType === "string" ? result.resultType : null,
  };
}

// Content that would be an envelope's, deeper down.
const content = fc.oneof(
  fc.jsonValue(),
  fc.constant({ id: 7, isError: true, error: { code: 1 }, text: 'a"\\b"' }),
);
const id = fc.oneof(fc.integer(), fc.string());
const message = fc.oneof(
  fc.record({
    jsonrpc: fc.constant("2.0"),
    id,
    result: fc.record(
      {
        content: fc.array(content),
        isError: fc.boolean(),
        resultType: fc.string(),
        structuredContent: content,
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    id,
    error: fc.record({ code: fc.integer(), message: fc.string(), data: content }),
    jsonrpc: fc.constant("2.0"),
  }),
  fc.record({ method: fc.string(), params: content }),
  fc.record({ method: fc.string(), id, params: content }),
);
const cuts = fc.array(fc.nat(), { maxLength: 6 });

test("envelopes are what JSON.parse reads, however the network cuts them, alone and in batches", () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      cuts,
      (messages, batch, places) => {
        const sent = batch ? messages : messages.slice(0, 1);
        const text = JSON.stringify(batch ? sent : sent[0], null, places.length % 3);
        const envelopes = read(Buffer.from(text), places);
        assert.equal(envelopes.length, sent.length);
        for (const [index, one] of sent.entries()) {
          const { state: _, ...envelope } = envelopes[index] as Envelope;
          assert.deepEqual(envelope, expected(one));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("a stream gives the envelopes of its events and its own bytes again, however it is cut", () => {
  const event = fc.record({
    message,
    id: fc.option(fc.string({ unit: fc.constantFrom("a", "1") })),
    end: fc.constantFrom("\n", "\r\n", "\r"),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 4 }), cuts, (events, places) => {
      const text = events
        .map(
          (one) =>
            `${one.id === null ? "" : `id: ${one.id}${one.end}`}event: message${one.end}data: ${JSON.stringify(one.message)}${one.end}${one.end}`,
        )
        .join(": a comment\n\n");
      const stream = new McpStream();
      const parts = pieces(Buffer.from(text), places).flatMap((piece) => stream.feed(piece));
      assert.equal(Buffer.concat([...parts.map(({ bytes }) => bytes), stream.rest()]).toString(), text);
      assert.deepEqual(
        parts.flatMap(({ envelopes }) => envelopes.map(({ id: found, is }) => [found, is])),
        events.map((one) => {
          const { id: found, is } = expected(one.message);
          return [found, is];
        }),
      );
      assert.equal(
        stream.resumable,
        events.some((one) => one.id !== null && one.id !== ""),
      );
    }),
    { numRuns: 500 },
  );
});

test("an event of any size streams past, and its envelope is found", () => {
  const big = JSON.stringify({
    jsonrpc: "2.0",
    id: 3,
    result: { content: [{ text: "x\n".repeat(3 << 20) }], isError: true },
  });
  const stream = new McpStream();
  const bytes = Buffer.from(`data: ${big}\n\ndata: {"id":4,"result":{}}\n\n`);
  const cut = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, index) => index * 65_536);
  const envelopes = pieces(bytes, cut).flatMap((piece) =>
    stream.feed(piece).flatMap((part) => part.envelopes),
  );
  assert.deepEqual(
    envelopes.map(({ id: found, toolFailed }) => [found, toolFailed]),
    [
      ["3", true],
      ["4", false],
    ],
  );
});

test("text that is no JSON-RPC ends no call", () => {
  for (const text of [
    "",
    "]]]}}}",
    '{"error":"plain","id":1}',
    '{"result":1,"id":1}',
    "<html>",
    '"id"',
    '{"id":1',
  ])
    assert.ok(
      read(Buffer.from(text), []).every(({ is }) => is !== "error" && is !== "result"),
      text,
    );
});
