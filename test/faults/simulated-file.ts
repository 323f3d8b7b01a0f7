// One file of the simulated disk: what a process reads from it, what is durable, and what lies between.
//
// A change goes: unsynced → durable by a sync, or failed by a sync that failed. What failed stays in the page cache
// as if it were clean (Linux): still read, made durable by no later sync, and on the disk or not as chance has it.
import type { Choices } from "./choices.ts";

/** What a disk writes whole or not at all. */
const SECTOR = 512;
/** A larger write is torn at multiples of sectors, so that it has no more pieces than this. */
const MAX_PIECES = 12;

type Change =
  | { readonly is: "write"; readonly offset: number; readonly data: Buffer }
  | { readonly is: "cut"; readonly size: number };

export class SimulatedFile {
  #seen: Buffer;
  #durable: Buffer;
  #unsynced: Change[] = [];
  #failed: Change[] = [];

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#seen = content;
    this.#durable = content;
  }

  get size(): number {
    return this.#seen.length;
  }

  read(offset = 0, length = this.#seen.length): Buffer {
    return Buffer.from(this.#seen.subarray(offset, offset + length));
  }

  append(data: Uint8Array): void {
    const change: Change = { is: "write", offset: this.#seen.length, data: Buffer.from(data) };
    this.#unsynced.push(change);
    this.#seen = applied(this.#seen, change);
  }

  cut(size: number): void {
    const change: Change = { is: "cut", size };
    this.#unsynced.push(change);
    this.#seen = applied(this.#seen, change);
  }

  sync(): void {
    for (const change of this.#unsynced) {
      this.#durable = applied(this.#durable, change);
      if (change.is === "cut") this.#failed = this.#failed.filter((failed) => endOf(failed) <= change.size);
    }
    this.#unsynced = [];
  }

  failSync(): void {
    this.#failed.push(...this.#unsynced);
    this.#unsynced = [];
  }

  /** The page cache lets go of what failed to be written: it now reads as the disk has it. */
  evictFailed(): void {
    for (const { is, ...change } of this.#failed) {
      if (is === "write" && "offset" in change)
        this.#seen.fill(0, change.offset, change.offset + change.data.length);
    }
  }

  /** What may be on the disk after the power went. */
  afterPowerLoss(choices: Choices): Buffer {
    let content = this.#durable;
    let end = content.length;
    for (const change of [...this.#failed, ...this.#unsynced]) {
      if (change.is === "cut") {
        if (choices.among(2) === 1) content = applied(content, change);
        continue;
      }
      end = Math.max(end, endOf(change));
      const pieces = piecesOf(change.offset, change.data);
      const there = choices.subset(pieces.length);
      pieces.forEach((piece, index) => {
        if ((there & (1 << index)) !== 0) content = applied(content, piece);
      });
    }
    // The length may be written before the bytes: they read as zeros.
    const grown = end > content.length && choices.among(2) === 1;
    return grown ? Buffer.concat([content, Buffer.alloc(end - content.length)]) : content;
  }
}

function endOf(change: Change): number {
  return change.is === "write" ? change.offset + change.data.length : change.size;
}

function applied(content: Buffer, change: Change): Buffer {
  if (change.is === "cut") return Buffer.from(content.subarray(0, change.size));
  const result = Buffer.alloc(Math.max(content.length, endOf(change)));
  content.copy(result);
  change.data.copy(result, change.offset);
  return result;
}

function piecesOf(offset: number, data: Buffer): Change[] {
  const step = SECTOR * Math.ceil(data.length / SECTOR / MAX_PIECES);
  const pieces: Change[] = [];
  for (let at = offset; at < offset + data.length; ) {
    const next = Math.min((Math.floor(at / step) + 1) * step, offset + data.length);
    pieces.push({ is: "write", offset: at, data: data.subarray(at - offset, next - offset) });
    at = next;
  }
  return pieces;
}
