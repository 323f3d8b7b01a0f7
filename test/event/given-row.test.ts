import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeRow } from "../../src/event/encode.ts";
import { type Facts, FIELDS, type Row, SCHEMA_VERSION } from "../../src/event/fields.ts";
import { givenRow } from "../../src/event/given-row.ts";
import { newEventId } from "../../src/event/ids.ts";
import { answered } from "../../src/event/outcomes.ts";

/** As a shipper tells it: cells that are not null, by name. */
const cellsOf = (row: Row) =>
  Object.fromEntries(
    FIELDS.map(({ name }, at) => [name, row[at] ?? null]).filter(([, cell]) => cell !== null),
  );

test("whatever a recorder has made of what it was given is let in, unchanged", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.constantFrom("\\u0000", "\\\\u0000", "a\\", "\u0000", "\ud800", '"', "__proto__", "é"),
  );
  const scalar = fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
  const names = text.map((key) => `k_${key}`);
  const usage = fc.dictionary(text, fc.oneof(fc.maxSafeInteger(), scalar), { maxKeys: 4 });
  const values = fc.dictionary(text, fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })), { maxKeys: 4 });
  const facts = fc.record(
    {
      name: text,
      userId: text,
      model: text,
      durationMs: fc.oneof(fc.integer(), fc.double()),
      metadata: fc.dictionary(names, scalar, { maxKeys: 4 }),
      resourceUsage: usage,
      inputJson: values,
      newValues: values,
      attempts: fc.array(fc.record({ provider: text, code: scalar, ms: scalar }), { maxLength: 3 }),
      policies: fc.array(text, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(facts, (given) => {
      const own = { eventId: newEventId(), count: 1, timestamp: 1, requestId: "r", policyDecision: "n/a" };
      const row = encodeRow({ ...own, kind: "mcp", action: "tool", ...(given as Facts) }, answered(200), {
        count: 0,
      });
      const journal = { node_id: "a".repeat(16), seq: 1, schema_version: SCHEMA_VERSION, recorded_at: 1 };
      const cells = { ...cellsOf(row), ...journal };
      assert.deepEqual(cellsOf(givenRow(cells)), cells);
    }),
    { seed: 9, numRuns: 400, examples: [[{ newValues: { path: "C:\\u0000" } }]] },
  );
});
