import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { duplicateKey, type Member, setMembers, topLevelMembers } from "../../src/protocols/json-members.ts";

/** Endless small numbers that decide how a value is written: spaces, and which characters are escaped. */
type Whims = () => number;

const SPACES = ["", "", "", " ", "\n", "\t ", "\r\n"];
const space = (whim: Whims) => SPACES[whim() % SPACES.length] ?? "";

function writeString(text: string, whim: Whims): string {
  let written = "";
  for (let index = 0; index < text.length; index++) {
    const unit = text.slice(index, index + 1);
    if (whim() % 5 === 0) written += `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    else if (unit === "/" && whim() % 2 === 0) written += "\\/";
    else if (/[\ud800-\udfff]/.test(unit)) written += `\\u${unit.charCodeAt(0).toString(16)}`;
    else written += JSON.stringify(unit).slice(1, -1);
  }
  return `"${written}"`;
}

function write(value: unknown, whim: Whims): string {
  if (typeof value === "string") return writeString(value, whim);
  if (Array.isArray(value)) {
    return `[${value.map((item) => space(whim) + write(item, whim) + space(whim)).join(",") || space(whim)}]`;
  }
  if (typeof value === "object" && value !== null) return join(written(Object.entries(value), whim), whim);
  return JSON.stringify(value);
}

interface Written {
  readonly key: string;
  readonly escaped: boolean;
  readonly keyText: string;
  readonly json: string;
}

function written(entries: readonly (readonly [string, unknown])[], whim: Whims): Written[] {
  return entries.map(([key, value]) => {
    const keyText = writeString(key, whim);
    return { key, escaped: keyText.includes("\\"), keyText, json: write(value, whim) };
  });
}

function join(members: readonly Written[], whim: Whims): string {
  const texts = members.map(
    ({ keyText, json }) => `${space(whim)}${keyText}${space(whim)}:${space(whim)}${json}${space(whim)}`,
  );
  return `{${texts.join(",") || space(whim)}}`;
}

const tricky = fc.string({
  unit: fc.constantFrom(
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    " ",
    "/",
    "a",
    "\n",
    "é",
    "☕",
    "\u2028",
    "\ud83d",
  ),
});
const key = fc.oneof(
  tricky,
  fc.string(),
  fc.constantFrom("model", "stream_options", "__proto__", "constructor", ""),
);
const leaf = fc.oneof(
  tricky,
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  ),
}));
const entries = fc.array(fc.tuple(key, value), { maxLength: 6 });
const whims = fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 });

function whimsOf(numbers: readonly number[]): Whims {
  let next = 0;
  return () => numbers[next++ % numbers.length] ?? 0;
}

const valueText = (text: string, { start, end }: Member) => text.slice(start, end);

test("members are found with exactly their values, however the object is written", () => {
  fc.assert(
    fc.property(entries, whims, (pairs, numbers) => {
      const whim = whimsOf(numbers);
      const members = written(pairs, whim);
      const text = space(whim) + join(members, whim) + space(whim);
      JSON.parse(text);
      assert.deepEqual(
        topLevelMembers(text).map((found) => [found.key, found.escaped, valueText(text, found)]),
        members.map(({ key, escaped, json }) => [key, escaped, json]),
      );
    }),
    { numRuns: 400 },
  );
});

// Keys that need no escapes: V8's JSON.parse can misread one after certain objects, so it is no oracle for them.
test("members are what JSON.parse reads", () => {
  const plainKey = fc.string({ unit: fc.constantFrom("{", "}", "[", "]", ":", ",", " ", "a", "b", "é") });
  const { item } = fc.letrec((tie) => ({
    item: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("item")), fc.dictionary(plainKey, tie("item"))),
  }));
  fc.assert(
    fc.property(fc.dictionary(plainKey, item), fc.constantFrom("", "\t"), (object, indent) => {
      const text = JSON.stringify(object, null, indent);
      const members = topLevelMembers(text).map((found) => [found.key, JSON.parse(valueText(text, found))]);
      assert.deepEqual(Object.fromEntries(members), { ...JSON.parse(text) });
    }),
  );
});

test("a key that stands twice is found, however it is escaped", () => {
  assert.equal(duplicateKey(topLevelMembers('{"model":1,"mod\\u0065l":2}')), "model");
  assert.equal(duplicateKey(topLevelMembers('{"a":{"b":1},"b":{"a":2}}')), null);
  fc.assert(
    fc.property(entries, whims, (pairs, numbers) => {
      const keys = pairs.map(([name]) => name);
      const found = duplicateKey(topLevelMembers(write(Object.fromEntries(pairs), whimsOf(numbers))));
      assert.equal(found, null);
      const whim = whimsOf(numbers);
      const twice = duplicateKey(topLevelMembers(join(written(pairs, whim), whim)));
      assert.equal(twice === null, new Set(keys).size === keys.length);
      if (twice !== null) assert.ok(keys.indexOf(twice) < keys.lastIndexOf(twice));
    }),
  );
});

test("members that are set have their new value and every other character stays", () => {
  const unique = fc.uniqueArray(fc.tuple(key, value), { maxLength: 6, selector: ([name]) => name });
  fc.assert(
    fc.property(unique, unique, whims, (pairs, changes, numbers) => {
      const whim = whimsOf(numbers);
      const before = written(pairs, whim);
      const text = join(before, whim);
      const members = topLevelMembers(text);
      const values = new Map(changes.map(([name, item]) => [name, JSON.stringify(item)]));
      const result = setMembers(text, members, values);
      JSON.parse(result);
      const after = topLevelMembers(result);
      assert.deepEqual(
        new Map(after.map((member) => [member.key, valueText(result, member)])),
        new Map([...before.map(({ key, json }) => [key, json] as const), ...values]),
      );

      // Undone from the back: each value as it was, and the added members cut from the front.
      let undone = result;
      for (const { key, start, end } of after.toReversed()) {
        const old = before.find((candidate) => candidate.key === key);
        if (old !== undefined) undone = undone.slice(0, start) + old.json + undone.slice(end);
      }
      const added = [...values].filter(([name]) => !before.some(({ key }) => key === name));
      const front = added.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",");
      const comma = added.length > 0 && before.length > 0 ? "," : "";
      assert.equal(undone, `{${front}${comma}${text.slice(1)}`);
    }),
    { numRuns: 400 },
  );
});

test("numbers, order and spacing are not touched by a change beside them", () => {
  const text = '\n{ "seed":12345678901234567890 ,"t" : 1.0E0, "model":"a", "z":[1 ,2] }\n';
  const changed = setMembers(text, topLevelMembers(text), new Map([["model", '"b"']]));
  assert.equal(changed, text.replace('"a"', '"b"'));
});

test("a deeply nested value and a long string are passed over", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const long = JSON.stringify('\\"{['.repeat(200_000));
  const text = `{"deep":${deep},"long":${long},"model":"demo"}`;
  const members = topLevelMembers(text);
  assert.deepEqual(
    members.map((member) => member.key),
    ["deep", "long", "model"],
  );
  assert.equal(valueText(text, members[1] as Member), long);
});
