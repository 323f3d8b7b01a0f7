// Golden files: event → leaf bytes → hash. They may never change: they are what auditors hold.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../../src/event/canonical.ts";
import { type Cell, COLUMN, FIELDS, type Row } from "../../src/event/fields.ts";
import { leafText } from "../../src/event/leaf.ts";
import { leafHash } from "../../src/evidence/merkle.ts";

interface Golden {
  readonly name: string;
  readonly p1_salt: string;
  readonly p2_salt: string;
  readonly event: Record<string, Cell>;
  readonly leaf: string;
  readonly leaf_hash: string;
}

const goldens = JSON.parse(
  readFileSync(new URL("../fixtures/leaves/leaves.json", import.meta.url), "utf8"),
) as Golden[];

function rowOf(event: Record<string, Cell>): Row {
  return FIELDS.map((field) => event[field.name] ?? null);
}

for (const golden of goldens) {
  test(`golden leaf: ${golden.name}`, () => {
    const leaf = leafText(
      rowOf(golden.event),
      Buffer.from(golden.p1_salt, "hex"),
      Buffer.from(golden.p2_salt, "hex"),
    );
    assert.equal(leaf, golden.leaf);
    assert.equal(leafHash(leaf).toString("hex"), golden.leaf_hash);
  });
}

test("a leaf is canonical JSON of the public fields and two commitments, computed here from the definition", () => {
  for (const { event, p1_salt, p2_salt, leaf } of goldens) {
    const group = (name: "p1" | "p2") =>
      Object.fromEntries(
        FIELDS.filter((field) => field.class === name && event[field.name] != null).map(({ name }) => [
          name,
          event[name],
        ]),
      );
    const commitment = (salt: string, name: "p1" | "p2") =>
      createHash("sha256")
        .update(Buffer.from(salt, "hex"))
        .update(canonicalJson(group(name)))
        .digest("hex");
    const open = Object.fromEntries(
      FIELDS.filter((field) => field.class === "public" && event[field.name] != null).map(({ name }) => [
        name,
        event[name],
      ]),
    );
    assert.equal(
      leaf,
      canonicalJson({ ...open, v: 1, p1: commitment(p1_salt, "p1"), p2: commitment(p2_salt, "p2") }),
    );
  }
});

test("a leaf holds nothing of a person or of content", () => {
  const event = Object.fromEntries(
    FIELDS.map((field) => [field.name, field.class === "public" ? null : `canary-${field.name}`]),
  );
  const leaf = leafText(rowOf(event), Buffer.alloc(16, 1), Buffer.alloc(16, 2));
  assert.ok(!leaf.includes("canary"));
});

test("each public field changes the leaf, each P1 field only p1, each P2 field only p2", () => {
  const salts = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)] as const;
  const base = JSON.parse(leafText(rowOf({}), ...salts)) as Record<string, unknown>;
  for (const field of FIELDS) {
    const row = rowOf({});
    row[COLUMN[field.name]] = field.type === "integer" ? 1 : field.type === "boolean" ? true : "x";
    const leaf = JSON.parse(leafText(row, ...salts)) as Record<string, unknown>;
    const changed = Object.keys(leaf).filter((key) => leaf[key] !== base[key]);
    assert.deepEqual(changed, [field.class === "public" ? field.name : field.class]);
  }
});

test("any string is written as JSON.stringify writes it", () => {
  const salt = new Uint8Array(16);
  const unit = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string());
  fc.assert(
    fc.property(
      fc.oneof(unit, fc.constantFrom("\ud800", "\u0000", '"', "\\", "\u007f", "\u2028", "😀")),
      (text) => {
        const row: Row = new Array(FIELDS.length).fill(null);
        row[COLUMN.error_message] = text;
        assert.ok(leafText(row, salt, salt).includes(`"error_message":${JSON.stringify(text)},`));
      },
    ),
  );
});
