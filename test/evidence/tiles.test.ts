import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseCheckpoint } from "../../src/evidence/checkpoint.ts";
import { leafHash, nodeHash } from "../../src/evidence/merkle.ts";
import { parseNote, parseVerifierKey, verifyNote } from "../../src/evidence/note.ts";
import {
  consistencyProof,
  HASH_BYTES,
  inclusionProof,
  isConsistent,
  rootFromInclusion,
  rootOf,
} from "../../src/evidence/proofs.ts";
import { sha256 } from "../../src/evidence/sha256.ts";
import { nodesIn, TileMissing, tilePath, tilesBetween } from "../../src/evidence/tiles.ts";
import { testData, withoutData } from "../support/data.ts";
import { leavesOf, mth, tilesOf } from "./tree.ts";

const VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

test("tiles have the paths of C2SP tlog-tiles", () => {
  assert.equal(tilePath({ level: 0, index: 0, width: 256 }), "tile/0/000");
  assert.equal(tilePath({ level: 3, index: 1_234_067, width: 256 }), "tile/3/x001/x234/067");
  assert.equal(tilePath({ level: 1, index: 999, width: 7 }), "tile/1/999.p/7");
  assert.equal(tilePath({ level: 1, index: 1000, width: 7 }), "tile/1/x001/000.p/7");
});

test("the real log of the shared test data verifies whole: every checkpoint, tile and proof between any two sizes", {
  skip: withoutData("tlog"),
}, async () => {
  const key = parseVerifierKey(VKEY, sha256);
  assert.ok(key);
  const roots: Uint8Array[] = [];
  for (let size = 0; size <= 15; size++) {
    const note = parseNote(readFileSync(testData(`tlog/checkpoint.${size}`), "utf8"));
    assert.ok(note);
    assert.equal((await verifyNote(note, [key])).is, "signed", `checkpoint ${size}`);
    const checkpoint = parseCheckpoint(note.text);
    assert.deepEqual(
      [checkpoint?.origin, checkpoint?.size, checkpoint?.at],
      ["example.com/log/testdata", size, null],
    );
    roots.push(checkpoint?.root as Uint8Array);
  }
  assert.equal(
    readFileSync(testData("tlog/checkpoint"), "utf8"),
    readFileSync(testData("tlog/checkpoint.15"), "utf8"),
  );
  const leaves = entriesIn(readFileSync(testData("tlog/tile/entries/000.p/15"))).map((text) =>
    leafHash(text),
  );
  assert.equal(leaves.length, 15);
  for (const width of readdirSync(testData("tlog/tile/0/000.p")).map(Number)) {
    assert.deepEqual(
      readFileSync(testData(`tlog/tile/0/000.p/${width}`)),
      Buffer.concat(leaves.slice(0, width)),
    );
    const read = nodesIn(() => readFileSync(testData(`tlog/tile/0/000.p/${width}`)), nodeHash);
    const root = roots[width] as Uint8Array;
    assert.deepEqual(Buffer.from(rootOf(width, read, nodeHash)), Buffer.from(root));
    for (let index = 0; index < width; index++) {
      const path = inclusionProof(index, width, read, nodeHash);
      const leaf = leaves[index] as Uint8Array;
      assert.deepEqual(rootFromInclusion({ index, size: width, leaf, path }, nodeHash), Buffer.from(root));
    }
    for (let older = 1; older <= width; older++) {
      const proof = consistencyProof(older, width, read, nodeHash);
      const claim = { older, newer: width, olderRoot: roots[older] as Uint8Array, newerRoot: root, proof };
      assert.ok(isConsistent(claim, nodeHash), `${older} to ${width}`);
    }
  }
});

/** An entry bundle of tlog-tiles: each entry after its length, two bytes. */
function entriesIn(bundle: Buffer): string[] {
  const entries: string[] = [];
  for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at))
    entries.push(bundle.toString("utf8", at + 2, at + 2 + bundle.readUInt16BE(at)));
  return entries;
}

test("subtrees are read out of the tiles of every level", () => {
  const leaves = leavesOf(256 * 257 + 3);
  const tiles = tilesOf(leaves);
  assert.equal(tiles.get("2/0")?.length, HASH_BYTES);
  const read = nodesIn((level, index) => tiles.get(`${level}/${index}`) ?? null, nodeHash);
  assert.deepEqual(Buffer.from(rootOf(leaves.length, read, nodeHash)), Buffer.from(mth(leaves)));
  for (const [level, index] of [
    [0, 65_794],
    [3, 1],
    [8, 256],
    [9, 127],
    [16, 0],
  ] as const)
    assert.deepEqual(
      Buffer.from(read(level, index)),
      Buffer.from(mth(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))),
    );
  assert.throws(() => read(0, leaves.length), TileMissing);
  assert.throws(() => read(8, 257), TileMissing);
});

test("between two sizes exactly those tiles are new that the later one has and the earlier had not", () => {
  const names = (size: number) =>
    new Map([...tilesOf(leavesOf(size))].map(([name, { length }]) => [name, length / HASH_BYTES]));
  for (const [older, newer] of [
    [0, 1],
    [0, 600],
    [255, 256],
    [256, 256],
    [255, 513],
    [1, 66_000],
    [65_535, 65_537],
  ] as const) {
    const [before, after] = [names(older), names(newer)];
    const expected = [...after].filter(([name, width]) => before.get(name) !== width);
    const found = [...tilesBetween(older, newer)].map(({ level, index, width }) => [
      `${level}/${index}`,
      width,
    ]);
    assert.deepEqual(found, expected, `${older} to ${newer}`);
  }
});
