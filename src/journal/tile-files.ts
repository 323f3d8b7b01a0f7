// A log's tiles on disk, under its slot's folder: `tile/<L>/<N>[.p/<W>]` (evidence/tiles.ts).
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { nativeCode } from "../event/errors.ts";
import { HASH_BYTES } from "../evidence/proofs.ts";
import { TILE_WIDTH, type TileName, tilePath, tilesBetween } from "../evidence/tiles.ts";

export interface Tile extends TileName {
  /** `width` hashes. */
  readonly hashes: Uint8Array;
}

/** Writes the tile (0600, folders 0700); durable when it returns, but for its name: see syncFolders. */
export function writeTile(slotFolder: string, { hashes, ...name }: Tile): void {
  const path = join(slotFolder, tilePath(name));
  const descriptor = openMaking(path);
  try {
    for (let done = 0; done < hashes.length; ) done += writeSync(descriptor, hashes, done);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openMaking(path: string): number {
  try {
    return openSync(path, "w", 0o600);
  } catch (error) {
    if (nativeCode(error) !== "ENOENT") throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, "w", 0o600);
  }
}

/** Makes the names of these tiles durable, those of folders that were new for them included. */
export function syncFolders(slotFolder: string, tiles: Iterable<TileName>): void {
  const folders = new Set<string>();
  for (const tile of tiles)
    for (let path = dirname(tilePath(tile)); path !== "."; path = dirname(path)) folders.add(path);
  for (const folder of [...folders, "."]) {
    const descriptor = openSync(join(slotFolder, folder), "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** The first `width` hashes of a tile, from a wider one where that is what is left; null when there is none. */
export function readTile(slotFolder: string, name: TileName): Uint8Array | null {
  const full = tilePath({ ...name, width: TILE_WIDTH });
  const paths = [tilePath(name), full];
  for (const path of paths) {
    const bytes = readIfThere(join(slotFolder, path));
    if (bytes !== null && bytes.length >= name.width * HASH_BYTES)
      return bytes.subarray(0, name.width * HASH_BYTES);
  }
  for (const width of partialWidths(join(slotFolder, `${full}.p`))) {
    const bytes = width < name.width ? null : readIfThere(join(slotFolder, tilePath({ ...name, width })));
    if (bytes !== null && bytes.length >= name.width * HASH_BYTES)
      return bytes.subarray(0, name.width * HASH_BYTES);
  }
  return null;
}

/** As many hashes of a tile as there are; null when there is none. */
export function readWidest(slotFolder: string, level: number, index: number): Uint8Array | null {
  const widest = partialWidths(join(slotFolder, `${tilePath({ level, index, width: TILE_WIDTH })}.p`)).at(-1);
  return (
    readIfThere(join(slotFolder, tilePath({ level, index, width: TILE_WIDTH }))) ??
    (widest === undefined ? null : readIfThere(join(slotFolder, tilePath({ level, index, width: widest }))))
  );
}

/** What a log of `newer` leaves has that one of `older` had not. Throws ENOENT when a tile is missing. */
export function* readTiles(slotFolder: string, older: number, newer: number): Generator<Tile> {
  for (const name of tilesBetween(older, newer)) {
    const hashes = readTile(slotFolder, name);
    if (hashes === null) throw Object.assign(new Error("a tile is missing"), { code: "ENOENT" });
    yield { ...name, hashes };
  }
}

/** Removes partial tiles that a wider one has replaced. */
export function removeNarrower(slotFolder: string, { level, index, width }: TileName): void {
  const folder = join(slotFolder, `${tilePath({ level, index, width: TILE_WIDTH })}.p`);
  if (width === TILE_WIDTH) rmSync(folder, { recursive: true, force: true });
  else
    for (const narrower of partialWidths(folder))
      if (narrower < width) rmSync(join(folder, String(narrower)), { force: true });
}

function partialWidths(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d{1,3}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(nativeCode(error))) return [];
    throw error;
  }
}

function readIfThere(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (nativeCode(error) === "ENOENT") return null;
    throw error;
  }
}
