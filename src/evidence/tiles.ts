// Tiles in the layout of C2SP tlog-tiles: a tile of level L holds, 32 bytes each, up to 256 hashes of complete
// subtrees of 256^L leaves. The newest tile of a level is partial while its hashes are not all there.
import { HASH_BYTES, type NodeHash, type ReadNode } from "./proofs.ts";

/** Hashes of a full tile. */
export const TILE_WIDTH = 256;
const TILE_LEVELS = 8;

export interface TileName {
  readonly level: number;
  readonly index: number;
  /** Hashes in it, 1 to 256. */
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`, N in groups of three digits, all but the last with an x before it. */
export function tilePath({ level, index, width }: TileName): string {
  let path = String(index % 1000).padStart(3, "0");
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  return `tile/${level}/${path}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** The tiles that a log of `newer` leaves has and that of `older` had not, or not as wide. Lowest level first. */
export function* tilesBetween(older: number, newer: number): Generator<TileName> {
  let [from, to] = [older, newer];
  for (let level = 0; to > 0; level++) {
    for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
      const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH);
      if (width + index * TILE_WIDTH > from) yield { level, index, width };
    }
    [from, to] = [Math.floor(from / TILE_WIDTH), Math.floor(to / TILE_WIDTH)];
  }
}

/** The bytes of the tile at a level and index, as wide as there is one; null when there is none. */
export type ReadTile = (level: number, index: number) => Uint8Array | null;

/** A subtree's hash is not in the tiles. */
export class TileMissing extends Error {
  override readonly name = "TileMissing";
  readonly level: number;
  readonly index: number;

  constructor(level: number, index: number) {
    super(`the tile at level ${level}, index ${index} is missing or too short`);
    this.level = level;
    this.index = index;
  }
}

/** Reads subtrees out of tiles, of which it keeps the last ones. Throws TileMissing. */
export function nodesIn(tiles: ReadTile, hash: NodeHash): ReadNode {
  const recent = new Map<number, { readonly index: number; readonly bytes: Uint8Array }>();
  return (level, index) => {
    const tileLevel = Math.floor(level / TILE_LEVELS);
    const count = 2 ** (level % TILE_LEVELS);
    const first = index * count;
    const tileIndex = Math.floor(first / TILE_WIDTH);
    let tile = recent.get(tileLevel);
    if (tile?.index !== tileIndex) {
      tile = { index: tileIndex, bytes: tiles(tileLevel, tileIndex) ?? new Uint8Array() };
      recent.set(tileLevel, tile);
    }
    const offset = (first % TILE_WIDTH) * HASH_BYTES;
    if (tile.bytes.length < offset + count * HASH_BYTES) throw new TileMissing(tileLevel, tileIndex);
    return foldedHash(tile.bytes.subarray(offset, offset + count * HASH_BYTES), hash);
  };
}

/** The hash over a power of two of neighbouring hashes. */
export function foldedHash(hashes: Uint8Array, hash: NodeHash): Uint8Array {
  if (hashes.length === HASH_BYTES) return hashes;
  const middle = hashes.length / 2;
  return hash(foldedHash(hashes.subarray(0, middle), hash), foldedHash(hashes.subarray(middle), hash));
}
