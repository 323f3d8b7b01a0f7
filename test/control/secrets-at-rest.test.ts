// Secrets as they are kept: readable with their key and in their place only.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SecretsAtRest } from "../../src/control/secrets-at-rest.ts";
import { tempFolder } from "../support/temp.ts";

const SECRET = "sk-canary-0123456789";

test("a secret opens with the same key for the same owner; no two sealings are alike", () => {
  const folder = tempFolder();
  const secrets = new SecretsAtRest({ folder, given: null });
  const sealed = secrets.seal(SECRET, "provider prv_1");
  assert.notEqual(sealed, secrets.seal(SECRET, "provider prv_1"));
  assert.doesNotMatch(sealed, /canary/);
  assert.doesNotMatch(Buffer.from(sealed.split(".")[2] ?? "", "base64url").toString("latin1"), /canary/);
  const later = new SecretsAtRest({ folder, given: null });
  assert.equal(later.open(sealed, "provider prv_1"), SECRET);
  assert.throws(() => later.open(sealed, "provider prv_2"), {
    code: "secret_key",
    message: /provider prv_2 was changed, or belongs to another/,
  });
});

test("the key's file is made once, for this user alone, and only when something is kept", () => {
  const folder = tempFolder();
  const secrets = new SecretsAtRest({ folder, given: null });
  assert.deepEqual(readdirSync(folder), []);
  secrets.seal(SECRET, "a");
  const path = join(folder, "secret.key");
  assert.deepEqual(readdirSync(folder), ["secret.key"]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const text = readFileSync(path, "utf8");
  chmodSync(path, 0o644);
  new SecretsAtRest({ folder, given: null }).seal(SECRET, "a");
  assert.equal(readFileSync(path, "utf8"), text);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("every changed bit of what is sealed is noticed", () => {
  const secrets = new SecretsAtRest({ folder: tempFolder(), given: null });
  const sealed = secrets.seal(SECRET, "a");
  const [version, id, payload = ""] = sealed.split(".");
  const bytes = Buffer.from(payload, "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => secrets.open(`${version}.${id}.${changed.toString("base64url")}`, "a"), {
      code: "secret_key",
    });
  }
  for (const torn of ["", "v1", `v2.${id}.${payload}`, `v1.${id}.`, `v1.${id}.${payload.slice(0, 8)}`])
    assert.throws(() => secrets.open(torn, "a"), { code: "secret_key" });
});

test("a key that is missing or another one is named, with what is there", () => {
  const folder = tempFolder();
  const sealed = new SecretsAtRest({ folder, given: null }).seal(SECRET, "provider prv_1");
  const id = sealed.split(".")[1];
  const given = randomBytes(32).toString("base64");
  const both = new SecretsAtRest({ folder, given });
  assert.equal(both.open(sealed, "provider prv_1"), SECRET, "the file still opens what it sealed");
  rmSync(join(folder, "secret.key"));
  assert.throws(() => new SecretsAtRest({ folder, given: null }).open(sealed, "provider prv_1"), {
    code: "secret_key",
    message: new RegExp(
      `provider prv_1 needs the key ${id}, but .*secret\\.key is not there\\. Set DAYBOOK_SECRET_KEY`,
    ),
  });
  assert.throws(() => new SecretsAtRest({ folder, given }).open(sealed, "provider prv_1"), {
    message: /DAYBOOK_SECRET_KEY is another one/,
  });
});

test("a given key is 32 bytes, in hex or base64, and is preferred to the file", () => {
  const folder = tempFolder();
  const bytes = randomBytes(32);
  const sealed = new SecretsAtRest({ folder, given: bytes.toString("hex") }).seal(SECRET, "a");
  assert.deepEqual(readdirSync(folder), []);
  for (const given of [
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("hex").toUpperCase(),
  ])
    assert.equal(new SecretsAtRest({ folder, given }).open(sealed, "a"), SECRET);
  for (const given of ["short", "a".repeat(64), `${bytes.toString("hex")}0`, "password".repeat(8)])
    assert.throws(() => new SecretsAtRest({ folder, given }), {
      code: "secret_key",
      message: /DAYBOOK_SECRET_KEY is not/,
    });
  writeFileSync(join(folder, "secret.key"), "torn");
  assert.throws(() => new SecretsAtRest({ folder, given: null }).seal(SECRET, "a"), {
    code: "secret_key",
    message: /secret\.key is not 32 random bytes/,
  });
});

test("a fingerprint tells the same secret from another, under one key", () => {
  const secrets = new SecretsAtRest({ folder: tempFolder(), given: null });
  assert.equal(secrets.fingerprint(SECRET), secrets.fingerprint(SECRET));
  assert.notEqual(secrets.fingerprint(SECRET), secrets.fingerprint(`${SECRET}0`));
  assert.notEqual(
    secrets.fingerprint(SECRET),
    new SecretsAtRest({ folder: tempFolder(), given: null }).fingerprint(SECRET),
  );
});
