// What strangers wrote, through CSV: it comes back as it was, and no spreadsheet takes a cell for a formula (L39).
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cellOf, csvText } from "../../../src/read/export/csv.ts";
import { csvCells } from "./readers.ts";

const COUNT = 200_000;
const PIECES = [
  "=",
  "+",
  "-",
  "@",
  "\t",
  "\r",
  "\n",
  "'",
  '"',
  ",",
  ";",
  "＝",
  "＋",
  "－",
  "＠",
  "|",
  " ",
  "cmd",
  "1",
  "é",
  "😀",
];
const STARTS_A_FORMULA = /^[\s\u00a0]*[=+\-@\t\r\n＝＋－＠]/;

test("L39: 200,000 hostile strings come back equal, and no cell can start a formula", () => {
  const hostile = fc.oneof(
    fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => pieces.join("")),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  const texts = fc.sample(hostile, { numRuns: COUNT, seed: 39 });
  const csv = texts.map((text) => `x,${csvText(text)},y\r\n`).join("");
  const rows = csvCells(csv);
  assert.equal(rows.length, COUNT);
  for (const [at, [, written]] of rows.entries()) {
    const { cell = "", isQuoted = false } = written ?? {};
    assert.equal(cellOf("policy_reason", cell, isQuoted), texts[at]);
    assert.doesNotMatch(cell, /^[=+\-@\t\r\n＝＋－＠]/);
    // Some readers end a row, or a cell, at any of these.
    if (!isQuoted) assert.doesNotMatch(cell, /[",;\t\r\n]/);
  }
  assert.ok(texts.some((text) => STARTS_A_FORMULA.test(text)));
});

test("no value and the empty text stay apart", () => {
  assert.equal(cellOf("policy_reason", "", false), null);
  assert.equal(csvText(""), '""');
  assert.equal(cellOf("policy_reason", "", true), "");
});
