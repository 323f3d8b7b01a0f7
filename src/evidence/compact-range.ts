// The hashes of the full subtrees of a growing log, largest first: all that its root needs.
import type { NodeHash } from "./proofs.ts";

export class CompactRange {
  readonly #hash: NodeHash;
  readonly #hashes: Uint8Array[] = [];
  #size = 0;

  constructor(hash: NodeHash) {
    this.#hash = hash;
  }

  get size(): number {
    return this.#size;
  }

  /** Calls `onSubtree` with each subtree that is full now: its level, its index among those of the level, its hash. */
  append(leaf: Uint8Array, onSubtree?: (level: number, index: number, hash: Uint8Array) => void): void {
    let [node, level] = [leaf, 0];
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      node = this.#hash(this.#hashes.pop() ?? node, node);
      level++;
      onSubtree?.(level, (rest - 1) / 2, node);
    }
    this.#hashes.push(node);
    this.#size++;
  }

  /** Null for an empty log. */
  root(): Uint8Array | null {
    return this.#hashes.reduceRight<Uint8Array | null>(
      (root, hash) => (root === null ? hash : this.#hash(hash, root)),
      null,
    );
  }
}
