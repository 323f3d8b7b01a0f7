// Seals a log: takes the leaf hashes of what is durable, writes them as tiles, and signs checkpoints over them. A
// checkpoint is signed only when the tiles, read back from the disk, have the root that the journal committed to and are
// consistent with the last checkpoint; everything that it covers is fsynced before.
//
//   opened at the last checkpoint ──add──► ahead of it ──seal──► sealed
//   anything that throws ends the sealer: the next one begins at the last checkpoint, with leaves from the journal

import { join } from "node:path";
import { originOf, writeCheckpoint } from "../evidence/checkpoint.ts";
import { Frontier, nodeHash } from "../evidence/merkle.ts";
import { consistencyProof, HASH_BYTES, isConsistent, rootOf } from "../evidence/proofs.ts";
import { foldedHash, nodesIn, TILE_WIDTH, type TileName, tilesBetween } from "../evidence/tiles.ts";
import { type Files, realFiles } from "./files.ts";
import { leavesAfter } from "./leaves.ts";
import { readSealed, replaceText, type Sealed } from "./sealed.ts";
import { SealingRefused, SigningKey } from "./signing-key.ts";
import { readTile, removeNarrower, syncFolders, writeTile } from "./tile-files.ts";

export interface SealerOptions {
  readonly slotFolder: string;
  readonly nodeId: string;
  /** Wall clock, UTC ms. */
  readonly now: () => number;
  /** The disk's own unless given. */
  readonly files?: Files;
}

/** The newest tile of a level, while it is not full. */
interface Edge {
  index: number;
  width: number;
  readonly hashes: Buffer;
}

/**
 * A sealer that has the leaves of all that is in the slot's journal, up to `lastSeq`. Throws SealingRefused, or the
 * disk's error.
 */
export function openSealer(
  options: SealerOptions,
  { lastSeq, root }: { readonly lastSeq: number; readonly root: string },
): Sealer {
  const sealer = new Sealer(options);
  if (sealer.size > lastSeq) throw new SealingRefused("rolled_back");
  const folder = join(options.slotFolder, "journal");
  for (const { firstSeq, hashes } of leavesAfter(options.files ?? realFiles, folder, sealer.size, lastSeq)) {
    if (firstSeq > sealer.size + 1) throw new SealingRefused("leaves_missing");
    sealer.add(firstSeq, hashes, "");
  }
  if (sealer.size < lastSeq) throw new SealingRefused("leaves_missing");
  sealer.add(lastSeq + 1, new Uint8Array(), root);
  return sealer;
}

export class Sealer {
  readonly #options: SealerOptions;
  readonly #files: Files;
  readonly key: SigningKey;
  readonly #edges: Edge[] = [];
  #size: number;
  #root: string | null = null;
  #sealed: Sealed | null;
  #handOverSeq: number | null = null;

