import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readStrictJson, readStrictJsonInTurns } from "../../src/protocols/strict-json.ts";

/** What is read in turns is what is read at once, and so often others had theirs. */
async function turnsOf(text: string): Promise<number> {
  let turns = 0;
  const read = await readStrictJsonInTurns(text, async () => turns++);
  assert.deepEqual(read, readStrictJson(text));
  return turns;
}

const valueIn = (text: string) => {
  const read = readStrictJson(text);
  return "problem" in read ? read.problem : read.value;
};

test("what JSON.stringify writes is read back, however it is indented", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(valueIn(text), JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test("what JSON.parse refuses is refused, and the rest is read as it reads it", () => {
  const piece = fc.constantFrom(
    '"a"',
    '"\\u0061"',
    '"\\x"',
    '"',
    "1",
    "-0",
    "01",
    "1.",
    "1e5",
    ".5",
    "true",
    "nul",
    "null",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    " ",
    "\n",
    "\u0001",
    "﻿",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join("");
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expected = "not_json";
      }
      const value = valueIn(text);
      if (value !== "duplicate_key") assert.deepEqual(value, expected);
    }),
    { numRuns: 3000 },
  );
});

test("a key that stands twice is refused at any depth, however it is escaped", () => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[{"b":{"c":[{"d":1,"d":1}]}}]',
    '{"__proto__":1,"__proto__":2}',
  ])
    assert.equal(valueIn(text), "duplicate_key");
  assert.deepEqual(valueIn('{"a":{"b":1},"b":{"a":2}}'), { a: { b: 1 }, b: { a: 2 } });
});

test("keys that are escaped keep their values, whatever objects stand before", () => {
  const text = '{"q":[{"path":1,"foo":2},{"path":3,"f\\u006fo":4}],"\\u00fc":{"path":3,"b\\u0061r":9}}';
  assert.deepEqual(valueIn(text), {
    q: [
      { path: 1, foo: 2 },
      { path: 3, foo: 4 },
    ],
    ü: { path: 3, bar: 9 },
  });
});

test("no key reaches a prototype", () => {
  const value = valueIn('{"__proto__":{"isAdmin":true}}') as { isAdmin?: boolean };
  assert.equal(value.isAdmin, undefined);
  assert.deepEqual(Object.keys(value), ["__proto__"]);
});

test("nesting is bounded", () => {
  assert.equal(valueIn("[".repeat(100_000)), "too_deep");
  assert.ok(Array.isArray(valueIn(`${"[".repeat(200)}${"]".repeat(200)}`)));
});

test("elements of an outermost array are found in the text", () => {
  const text = ' [ {"a":[1]} , 2,"x" ] ';
  const read = readStrictJson(text);
  assert.ok("spans" in read);
  assert.deepEqual(
    read.spans.map(([start, end]) => text.slice(start, end)),
    ['{"a":[1]}', "2", '"x"'],
  );
});

test("a long text is read in turns: many values, keys, containers, long strings, escapes and space alike", async () => {
  const many = (text: string, count: number) => Array<string>(count).fill(text);
  const keys = Array.from({ length: 20_000 }, (_, index) => `"k\\n${index}" : ${index}`);
  const long: Readonly<Record<string, string>> = {
    values: `[${many("0", 100_000)}]`,
    keys: `{${keys}}`,
    containers: `[${many('{"a":[]}', 20_000)}]`,
    string: `"${"x".repeat(10_000_000)}"`,
    escapes: `["${"\\u00e9\\n\\\\x".repeat(500_000)}"]`,
    space: `[1,${" ".repeat(10_000_000)}2]`,
    "a string that is cut": `["${"x".repeat(5_000_000)}`,
    "an escape that is none": `["${"x".repeat(5_000_000)}\\u00zz"]`,
  };
  for (const [name, text] of Object.entries(long))
    assert.ok((await turnsOf(text)) >= 1, `${name} is read in one piece`);
  assert.ok((await turnsOf(long.keys as string)) > 15);
  assert.equal(await turnsOf('{"a":[1,2,"\\u0061"]}'), 0);
});

test("wherever a long string is cut, its escapes are whole", () => {
  const piece = fc.constantFrom("\\u0041", "\\n", '\\"', "\\\\", "x", "\\ud83d\\ude00", "é");
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), fc.nat(16), (pieces, shift) => {
      const inside = "y".repeat(65_520 + shift) + pieces.join("") + "z".repeat(65_500) + pieces.join("");
      assert.equal(valueIn(`"${inside}"`), JSON.parse(`"${inside}"`));
    }),
    { numRuns: 200 },
  );
});
