// RFC 6962 proofs: made from the hashes of complete subtrees, and checked. Sizes and indexes go up to 2^53 − 1, so
// nothing here uses bit operations.
import { sameBytes } from "./bytes.ts";
import type { Sha256 } from "./note.ts";

export const HASH_BYTES = 32;

/** SHA-256(0x01 ‖ left ‖ right). */
export type NodeHash = (left: Uint8Array, right: Uint8Array) => Uint8Array;

/** With the SHA-256 that is at hand. It uses one buffer again and again. */
export function nodeHashOf(sha256: Sha256): NodeHash {
  const buffer = new Uint8Array(1 + 2 * HASH_BYTES);
  buffer[0] = 1;
  return (left, right) => {
    buffer.set(left, 1);
    buffer.set(right, 1 + HASH_BYTES);
    return sha256(buffer);
  };
}

/** The hash over the 2^level leaves from index × 2^level on, all of which are there. */
export type ReadNode = (level: number, index: number) => Uint8Array;

/** MTH of the leaves from `first` up to, not including, `end`; there is at least one. */
function rangeHash(first: number, end: number, read: ReadNode, hash: NodeHash): Uint8Array {
  const size = end - first;
  const split = largestPowerBelow(size);
  if (split * 2 === size || size === 1) return read(Math.log2(size), first / size);
  return hash(rangeHash(first, first + split, read, hash), rangeHash(first + split, end, read, hash));
}

/** The root of a log of `size` leaves, at least one. */
export function rootOf(size: number, read: ReadNode, hash: NodeHash): Uint8Array {
  return rangeHash(0, size, read, hash);
}

/** PATH(index, D[size]), RFC 6962 section 2.1.1: the leaf's sibling first. `index` counts from 0. */
export function inclusionProof(index: number, size: number, read: ReadNode, hash: NodeHash): Uint8Array[] {
  if (index < 0 || index >= size) throw new RangeError("a log has no leaf there");
  const path: Uint8Array[] = [];
  let [first, end] = [0, size];
  while (end - first > 1) {
    const middle = first + largestPowerBelow(end - first);
    if (index < middle) {
      path.push(rangeHash(middle, end, read, hash));
      end = middle;
    } else {
      path.push(rangeHash(first, middle, read, hash));
      first = middle;
    }
  }
  return path.reverse();
}

/** PROOF(older, D[newer]), RFC 6962 section 2.1.2. Between a log and itself it is empty. */
export function consistencyProof(older: number, newer: number, read: ReadNode, hash: NodeHash): Uint8Array[] {
  if (older < 1 || older > newer) throw new RangeError("a log is consistent with a later size of itself");
  const proof: Uint8Array[] = [];
  let [first, end] = [0, newer];
  while (older < end) {
    const middle = first + largestPowerBelow(end - first);
    if (older <= middle) {
      proof.push(rangeHash(middle, end, read, hash));
      end = middle;
    } else {
      proof.push(rangeHash(first, middle, read, hash));
      first = middle;
    }
  }
  if (first > 0) proof.push(rangeHash(first, end, read, hash));
  return proof.reverse();
}

/** The root that the proof leads to from a leaf's hash; null when it has not the form for this index and size. */
export function rootFromInclusion(
  { index, size, leaf, path }: { index: number; size: number; leaf: Uint8Array; path: readonly Uint8Array[] },
  hash: NodeHash,
): Uint8Array | null {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return null;
  if ([leaf, ...path].some(({ length }) => length !== HASH_BYTES)) return null;
  // RFC 9162 section 2.1.3.2.
  let [node, last, root] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      root = hash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else root = hash(root, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : null;
}

export interface Consistency {
  readonly older: number;
  readonly newer: number;
  readonly olderRoot: Uint8Array;
  readonly newerRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whether the proof shows that the log of `newer` leaves goes on from the one of `older`. */
export function isConsistent(
  { older, newer, olderRoot, newerRoot, proof }: Consistency,
  hash: NodeHash,
): boolean {
  if (!Number.isSafeInteger(older) || !Number.isSafeInteger(newer) || older > newer) return false;
  // An empty log is consistent with every other: there is nothing to prove, so no proof shows it.
  if (older < 1) return false;
  if (older === newer) return proof.length === 0 && sameBytes(olderRoot, newerRoot);
  // RFC 9162 section 2.1.4.2.
  const hashes = isPowerOfTwo(older) ? [olderRoot, ...proof] : [...proof];
  const [seed, ...rest] = hashes;
  if (seed === undefined || proof.length === 0) return false;
  let [node, last, oldRoot, newRoot] = [older - 1, newer - 1, seed, seed];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      oldRoot = hash(sibling, oldRoot);
      newRoot = hash(sibling, newRoot);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else newRoot = hash(newRoot, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && sameBytes(oldRoot, olderRoot) && sameBytes(newRoot, newerRoot);
}

const half = (value: number) => Math.floor(value / 2);

function isPowerOfTwo(value: number): boolean {
  return largestPowerBelow(value) * 2 === value || value === 1;
}

/** The largest power of two smaller than `size`; 1 for a size of 1 or 2. */
function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}