  /** Goes on from the last checkpoint. Throws SealingRefused, or the disk's error. */
  constructor(options: SealerOptions) {
    this.#options = options;
    this.#files = options.files ?? realFiles;
    this.key = new SigningKey(options.slotFolder, options.nodeId, this.#files);
    this.#sealed = readSealed(options.slotFolder, this.#files);
    this.#size = this.#sealed?.checkpoint.size ?? 0;
    let count = this.#size;
    for (let level = 0; count > 0; level++) {
      const index = Math.floor(count / TILE_WIDTH);
      this.#edges.push(this.#readEdge({ level, index, width: count % TILE_WIDTH }));
      count = index;
    }
  }

  /** Events whose leaves it has. */
  get size(): number {
    return this.#size;
  }

  /** The last checkpoint. */
  get sealed(): Sealed | null {
    return this.#sealed;
  }

  /** Leaf hashes of the events from `firstSeq` on; what is known already is skipped. `root`: of the log after them. */
  add(firstSeq: number, hashes: Uint8Array, root: string): void {
    if (firstSeq > this.#size + 1) throw new RangeError(`leaf ${firstSeq} follows leaf ${this.#size}`);
    const known = this.#size + 1 - firstSeq;
    for (let offset = known * HASH_BYTES; offset < hashes.length; offset += HASH_BYTES) {
      this.#size++;
      this.#push(0, hashes.subarray(offset, offset + HASH_BYTES));
    }
    if (known * HASH_BYTES <= hashes.length) this.#root = root;
  }

  /** The next key takes over as soon as the event at `seq`, which names it, is sealed. */
  handOverAfter(seq: number): void {
    this.#handOverSeq = seq;
  }

  /** Signs a checkpoint of all that was added; durable when it returns. */
  seal(): Sealed {
    const { slotFolder, nodeId, now } = this.#options;
    // Full tiles were written as soon as they were.
    const grown = [...tilesBetween(this.#sealed?.checkpoint.size ?? 0, this.#size)];
    for (const { level, index, width } of grown) {
      const hashes = this.#edges[level]?.hashes.subarray(0, width * HASH_BYTES) ?? new Uint8Array();
      if (width < TILE_WIDTH) writeTile(this.#files, slotFolder, { level, index, width, hashes });
    }
    if (grown.length > 0) syncFolders(this.#files, slotFolder, grown);
    const root = Uint8Array.from(this.#provenRoot());
    const checkpoint = { origin: originOf(nodeId), size: this.#size, root, at: now() };
    const note = this.key.sign(writeCheckpoint(checkpoint));
    replaceText(this.#files, slotFolder, "checkpoint", note);
    this.#sealed = { note, checkpoint };
    for (const tile of grown) removeNarrower(this.#files, slotFolder, tile);
    if (this.#handOverSeq !== null && this.#size >= this.#handOverSeq) {
      this.key.handOver(this.#size);
      this.#handOverSeq = null;
    }
    return this.#sealed;
  }

  /** The root that the tiles on the disk have: the journal's, and consistent with the last checkpoint's. */
  #provenRoot(): Uint8Array {
    const size = this.#size;
    const older = this.#sealed?.checkpoint ?? null;
    if (size === 0) return Buffer.from(new Frontier().root(), "hex");
    const read = nodesIn((level, index) => {
      const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH);
      return readTile(this.#options.slotFolder, { level, index, width }, this.#files);
    }, nodeHash);
    const root = rootOf(size, read, nodeHash);
    const isJournals = this.#root === null || this.#root === Buffer.from(root).toString("hex");
    if (!isJournals) throw new SealingRefused("roots_differ");
    if (older === null || older.size === 0) return root;
    const proof = consistencyProof(older.size, size, read, nodeHash);
    const claim = { older: older.size, newer: size, olderRoot: older.root, newerRoot: root, proof };
    if (!isConsistent(claim, nodeHash)) throw new SealingRefused("rolled_back");
    return root;
  }

  #push(level: number, hash: Uint8Array): void {
    let edge = this.#edges[level];
    if (edge === undefined) {
      edge = { index: 0, width: 0, hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES) };
      this.#edges.push(edge);
    }
    edge.hashes.set(hash, edge.width * HASH_BYTES);
    edge.width++;
    if (edge.width < TILE_WIDTH) return;
    const tile = { level, index: edge.index, width: TILE_WIDTH, hashes: edge.hashes };
    writeTile(this.#files, this.#options.slotFolder, tile);
    const subtree = foldedHash(edge.hashes, nodeHash);
    edge.index++;
    edge.width = 0;
    this.#push(level + 1, subtree);
  }

  #readEdge(name: TileName): Edge {
    const hashes = Buffer.alloc(TILE_WIDTH * HASH_BYTES);
    if (name.width > 0) {
      const bytes = readTile(this.#options.slotFolder, name, this.#files);
      if (bytes === null) throw Object.assign(new Error("a tile is missing"), { code: "ENOENT" });
      hashes.set(bytes);
    }
    return { index: name.index, width: name.width, hashes };
  }
}
