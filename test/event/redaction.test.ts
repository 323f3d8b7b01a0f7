// Redaction by name and by form, over the corpus in test/fixtures/redaction/ and by hand.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { canonicalJson } from "../../src/event/canonical.ts";
import { redact, redactText } from "../../src/event/redaction.ts";

const folder = new URL("../fixtures/redaction/", import.meta.url);
const R = "[REDACTED]";

/** Lines `name` or `name = JSON value`; without one the value is a string. */
function corpus(file: string): [name: string, value: unknown][] {
  const lines = readFileSync(new URL(file, folder), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name = "", value] = line.split(" = ");
      return [name, value === undefined ? "abc" : JSON.parse(value)];
    });
}

interface ValueCase {
  readonly rule: string;
  readonly text: string;
  readonly redacted: string;
  readonly secret?: string;
}

/** `¦` splits the made-up secrets, so that scanners of this repository do not take them for real ones. */
const values: readonly ValueCase[] = JSON.parse(
  readFileSync(new URL("values.json", folder), "utf8").replaceAll("¦", ""),
);

function redacted(value: unknown): unknown {
  return JSON.parse(redact(value, { mode: "redacted" }).json ?? "");
}

describe("names", () => {
  for (const [name, value] of corpus("names-blanked.txt")) {
    test(`${name} hides ${JSON.stringify(value)}`, () => {
      const result = redact({ [name]: value }, { mode: "redacted" });
      assert.equal(result.json, canonicalJson({ [name]: R }));
      assert.equal(result.redactions, 1);
    });
  }

  for (const [name, value] of corpus("names-kept.txt")) {
    test(`${name} shows ${JSON.stringify(value)}`, () => {
      const shown = typeof value === "number" && !Number.isInteger(value) ? String(value) : value;
      const result = redact({ [name]: value }, { mode: "redacted" });
      assert.equal(result.json, canonicalJson({ [name]: shown }));
      assert.equal(result.redactions, 0);
    });
  }

  test("the whole value under a hiding name is blanked, whatever it is, at any depth", () => {
    assert.deepEqual(
      redacted({ a: [{ credentials: { user: "bob", list: [1, 2] } }], b: { secrets: ["x", { y: 1 }] } }),
      {
        a: [{ credentials: R }],
        b: { secrets: R },
      },
    );
  });

  test("an entry that names its value hides it: headers, variables, form fields", () => {
    assert.deepEqual(
      redacted([
        { name: "Authorization", value: "abc" },
        { key: "api_key", value: 12 },
        { Name: "DB_PASSWORD", Value: ["abc"] },
        { key: "user:1", value: "shown" },
        { name: "max_tokens", value: 100 },
        { element: "Password field", text: "hunter2" },
        { selector: "#search", text: "shown" },
        { type: "password", value: "hunter2" },
      ]),
      [
        { name: "Authorization", value: R },
        { key: "api_key", value: R },
        { Name: "DB_PASSWORD", Value: R },
        { key: "user:1", value: "shown" },
        { name: "max_tokens", value: 100 },
        { element: "Password field", text: R },
        { selector: "#search", text: "shown" },
        { type: "password", value: R },
      ],
    );
  });

  test("lists of pairs, of options and of lines hide their values", () => {
    assert.deepEqual(
      redacted({
        headers: [
          ["X-Api-Key", "abc"],
          ["Accept", "text/plain"],
        ],
        args: ["--api-key", "abc", "--verbose", "x", "--token", "--other"],
        lines: ["Authorization: Bearer x", "Accept: text/plain"],
        columns: ["password", "email"],
      }),
      {
        headers: [
          ["X-Api-Key", R],
          ["Accept", "text/plain"],
        ],
        args: ["--api-key", R, "--verbose", "x", "--token", "--other"],
        lines: [`Authorization: ${R}`, "Accept: text/plain"],
        columns: ["password", "email"],
      },
    );
  });
});

describe("values", () => {
  for (const { rule, text, redacted: expected, secret } of values) {
    test(rule, () => {
      const { text: out, redactions } = redactText(text);
      assert.equal(out, expected);
      assert.equal(redactions > 0, text !== expected);
      if (secret !== undefined) assert.ok(!out.includes(secret));
      assert.deepEqual(redactText(out), { text: out, redactions: 0 });
    });
  }

  test("a secret is redacted in a name too, and no two names become one", () => {
    const key = ["sk", "abcdef0123456789"].join("-");
    assert.deepEqual(redacted({ [key]: 1, [`${key}0`]: 2, [`user ${key}`]: 3 }), {
      [R]: 1,
      [`${R} 2`]: 2,
      [`user ${R}`]: 3,
    });
  });

  test("a card number is redacted as a number too", () => {
    assert.deepEqual(redacted({ n: 4111111111111111, m: 4111111111111112 }), { n: R, m: 4111111111111112 });
  });

  test("JSON in a string is redacted as JSON, also within such JSON, and is left as it was otherwise", () => {
    const inner = JSON.stringify({ user: "bob", password: "hunter2" });
    const out = redacted({
      body: JSON.stringify({ inner, list: [{ token: "t" }], n: 1.5 }),
      plain: ' { "a" : 1.50 } ',
    });
    assert.deepEqual(out, {
      body: canonicalJson({
        inner: canonicalJson({ user: "bob", password: R }),
        list: [{ token: R }],
        n: "1.5",
      }),
      plain: ' { "a" : 1.50 } ',
    });
  });

  test("JSON in a string that does not fit is still read as JSON", () => {
    const body = JSON.stringify({
      headers: [{ name: "X-Api-Key", value: "hunter2" }],
      text: "x".repeat(100_000),
    });
    const { json, redactions, truncated } = redact({ body }, { mode: "redacted" });
    assert.match(json ?? "", /X-Api-Key/);
    assert.ok(!json?.includes("hunter2"));
    assert.deepEqual([redactions, truncated], [1, true]);
  });

  test("JSON in a string with the same name twice hides both", () => {
    const { json } = redact({ body: '{"a":{"password":"hunter2"},"a":1}' }, { mode: "redacted" });
    assert.ok(!json?.includes("hunter2"));
  });
});
