import assert from "node:assert/strict";
import { test } from "node:test";
import { COLUMN, type FieldName, type Row } from "../../src/event/fields.ts";
import { isNamedBy, isWordIn } from "../../src/event/naming.ts";

function rowOf(cells: { readonly [name in FieldName]?: string }): Row {
  const row: Row = [];
  for (const [name, cell] of Object.entries(cells)) row[COLUMN[name as FieldName]] = cell;
  return row;
}

test("an id is a word where it stands for itself", () => {
  for (const text of [
    "ana",
    "user:ana tokens>5",
    'user == "ana"',
    "user in ['bo','ana']",
    "user_id=ana.",
    "(ana)",
  ])
    assert.equal(isWordIn(text, "ana"), true, text);
  for (const text of ["anabel", "ana@example.com", "ana-2", "bo.ana", "Ana", "ana.b", "_ana"])
    assert.equal(isWordIn(text, "ana"), false, text);
  assert.equal(isWordIn("mail to a+b@example.com, today", "a+b@example.com"), true);
});

test("an event names somebody by what may be erased, and by nothing else", () => {
  const when = JSON.stringify({ when: 'user == "ana"', effect: "deny" });
  for (const cells of [
    { user_id: "ana" },
    { entity_id: "ana" },
    { metadata: '{"owner":"ana"}' },
    { old_values: '{"query.user_id":["bo","ana"]}' },
    { new_values: '{"query.q":["user:ana tokens>5"]}' },
    { new_values: when },
    { old_values: '{"match":{"user":["ana"]}}' },
    { justification: "the case of ana, of May" },
    { old_values: "{cut off: user:ana tok" },
  ] as const)
    assert.equal(isNamedBy(rowOf(cells), "ana"), true, JSON.stringify(cells));
  for (const cells of [
    { model: "ana", provider: "ana", name: "ana" },
    { new_values: '{"name":"for ana and others"}' },
    { new_values: '{"query.q":["user:anabel"]}' },
    { kind: "system", action: "pruned", metadata: '{"node":"ana"}' },
    { justification: "anabel asked" },
  ] as const)
    assert.equal(isNamedBy(rowOf(cells), "ana"), false, JSON.stringify(cells));
});
