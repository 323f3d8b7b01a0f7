import assert from "node:assert/strict";
import { test } from "node:test";
import { Passwords } from "../../src/control/passwords.ts";
import { CHEAP } from "../support/daybook.ts";

const PASSWORD = "correct horse battery";

test("a password is kept as a salted hash beside its parameters", async () => {
  const passwords = new Passwords(CHEAP);
  const [one, other] = [await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)];
  assert.match(one, /^\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, other);
  assert.equal(await passwords.verify(PASSWORD, one), true);
  assert.equal(await passwords.verify(`${PASSWORD}.`, one), false);
  assert.equal(await passwords.verify(PASSWORD, null), false);
  assert.equal(await passwords.verify(PASSWORD, "$argon2id$v=19$m=1"), false);
});

test("the usual cost is what OWASP asks for, and hashes of another cost still verify", async () => {
  const strong = new Passwords();
  const hash = await strong.hash(PASSWORD);
  assert.match(hash, /^\$scrypt\$ln=15,r=8,p=3\$/);
  assert.equal(await new Passwords(CHEAP).verify(PASSWORD, hash), true);
  assert.equal(await strong.verify(PASSWORD, await new Passwords(CHEAP).hash(PASSWORD)), true);
});

test("one password is one password, however the keyboard composes it", async () => {
  const passwords = new Passwords(CHEAP);
  const hash = await passwords.hash("Zo\u00eb's long passphrase");
  assert.equal(await passwords.verify("Zoe\u0308's long passphrase", hash), true);
});

test("what could be guessed, and what is no password, is refused", async () => {
  const passwords = new Passwords(CHEAP);
  for (const weak of ["", "short", "aaaaaaaaaaaaaaaa", "abababababababab", "x".repeat(200)])
    await assert.rejects(passwords.hash(weak), { code: "weak_password" }, weak);
  for (const wrong of ["x1y2z3a4b5c6".repeat(30), "lone \ud800 surrogate here"])
    await assert.rejects(passwords.hash(wrong), { code: "bad_argument" });
});

test("few are hashed at a time, some wait, and the rest is turned away", async () => {
  const passwords = new Passwords({ log2N: 12, r: 8, p: 1 });
  const hash = await passwords.hash(PASSWORD);
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () => passwords.verify(PASSWORD, hash)),
  );
  const done = results.filter(({ status }) => status === "fulfilled");
  const refused = results.filter((result) => result.status === "rejected");
  assert.deepEqual([done.length, refused.length], [34, 16]);
  for (const { reason } of refused as PromiseRejectedResult[]) assert.equal(reason.code, "overloaded");
  assert.equal(await passwords.verify(PASSWORD, hash), true);
});
