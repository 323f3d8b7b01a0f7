import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { modelEntry, modelsList, parseModels } from "../../src/protocols/models.ts";

const MODELS = [
  { id: "demo", created: 1_760_000_000, ownedBy: "daybook" },
  { id: "gpt-4o", created: 1_700_000_000, ownedBy: "openai" },
];
const parse = (value: unknown) => parseModels(Buffer.from(JSON.stringify(value)));

test("OpenAI's clients get OpenAI's list", () => {
  assert.deepEqual(modelsList("openai", MODELS), {
    object: "list",
    data: [
      { id: "demo", object: "model", created: 1_760_000_000, owned_by: "daybook" },
      { id: "gpt-4o", object: "model", created: 1_700_000_000, owned_by: "openai" },
    ],
  });
  assert.deepEqual(modelsList("openai", []), { object: "list", data: [] });
});

test("Anthropic's clients get Anthropic's list, on one page", () => {
  assert.deepEqual(modelsList("anthropic", MODELS), {
    data: [
      { type: "model", id: "demo", display_name: "demo", created_at: "2025-10-09T08:53:20.000Z" },
      { type: "model", id: "gpt-4o", display_name: "gpt-4o", created_at: "2023-11-14T22:13:20.000Z" },
    ],
    has_more: false,
    first_id: "demo",
    last_id: "gpt-4o",
  });
  assert.deepEqual(modelsList("anthropic", []), { data: [], has_more: false, first_id: null, last_id: null });
});

test("one model is an entry of the list", () => {
  for (const dialect of ["openai", "anthropic"] as const) {
    const { data } = modelsList(dialect, MODELS) as { data: object[] };
    assert.deepEqual(modelEntry(dialect, MODELS[0] as (typeof MODELS)[0]), data[0]);
  }
});

test("each provider's list is read: sorted, and each name once", () => {
  const ids = ["a-model", "b:7b"];
  for (const value of [
    { object: "list", data: [{ id: "b:7b", object: "model" }, { id: "a-model" }, { id: "b:7b" }] },
    { data: [{ type: "model", id: "b:7b", display_name: "B" }, { id: "a-model" }], has_more: false },
    [{ id: "b:7b", type: "chat" }, { id: "a-model" }],
    { models: [{ name: "b:7b", model: "b:7b", size: 5 }, { name: "a-model" }] },
    { models: ["b:7b", "a-model"] },
  ]) {
    assert.deepEqual(parse(value), { ids, next: null });
  }
});

test("an unfinished list says where it goes on", () => {
  assert.equal(parse({ data: [{ id: "b" }], has_more: true, last_id: "b" })?.next, "b");
  assert.equal(parse({ data: [{ id: "b" }], has_more: false, last_id: "b" })?.next, null);
  assert.equal(parse({ data: [], has_more: true, last_id: "no such id" })?.next, null);
});

test("what is no list is none, and what is no name is left out", () => {
  for (const value of [null, "x", 7, {}, { data: {} }, { error: { message: "quince" } }])
    assert.equal(parse(value), null);
  assert.equal(parseModels(Buffer.from("<html>")), null);
  const names = ["ok", "", "two words", "x".repeat(129), 7, null, { id: { id: "x" } }, "new\nline"];
  assert.deepEqual(parse({ data: names.map((id) => ({ id })) })?.ids, ["ok"]);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const id of parse({ data: value })?.ids ?? []) assert.match(id, /^[A-Za-z0-9._:/@+-]{1,128}$/);
    }),
  );
});
