// RFC 6962 Merkle tree hashing, and the frontier of a growing log: the roots of the full subtrees that its leaves
// fill, from which the root of the whole follows. Appending is amortised two hashes a leaf.
import { hash } from "node:crypto";

const HASH_BYTES = 32;

/** SHA-256(0x00 ‖ leaf), RFC 6962 section 2.1. */
export function leafHash(leaf: string): Buffer {
  return sha256(`\0${leaf}`);
}

/** SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const node = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  node[0] = 1;
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

/** By way of a string: asked for a Buffer, Node takes more than twice as long (0.34 and 0.86 µs for a node). */
function sha256(data: string | Buffer): Buffer {
  return Buffer.from(hash("sha256", data, "binary"), "binary");
}

const EMPTY_ROOT = hash("sha256", "", "hex");

/** A log's size and the hashes of its full subtrees, largest first. */
export class Frontier {
  #size: number;
  readonly #hashes: Buffer[];

  /** Throws when the number of hashes does not fit the size (one for each 1 bit). */
  constructor(size = 0, hashes: readonly string[] = []) {
    if (hashes.length !== ones(size))
      throw new RangeError("a frontier has one hash for each 1 bit of its size");
    this.#size = size;
    this.#hashes = hashes.map((hex) => Buffer.from(hex, "hex"));
  }

  /** Another one with the same leaves. */
  copy(): Frontier {
    const copy = new Frontier();
    copy.#size = this.#size;
    copy.#hashes.push(...this.#hashes);
    return copy;
  }

  get size(): number {
    return this.#size;
  }

  /** Lowercase hex, largest subtree first. */
  get hashes(): string[] {
    return this.#hashes.map((value) => value.toString("hex"));
  }

  append(leaf: Buffer): void {
    let node = leaf;
    for (let bit = this.#size; bit % 2 === 1; bit = Math.floor(bit / 2))
      node = nodeHash(this.#hashes.pop() ?? node, node);
    this.#hashes.push(node);
    this.#size++;
  }

  /** Root of the log (RFC 6962 MTH), lowercase hex. */
  root(): string {
    let root: Buffer | undefined;
    for (let index = this.#hashes.length - 1; index >= 0; index--) {
      const left = this.#hashes[index];
      if (left !== undefined) root = root === undefined ? left : nodeHash(left, root);
    }
    return root?.toString("hex") ?? EMPTY_ROOT;
  }
}

function ones(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
