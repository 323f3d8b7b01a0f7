import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { test } from "node:test";
import { fromBase64, fromHex, hexOf } from "../../src/evidence/bytes.ts";
import { parseCheckpoint, writeCheckpoint } from "../../src/evidence/checkpoint.ts";
import {
  parseNote,
  parseVerifierKey,
  verifierKey,
  verifyNote,
  writeNote,
  writeVerifierKey,
} from "../../src/evidence/note.ts";
import { sha256 } from "../../src/evidence/sha256.ts";

function signer(name: string) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const key = verifierKey(name, new Uint8Array(raw), sha256);
  return { key, note: (text: string) => writeNote(text, key, sign(null, Buffer.from(text), privateKey)) };
}

const verdict = async (note: string, ...keys: Parameters<typeof verifyNote>[1][]) => {
  const parsed = parseNote(note);
  return parsed === null ? "no note" : (await verifyNote(parsed, keys.flat())).is;
};

test("a note is signed by a key that is known, and by no other", async () => {
  const [a, b] = [signer("daybook/a"), signer("daybook/a")];
  const note = a.note("daybook/a\n1\n");
  assert.equal(await verdict(note, [a.key]), "signed");
  assert.equal(await verdict(note, [b.key, a.key]), "signed");
  assert.equal(await verdict(note, [b.key]), "unknown");
  assert.equal(await verdict(note.replace("1", "2"), [a.key]), "bad");
  const both = note + b.note("daybook/a\n1\n").split("\n").slice(-2).join("\n");
  assert.equal(await verdict(both, [a.key]), "signed", "signatures of others are let be");
  const forged = note + b.note("other\n").split("\n").slice(-2).join("\n");
  assert.equal(await verdict(forged, [a.key, b.key]), "bad", "every signature of a known key must hold");
});

test("every bit of a signed note counts", async () => {
  const { key, note } = signer("daybook/a");
  const bytes = Buffer.from(
    note(writeCheckpoint({ origin: "daybook/a", size: 7, root: randomBytes(32), at: 1 })),
  );
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.notEqual(await verdict(changed.toString(), [key]), "signed", `bit ${bit}`);
  }
});

test("what is no note, key or checkpoint is none", () => {
  assert.equal(parseNote("text\n"), null);
  assert.equal(parseNote("text\n\n— name\n"), null);
  assert.equal(parseNote("te\u0001xt\n\n— name AAAAAAAA\n"), null);
  const { key } = signer("daybook/a");
  const text = writeVerifierKey(key);
  assert.equal(writeVerifierKey(parseVerifierKey(text, sha256) ?? key), text);
  assert.deepEqual(parseVerifierKey(text, sha256)?.publicKey, key.publicKey);
  assert.equal(parseVerifierKey(text.replace("daybook/a", "daybook/b"), sha256), null, "another name's id");
  assert.equal(parseVerifierKey(text.slice(0, -1), sha256), null);
  const root = new Uint8Array(32);
  const body = writeCheckpoint({ origin: "o", size: 3, root, at: null });
  assert.deepEqual(parseCheckpoint(body), { origin: "o", size: 3, root, at: null });
  assert.equal(parseCheckpoint(`${body}an extension\n`)?.size, 3);
  assert.equal(parseCheckpoint(body.replace("\n3\n", "\n03\n")), null);
  assert.equal(parseCheckpoint(body.slice(0, -1)), null);
  assert.equal(fromBase64("AB=="), null, "unused bits are zero");
  assert.equal(fromHex("AB"), null);
  assert.equal(hexOf(fromHex("00ff") ?? new Uint8Array()), "00ff");
});

test("SHA-256 in plain code is SHA-256", () => {
  for (let length = 0; length < 300; length++) {
    const message = randomBytes(length);
    assert.equal(
      hexOf(sha256(message)),
      createHash("sha256").update(message).digest("hex"),
      `${length} bytes`,
    );
  }
});
