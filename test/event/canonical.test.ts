import assert from "node:assert/strict";
import { test } from "node:test";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { canonicalJson } from "../../src/event/canonical.ts";

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value")),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value")),
  ),
})).value;

test("canonical JSON is that of RFC 8785, as another implementation writes it", () => {
  fc.assert(
    fc.property(value, (any) => assert.equal(canonicalJson(any), canonicalize(any))),
    { numRuns: 500 },
  );
});

test("keys are ordered by UTF-16 code units (the RFC's own example)", () => {
  const keys = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 };
  assert.equal(
    canonicalJson(keys),
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
  );
});

test("what an event cannot hold is refused", () => {
  for (const bad of [1.5, Number.NaN, 2 ** 53, "\ud800", undefined, () => 1, 1n, Symbol("x")]) {
    assert.throws(() => canonicalJson(bad), TypeError);
  }
});
