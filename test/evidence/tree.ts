// Logs made of plain leaves, in memory.
import { leafHash, nodeHash } from "../../src/evidence/merkle.ts";
import { HASH_BYTES, type ReadNode } from "../../src/evidence/proofs.ts";
import { foldedHash, TILE_WIDTH } from "../../src/evidence/tiles.ts";

export function leavesOf(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => leafHash(`leaf ${index}`));
}

/** RFC 6962 section 2.1, as it is written there. */
export function mth(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

export function nodesOf(leaves: readonly Uint8Array[]): ReadNode {
  return (level, index) => mth(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
}

/** All tiles of a log, by level and index. */
export function tilesOf(leaves: readonly Uint8Array[]): Map<string, Uint8Array> {
  const tiles = new Map<string, Uint8Array>();
  let hashes: readonly Uint8Array[] = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    const next: Uint8Array[] = [];
    for (let index = 0; index * TILE_WIDTH < hashes.length; index++) {
      const tile = Buffer.concat(hashes.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH));
      tiles.set(`${level}/${index}`, tile);
      if (tile.length === TILE_WIDTH * HASH_BYTES) next.push(foldedHash(tile, nodeHash));
    }
    hashes = next;
  }
  return tiles;
}
