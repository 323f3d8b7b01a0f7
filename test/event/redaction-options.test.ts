// What the operator and the tool decide: modes, schemas and strategies by path.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { canonicalJson } from "../../src/event/canonical.ts";
import { createRedactor, type RedactionOptions, redact } from "../../src/event/redaction.ts";

const R = "[REDACTED]";

function redacted(value: unknown, options: Partial<RedactionOptions> = {}): unknown {
  return JSON.parse(redact(value, { mode: "redacted", ...options }).json ?? "");
}

describe("modes", () => {
  test("none keeps nothing", () => {
    assert.deepEqual(redact({ a: 1 }, { mode: "none" }), {
      json: null,
      value: null,
      redactions: 0,
      truncated: false,
    });
  });

  test("shape keeps names, types and sizes, and no value", () => {
    const key = ["ghp", "0123456789abcdefghij"].join("_");
    const value = {
      path: "/é",
      n: 1,
      f: 1.5,
      on: true,
      none: null,
      list: ["ab", { x: "c" }],
      password: "hunter2",
      [key]: 1,
    };
    assert.deepEqual(redact(value, { mode: "shape" }), {
      json: canonicalJson({
        path: "string(3)",
        n: "number",
        f: "number",
        on: "boolean",
        none: "null",
        list: ["string(2)", { x: "string(1)" }],
        password: R,
        [R]: "number",
      }),
      value: redact(value, { mode: "shape" }).value,
      redactions: 2,
      truncated: false,
    });
  });

  test("the value is what the text says", () => {
    const result = redact({ b: [1, { a: "x" }], password: 1 }, { mode: "redacted" });
    assert.equal(canonicalJson(result.value), result.json);
  });
});

describe("schemas", () => {
  const hides = (schema: unknown, value: unknown) => redacted(value, { schema });

  test("sensitive, x-sensitive, writeOnly and format: password hide", () => {
    const marks = [{ sensitive: true }, { "x-sensitive": true }, { writeOnly: true }, { format: "password" }];
    for (const mark of marks) {
      assert.deepEqual(
        hides({ properties: { a: { type: "object", ...mark }, b: {} } }, { a: { x: 1 }, b: 2 }),
        { a: R, b: 2 },
      );
    }
    assert.deepEqual(hides({ properties: { a: { sensitive: false, format: "email" } } }, { a: 1 }), { a: 1 });
    assert.equal(hides({ sensitive: true }, { a: 1 }), R);
  });

  test("marks are found in items, prefixItems, additionalProperties, patternProperties, branches and references", () => {
    const mark = { sensitive: true };
    const schema = {
      $defs: {
        hidden: { $ref: "#/$defs/a~1b%20c" },
        "a/b c": mark,
        tree: { properties: { next: { $ref: "#/$defs/tree" }, pw: mark } },
      },
      properties: {
        list: { items: { properties: { x: mark } } },
        old: { items: [{}, mark] },
        tuple: { prefixItems: [{}, mark], items: {} },
        map: { properties: { shown: {} }, additionalProperties: mark },
        pattern: { patternProperties: { "^(a+)+$": mark } },
        all: { allOf: [{ properties: { x: mark } }] },
        any: { anyOf: [{ type: "string" }, mark] },
        one: { oneOf: [{ properties: { kind: {} } }, { properties: { x: mark } }] },
        cond: { if: { properties: { x: mark } } },
        ref: { $ref: "#/$defs/hidden" },
        tree: { $ref: "#/$defs/tree" },
      },
    };
    const value = {
      list: [{ x: 1, y: 2 }],
      old: [1, 2],
      tuple: [1, 2, 3],
      map: { shown: 1, other: 2 },
      pattern: { aaa: 1 },
      all: { x: 1, y: 2 },
      any: "x",
      one: { kind: "b", x: 1 },
      cond: { x: 1 },
      ref: "x",
      tree: { next: { next: { pw: 1, y: 2 } } },
    };
    assert.deepEqual(hides(schema, value), {
      list: [{ x: R, y: 2 }],
      old: [1, R],
      tuple: [1, R, 3],
      map: { shown: 1, other: R },
      pattern: { aaa: R },
      all: { x: R, y: 2 },
      any: R,
      one: { kind: "b", x: R },
      cond: { x: R },
      ref: R,
      tree: { next: { next: { pw: R, y: 2 } } },
    });
  });

  test("hostile schemas end: cycles, doubling references, thousands of branches, no schema at all", () => {
    const doubling: Record<string, unknown> = {};
    for (let n = 0; n < 300; n++)
      doubling[`d${n}`] = { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] };
    const wide = { anyOf: Array.from({ length: 100_000 }, () => ({})) };
    assert.deepEqual(
      hides({ $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }, { x: 1 }),
      { x: 1 },
    );
    assert.deepEqual(hides({ $ref: "#" }, { x: 1 }), { x: 1 });
    assert.equal(hides({ $defs: doubling, $ref: "#/$defs/d0" }, { x: 1 }), R, "too much to read hides");
    assert.equal(hides(wide, { x: 1 }), R, "too much to read hides");
    for (const schema of [
      null,
      1,
      "x",
      [],
      true,
      { $ref: "https://elsewhere.example/" },
      { $ref: "#/%" },
      { properties: [1] },
    ]) {
      assert.deepEqual(hides(schema, { x: [1] }), { x: [1] });
    }
  });
});

