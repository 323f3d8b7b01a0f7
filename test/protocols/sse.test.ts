import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventData, type SsePart, SseSplitter } from "../../src/protocols/sse.ts";

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const line = fc.constantFrom(
  "",
  "",
  "data",
  "data:",
  "data: ",
  "data: a",
  "data:b ",
  "data:  é☕",
  "data : no",
  "datax: no",
  ":comment",
  "event: ping",
  "id",
  'data: {"long": "0123456789012345678901234567890123456789"}',
);
const stream = fc
  .tuple(
    fc.constantFrom("", "", "\ufeff", "\ufeff\ufeff"),
    fc.array(fc.tuple(line, lineEnd), { maxLength: 24 }),
    fc.constantFrom("", "", "data: unended", "\ufeff"),
  )
  .map(([mark, lines, rest]) => Buffer.from(mark + lines.map((pair) => pair.join("")).join("") + rest));
const cuts = fc.array(fc.nat(400), { maxLength: 30 });

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

function split(chunks: readonly Buffer[], maxEventBytes?: number): { parts: SsePart[]; rest: Buffer } {
  const splitter = new SseSplitter(maxEventBytes === undefined ? {} : { maxEventBytes });
  return { parts: chunks.flatMap((chunk) => splitter.feed(chunk)), rest: splitter.rest() };
}

/** Parts without the traces of cuts: a tail is joined to what it ends, a piece to those before it. */
function whole(parts: readonly SsePart[]): [string, string][] {
  const joined: [string, string][] = [];
  for (const { kind, bytes } of parts) {
    const last = joined.at(-1);
    if (last !== undefined && (kind === "tail" || last[0] === "piece")) {
      last[1] += bytes.toString("latin1");
      if (kind === "lastPiece") last[0] = kind;
    } else joined.push([kind, bytes.toString("latin1")]);
  }
  return joined;
}

/** Section 9.2.6 read plainly, over the whole text: the data of each dispatched event. */
function dispatched(text: string): string[] {
  const events: string[] = [];
  let data: string[] = [];
  for (const row of text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\r|\n/)
    .slice(0, -1)) {
    if (row === "") {
      if (data.length > 0) events.push(data.join("\n"));
      data = [];
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(row) ?? [];
    if (field === "data") data.push(value ?? "");
  }
  return events;
}

test("all that is released is the stream, byte for byte, however it is cut", () => {
  fc.assert(
    fc.property(stream, cuts, fc.constantFrom(undefined, 8, 20), (bytes, at, max) => {
      const { parts, rest } = split(cut(bytes, at), max);
      assert.ok(Buffer.concat([...parts.map((part) => part.bytes), rest]).equals(bytes));
    }),
    { numRuns: 500 },
  );
});

test("where chunks are cut never changes an event", () => {
  fc.assert(
    fc.property(stream, cuts, fc.constantFrom(undefined, 8, 20), (bytes, at, max) => {
      const expected = split([bytes], max);
      for (const chunks of [cut(bytes, at), cut(bytes, [...bytes.keys()])]) {
        const { parts, rest } = split(chunks, max);
        // An unended event over the limit is already released in one cut and is the rest in none.
        assert.deepEqual(
          whole([...parts, { kind: "piece", bytes: rest }]),
          whole([...expected.parts, { kind: "piece", bytes: expected.rest }]),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test("events hold the data that the specification dispatches", () => {
  fc.assert(
    fc.property(stream, cuts, (bytes, at) => {
      const { parts } = split(cut(bytes, at));
      const data = parts.filter(({ kind }) => kind === "event").map((part) => eventData(part.bytes));
      assert.deepEqual(
        data.filter((text) => text !== null),
        dispatched(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)),
      );
    }),
    { numRuns: 500 },
  );
});

test("an event is released as soon as its blank line is there, for every line end", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const splitter = new SseSplitter();
    assert.deepEqual(splitter.feed(Buffer.from(`data: a${end}`)), []);
    assert.deepEqual(
      splitter.feed(Buffer.from(end)).map(({ kind, bytes }) => [kind, String(bytes)]),
      [["event", `data: a${end}${end}`]],
    );
    assert.equal(splitter.rest().length, 0);
  }
});

test("the LF of a CRLF that was cut apart follows as the event's tail", () => {
  const { parts, rest } = split(["data: a\r\n\r", "", "\ndata: b\r\n\r\n"].map((text) => Buffer.from(text)));
  assert.deepEqual(
    parts.map(({ kind, bytes }) => [kind, String(bytes)]),
    [
      ["event", "data: a\r\n\r"],
      ["tail", "\n"],
      ["event", "data: b\r\n\r\n"],
    ],
  );
  assert.equal(rest.length, 0);
});

test("a blank line ends an event even where nothing came before it", () => {
  const { parts } = split([Buffer.from("\n\r\ndata: a\n\n\n")]);
  assert.deepEqual(
    parts.map(({ bytes }) => String(bytes)),
    ["\n", "\r\n", "data: a\n\n", "\n"],
  );
});

test("a byte order mark is released apart, as soon as it is whole", () => {
  const splitter = new SseSplitter();
  const mark = Buffer.from("\ufeff");
  assert.deepEqual(splitter.feed(mark.subarray(0, 2)), []);
  assert.deepEqual(splitter.feed(mark.subarray(2)), [{ kind: "mark", bytes: mark }]);
  assert.deepEqual(
    splitter.feed(Buffer.from("\ufeffdata: a\n\n")).map(({ kind }) => kind),
    ["event"],
  );
});

test("events within one chunk are views of it", () => {
  const chunk = Buffer.alloc(18, "data: a\n\ndata: b\n\n");
  const parts = new SseSplitter().feed(chunk);
  assert.equal(parts.length, 2);
  for (const { bytes } of parts) assert.equal(bytes.buffer, chunk.buffer);
});

test("an event over the limit passes in pieces and the next one is whole again", () => {
  const splitter = new SseSplitter({ maxEventBytes: 100 });
  const large = Buffer.from(`data: ${"x".repeat(60)}`);
  assert.deepEqual(splitter.feed(large), []);
  assert.deepEqual(
    splitter.feed(large).map(({ kind, bytes }) => [kind, bytes.length]),
    [
      ["piece", 66],
      ["piece", 66],
    ],
  );
  assert.deepEqual(
    splitter.feed(large).map(({ kind }) => kind),
    ["piece"],
  );
  const parts = splitter.feed(Buffer.from("\n\ndata: small\n\n"));
  assert.deepEqual(
    parts.map(({ kind, bytes }) => [kind, String(bytes)]),
    [
      ["lastPiece", "\n\n"],
      ["event", "data: small\n\n"],
    ],
  );
});

test("an event of exactly the limit is whole, one byte more is pieces", () => {
  const event = Buffer.from("data: 0123456789\n\n");
  for (const chunks of [[event], cut(event, [...event.keys()])]) {
    assert.deepEqual(
      split(chunks, event.length).parts.map(({ kind }) => kind),
      ["event"],
    );
    assert.ok(split(chunks, event.length - 1).parts.every(({ kind }) => /piece$/i.test(kind)));
  }
});

test("an event without data lines has no data", () => {
  assert.equal(eventData(Buffer.from(": ping\n\n")), null);
  assert.equal(eventData(Buffer.from("event: ping\n\n")), null);
  assert.equal(eventData(Buffer.from("data\n\n")), "");
  assert.equal(eventData(Buffer.from("data: a\r\ndata:  b\rdata:\n\n")), "a\n b\n");
});
