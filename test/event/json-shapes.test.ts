import assert from "node:assert/strict";
import { test } from "node:test";
import { hasShape } from "../../src/event/json-shapes.ts";

const names = (count: number) => Array.from({ length: count }, (_, n) => `policy.${n}`);

test("names and integers have their place: of tries, of policies however many, of what was used", () => {
  assert.ok(hasShape("tries", []));
  assert.ok(hasShape("tries", [{ provider: "büro – Ost", code: "ECONNREFUSED", ms: 3 }]));
  assert.ok(hasShape("tries", [{ provider: "openai", code: 503, ms: 0 }]));
  assert.ok(hasShape("names", [...names(40), "+12"]), "the last stands for those that are left out");
  assert.ok(hasShape("counts", { rows: 3, "cpu.ms": -1 }));
});

test("words have none", () => {
  assert.ok(!hasShape("tries", [{ provider: "openai", code: 503, ms: 0, said: "words" }]));
  assert.ok(!hasShape("tries", [{ provider: "openai", code: "it said no", ms: 0 }]));
  assert.ok(!hasShape("tries", [{ provider: "openai", ms: 0 }]));
  assert.ok(!hasShape("tries", { 0: "words" }));
  assert.ok(!hasShape("names", ["what was said"]));
  assert.ok(!hasShape("names", { said: "words" }));
  assert.ok(!hasShape("counts", { rows: "words" }));
  assert.ok(!hasShape("counts", { rows: 1.5 }));
  assert.ok(!hasShape("counts", { "what was said": 1 }));
  assert.ok(!hasShape("counts", [1]));
});
