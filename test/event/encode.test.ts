import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkFacts, encodeRow } from "../../src/event/encode.ts";
import { DaybookError } from "../../src/event/errors.ts";
import { type Cell, COLUMN, camelCase, type Facts, FIELDS, type FieldName } from "../../src/event/fields.ts";
import { answered } from "../../src/event/outcomes.ts";
import { chatFacts } from "../support/facts.ts";

function cell(name: FieldName, value: unknown): { value: Cell; misfits: number } {
  const misfits = { count: 0 };
  const row = encodeRow({ ...chatFacts(1), [camelCase(name)]: value } as Facts, answered(), misfits);
  return { value: row[COLUMN[name]] ?? null, misfits: misfits.count };
}

test("a model that is not a token becomes null and is counted", () => {
  for (const model of ["my secret prompt", "a\nb", "", "m".repeat(129), "naïve", "x\0"]) {
    assert.deepEqual(cell("model", model), { value: null, misfits: 1 }, model);
  }
  assert.deepEqual(cell("model", "openai/gpt-4o_mini:2024@eu+x"), {
    value: "openai/gpt-4o_mini:2024@eu+x",
    misfits: 0,
  });
});

test("numbers out of range are clamped and counted, never thrown", () => {
  assert.deepEqual(cell("prompt_tokens", -1), { value: 0, misfits: 1 });
  assert.deepEqual(cell("prompt_tokens", 1e300), { value: Number.MAX_SAFE_INTEGER, misfits: 1 });
  assert.deepEqual(cell("prompt_tokens", 1.5), { value: 2, misfits: 1 });
  assert.deepEqual(cell("prompt_tokens", Number.NaN), { value: null, misfits: 1 });
  assert.deepEqual(cell("prompt_tokens", "7"), { value: null, misfits: 1 });
  assert.deepEqual(cell("prompt_tokens", 7), { value: 7, misfits: 0 });
});

test("sentences are cut at their limit and stay well-formed", () => {
  const { value, misfits } = cell("policy_reason", `${"x".repeat(499)}😀`);
  assert.equal(misfits, 1);
  assert.equal(String(value).length, 500);
  assert.ok(String(value).isWellFormed());
});

test("JSON facts become canonical text, or null when they do not fit", () => {
  assert.equal(cell("metadata", { b: 1, a: "x" }).value, '{"a":"x","b":1}');
  assert.deepEqual(cell("metadata", { a: "x".repeat(5000) }), { value: null, misfits: 1 });
  assert.deepEqual(cell("metadata", { a: 1.5 }), { value: null, misfits: 1 });
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  assert.deepEqual(cell("attempts", [cycle]), { value: null, misfits: 1 });
});

test("names that no event has are refused, with the way out", () => {
  const refuses = (facts: unknown, code: string) =>
    assert.throws(
      () => checkFacts(facts as Facts),
      (error) => error instanceof DaybookError && error.code === code,
    );
  refuses({ prompt: "x" }, "unknown_field");
  refuses({ user_id: "x" }, "unknown_field");
  refuses({ status: "success" }, "unknown_field");
  refuses({ nodeId: "0000000000000000" }, "unknown_field");
});

test("metadata refuses keys that look like content, and what is not flat", () => {
  for (const key of ["messages", "prompt", "input", "output", "text", "content", "completion"]) {
    assert.throws(() => checkFacts({ metadata: { [key]: "x" } }), { code: "content_refused" }, key);
  }
  assert.throws(() => checkFacts({ metadata: { ok: { deep: 1 } } }), { code: "nested_metadata" });
  checkFacts({ metadata: { region: "eu", retries: 2, cached: true } });
});

test("whatever is handed over, a row holds only what its fields allow", () => {
  const anything = fc.oneof(fc.anything(), fc.string({ unit: "binary" }), fc.double(), fc.bigInt());
  const names = FIELDS.map((field) => camelCase(field.name));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), anything), (facts) => {
      const row = encodeRow(facts as Facts, null, { count: 0 });
      for (const [index, field] of FIELDS.entries()) {
        const value = row[index] ?? null;
        if (value === null) continue;
        assert.equal(field.by, "facts");
        if (typeof value === "number")
          assert.ok(Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0));
        if (typeof value === "string") assert.ok(value.isWellFormed() && !value.includes("\0"));
      }
    }),
    { numRuns: 300 },
  );
});
