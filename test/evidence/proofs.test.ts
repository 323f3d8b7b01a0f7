import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nodeHash } from "../../src/evidence/merkle.ts";
import {
  consistencyProof,
  inclusionProof,
  isConsistent,
  rootFromInclusion,
  rootOf,
} from "../../src/evidence/proofs.ts";
import { testData, withoutData } from "../support/data.ts";
import { leavesOf, mth, nodesOf } from "./tree.ts";

interface Vector {
  readonly desc: string;
  readonly wantErr: boolean;
  readonly proof: readonly string[] | null;
}
type InclusionVector = Vector & { leafIdx: number; treeSize: number; root: string; leafHash: string };
type ConsistencyVector = Vector & { size1: number; size2: number; root1: string; root2: string };

function vectors<V extends Vector>(kind: string): V[] {
  const folder = testData(`merkle/${kind}`);
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as V);
}

const bytesOf = (text: string | null) => Buffer.from(text ?? "", "base64");
const hashesOf = (proof: Vector["proof"]) => (proof ?? []).map(bytesOf);

test("every published inclusion vector is judged right", { skip: withoutData("merkle") }, () => {
  const cases = vectors<InclusionVector>("inclusion");
  for (const { leafIdx, treeSize, root, leafHash, proof, desc, wantErr } of cases) {
    const claim = { index: leafIdx, size: treeSize, leaf: bytesOf(leafHash), path: hashesOf(proof) };
    const holds = rootFromInclusion(claim, nodeHash);
    assert.equal(holds !== null && bytesOf(root).equals(holds), !wantErr, desc);
  }
  assert.ok(cases.length >= 90, `${cases.length} vectors were judged`);
});

test("every published consistency vector is judged right", { skip: withoutData("merkle") }, () => {
  const cases = vectors<ConsistencyVector>("consistency");
  for (const { size1, size2, root1, root2, proof, desc, wantErr } of cases) {
    const claim = {
      older: size1,
      newer: size2,
      olderRoot: bytesOf(root1),
      newerRoot: bytesOf(root2),
      proof: hashesOf(proof),
    };
    assert.equal(isConsistent(claim, nodeHash), !wantErr, desc);
  }
  assert.ok(cases.length >= 90, `${cases.length} vectors were judged`);
});

/** The proof with one bit of each hash changed in turn, one hash too few, and one too many. */
function* spoiled(proof: readonly Uint8Array[]): Generator<Uint8Array[]> {
  for (const [index, hash] of proof.entries()) {
    const changed = Uint8Array.from(hash);
    changed[index % 32] = (changed[index % 32] ?? 0) ^ 1;
    yield proof.with(index, changed);
  }
  if (proof.length > 0) yield proof.slice(1);
  yield [...proof, new Uint8Array(32)];
}

test("logs of up to 64 leaves prove every leaf and every earlier size, and no spoiled proof holds", () => {
  const all = leavesOf(64);
  let checked = 0;
  for (let size = 1; size <= all.length; size++) {
    const leaves = all.slice(0, size);
    const [read, root] = [nodesOf(leaves), mth(leaves)];
    assert.deepEqual(Buffer.from(rootOf(size, read, nodeHash)), Buffer.from(root));
    for (const [index, leaf] of leaves.entries()) {
      const path = inclusionProof(index, size, read, nodeHash);
      const leadsTo = (tried: readonly Uint8Array[]) =>
        Buffer.from(root).equals(
          rootFromInclusion({ index, size, leaf, path: tried }, nodeHash) ?? Buffer.of(),
        );
      assert.ok(leadsTo(path), `leaf ${index} of ${size}`);
      for (const wrong of spoiled(path))
        assert.ok(!leadsTo(wrong), `a spoiled path of leaf ${index} of ${size}`);
      checked++;
    }
    for (let older = 1; older <= size; older++) {
      const proof = consistencyProof(older, size, read, nodeHash);
      const claim = { older, newer: size, olderRoot: mth(leaves.slice(0, older)), newerRoot: root };
      assert.ok(isConsistent({ ...claim, proof }, nodeHash), `${older} to ${size}`);
      for (const wrong of spoiled(proof))
        assert.ok(!isConsistent({ ...claim, proof: wrong }, nodeHash), `spoiled, ${older} to ${size}`);
      checked++;
    }
  }
  assert.equal(checked, 64 * 65);
});

test("there is no proof of what is not in the log", () => {
  const read = nodesOf(leavesOf(4));
  assert.throws(() => inclusionProof(4, 4, read, nodeHash), RangeError);
  assert.throws(() => consistencyProof(5, 4, read, nodeHash), RangeError);
  assert.throws(() => consistencyProof(0, 4, read, nodeHash), RangeError);
  const huge = { index: 2 ** 53, size: 2 ** 53, leaf: new Uint8Array(32), path: [] };
  assert.equal(rootFromInclusion(huge, nodeHash), null);
});
