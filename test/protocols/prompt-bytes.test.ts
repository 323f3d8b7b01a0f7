import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { promptBytes } from "../../src/protocols/prompt-bytes.ts";

const MEDIA_BYTES = 4096;
const picture = (bytes: number) => Buffer.alloc(bytes, "quince").toString("base64");
const measured = (value: unknown) => {
  const body = Buffer.from(JSON.stringify(value));
  return { left: promptBytes(body), whole: body.length };
};

test("prose, code and tokens count as they are, however long", () => {
  for (const value of [
    { prompt: "Which ferry goes to Fern Island? ".repeat(20_000) },
    { prompt: "x=[0,1];f(x);".repeat(40_000) },
    { prompt: Array.from({ length: 50_000 }, (_, index) => index) },
    { messages: Array.from({ length: 5000 }, () => ({ role: "user", content: "short" })) },
    { data: picture(3000) },
  ]) {
    const { left, whole } = measured(value);
    assert.equal(left, whole);
  }
});

test("each picture counts as 4 KiB, as a data URL or as plain base64, wherever it stands", () => {
  const data = picture(400_000);
  const url = `data:image/png;base64,${data}`;
  for (const [media, length] of [
    [data, data.length],
    [url, url.length],
    [randomBytes(50_000).toString("base64url"), Math.ceil((50_000 * 4) / 3)],
  ] as const) {
    for (const before of ["", "hello ".repeat(1000)]) {
      const { left, whole } = measured({ messages: [before, { url: media }, "and this?", { url: media }] });
      assert.equal(left, whole - 2 * (length - MEDIA_BYTES));
    }
  }
});

test("a long word in prose does not make it a picture", () => {
  const prose = `${"a ".repeat(2040)}${"f".repeat(128)}${" and so on".repeat(1000)}`;
  const { left, whole } = measured({ prompt: prose });
  assert.equal(left, whole);
});

test("no bytes break it", () => {
  for (const body of [Buffer.alloc(0), Buffer.alloc(20_000, "A"), Buffer.alloc(9000, '"')]) {
    assert.ok(promptBytes(body) <= body.length);
  }
});