describe("paths", () => {
  test("full, hash and truncate apply where their path leads, * to any one segment", () => {
    const hash = (text: string) => `hmac-sha256:${createHmac("sha256", "k").update(text).digest("hex")}`;
    const paths = {
      "user.email": { strategy: "hash" },
      "items.*.note": { strategy: "truncate" },
      "items.1": { strategy: "full" },
      "*.id": { strategy: "hash" },
      short: { strategy: "truncate", length: 3 },
    } as const;
    const value = {
      user: { email: "ann@example.com", id: 7, name: "Ann" },
      items: [{ note: "0123456789a" }, { note: "x" }],
      short: "abc",
      note: "0123456789a",
    };
    assert.deepEqual(redacted(value, { paths, hashKey: "k" }), {
      user: { email: hash("ann@example.com"), id: hash("7"), name: "Ann" },
      items: [{ note: "0123456789..." }, R],
      short: "abc",
      note: "0123456789a",
    });
  });

  test("without a key nothing is hashed: the value is blanked, as are objects and arrays", () => {
    assert.deepEqual(redacted({ a: "x" }, { paths: { a: { strategy: "hash" } } }), { a: R });
    assert.deepEqual(redacted({ a: "x" }, { paths: { a: { strategy: "hash" } }, hashKey: "" }), { a: R });
    assert.deepEqual(redacted({ a: ["x"] }, { paths: { a: { strategy: "hash" } }, hashKey: "k" }), { a: R });
  });

  test("truncate shows nothing that redaction hides, and the strictest strategy wins", () => {
    const truncate = { strategy: "truncate", length: 20 } as const;
    assert.deepEqual(
      redacted({ a: "Bearer abcdefgh and more of it", password: "hunter2" }, { paths: { "*": truncate } }),
      {
        a: `Bearer ${R} an...`,
        password: R,
      },
    );
    const long = "a".repeat(100_000);
    assert.deepEqual(redacted({ long }, { paths: { long: truncate } }), { long: `${"a".repeat(20)}...` });
    assert.deepEqual(redacted({ a: "abcdef" }, { paths: { "*": { strategy: "full" }, a: truncate } }), {
      a: R,
    });
    assert.deepEqual(
      redacted({ a: "abcdef" }, { paths: { "*": { strategy: "truncate", length: 2 }, a: truncate } }),
      { a: "ab..." },
    );
  });

  test("a redactor is made once and used for many values", () => {
    const each = createRedactor({
      mode: "redacted",
      paths: { a: { strategy: "full" } },
      schema: { properties: { b: { sensitive: true } } },
    });
    assert.equal(each({ a: 1, b: 2, c: 3 }).json, each({ a: 4, b: 5, c: 3 }).json);
  });
});
