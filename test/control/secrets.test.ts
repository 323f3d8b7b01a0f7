// Secrets: how they are made, and which chosen ones are too weak.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { givenSecret, newSecret } from "../../src/control/secrets.ts";

test("a new secret is its kind and 43 characters, kept as SHA-256 and its first eight characters", () => {
  for (const kind of ["dbk", "dbt"] as const) {
    const { text, hash, prefix } = newSecret(kind);
    assert.match(text, new RegExp(`^${kind}_[A-Za-z0-9_-]{43}$`));
    assert.equal(hash, createHash("sha256").update(text).digest("hex"));
    assert.equal(prefix, text.slice(0, 8));
  }
  assert.equal(new Set(Array.from({ length: 100 }, () => newSecret("dbk").text)).size, 100);
});

test("random secrets are never called weak, in any usual spelling", () => {
  for (let round = 0; round < 500; round++) {
    const bytes = randomBytes(24);
    for (const text of [
      bytes.toString("hex"),
      bytes.toString("base64"),
      `admin-${bytes.toString("base64url")}`,
    ]) {
      assert.equal(givenSecret(text, "X").prefix, null, text);
    }
  }
});

test("what could be guessed is weak, and the message does not repeat it", () => {
  for (const text of [
    "x",
    "Kd7mQx2Ws8Zt4LpUa9Hb3Vn",
    "a".repeat(64),
    "abcabcabcabcabcabcabcabcabc",
    "akzbkazbakbzkzabzkbakazb",
    "0123456789012345678901234567",
    "abcdefghijklmnopqrstuvwxyz",
    "changeme-change_me-CHANGE-THIS-changeme",
    "MyPassword-default-secret-1",
    "placeholder-placeholder-placeholder",
  ]) {
    const refused = (error: Error & { code?: string }) => {
      assert.ok(text.length < 4 || !error.message.includes(text));
      return error.code === "weak_secret" && error.message.startsWith("THE_VARIABLE is too weak");
    };
    assert.throws(() => givenSecret(text, "THE_VARIABLE"), refused, text);
  }
});

test("what no header can carry is refused", () => {
  for (const text of [
    "",
    "Kd7mQx2Ws8Zt4LpUa9Hb3Vn6cRy\n",
    "Kd7mQx2Ws8 Zt4LpUa9Hb3Vn6cRy",
    "Kd7mQx2Ws8Zt4LpUa9Hb3Vn6cRé",
    "aB3".repeat(200),
  ]) {
    assert.throws(() => givenSecret(text, "X"), { code: "bad_argument" });
  }
});
