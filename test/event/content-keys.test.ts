// Names that metadata refuses and accepts, over the corpus in test/fixtures/redaction/.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CONTENT_NAMES, CONTENT_NOUNS, CONTENT_WORDS, isContentKey } from "../../src/event/content-keys.ts";
import { FIELDS } from "../../src/event/fields.ts";

function corpus(file: string): string[] {
  const text = readFileSync(new URL(`../fixtures/redaction/${file}`, import.meta.url), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

for (const name of corpus("content-refused.txt")) {
  test(`${name} is refused`, () => assert.equal(isContentKey(name), true));
}

for (const name of corpus("content-allowed.txt")) {
  test(`${name} is accepted`, () => assert.equal(isContentKey(name), false));
}

test("every listed word is refused alone", () => {
  for (const name of [...CONTENT_WORDS, ...CONTENT_NOUNS, ...CONTENT_NAMES])
    assert.equal(isContentKey(name), true, name);
});

test("the event's own public fields are accepted, but for its sentence", () => {
  const refused = FIELDS.filter(({ name, class: kind }) => kind === "public" && isContentKey(name));
  assert.deepEqual(
    refused.map(({ name }) => name),
    ["error_message"],
  );
});

test("names without words are accepted", () => {
  for (const name of ["", "_", "1", "___", "😀"]) assert.equal(isContentKey(name), false);
});
