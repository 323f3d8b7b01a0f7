import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Frontier, leafHash, nodeHash } from "../../src/evidence/merkle.ts";

/** RFC 6962 section 2.1, as it is written there. */
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash("sha256").digest();
  if (leaves.length === 1) return leaves[0] as Buffer;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

test("the root of every size up to 130 is RFC 6962's, and a frontier can be taken up at any size", () => {
  const leaves: Buffer[] = [];
  let frontier = new Frontier();
  assert.equal(frontier.root(), mth(leaves).toString("hex"));
  for (let size = 1; size <= 130; size++) {
    const leaf = leafHash(`leaf ${size}`);
    leaves.push(leaf);
    frontier.append(leaf);
    assert.equal(frontier.root(), mth(leaves).toString("hex"), `size ${size}`);
    frontier = new Frontier(frontier.size, frontier.hashes);
  }
});

test("RFC 6962's hash of the empty leaf and of two known leaves", () => {
  assert.equal(
    leafHash("").toString("hex"),
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  );
  const root = nodeHash(leafHash(""), leafHash("\0")).toString("hex");
  assert.equal(root, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
});

test("a frontier whose hashes do not fit its size is refused", () => {
  assert.throws(() => new Frontier(3, ["00"]), RangeError);
});
