// A log's tiles on disk, under its slot's folder: `tile/<L>/<N>[.p/<W>]` (evidence/tiles.ts). A tile is written whole under
// its name or not at all: what a checkpoint covers is never written over.
import { dirname, join } from "node:path";
import { nativeCode } from "../event/errors.ts";
import { HASH_BYTES } from "../evidence/proofs.ts";
import { TILE_WIDTH, type TileName, tilePath, tilesBetween } from "../evidence/tiles.ts";
import { type Files, readIfThere, realFiles, replaceFile, unlessMissing } from "./files.ts";

export interface Tile extends TileName {
  /** `width` hashes. */
  readonly hashes: Uint8Array;
}

/** Writes the tile (0600, folders 0700); durable when it returns, but for its name: see syncFolders. */
export function writeTile(files: Files, slotFolder: string, { hashes, ...name }: Tile): void {
  const path = join(slotFolder, tilePath(name));
  const write = () => {
    replaceFile(files, path, hashes);
    return true;
  };
  if (unlessMissing(write) !== null) return;
  files.makeFolder(dirname(path));
  write();
}

/** Makes the names of these tiles durable, those of folders that were new for them included. */
export function syncFolders(files: Files, slotFolder: string, tiles: Iterable<TileName>): void {
  const folders = new Set<string>();
  for (const tile of tiles)
    for (let path = dirname(tilePath(tile)); path !== "."; path = dirname(path)) folders.add(path);
  for (const folder of [...folders, "."]) files.syncFolder(join(slotFolder, folder));
}

/** The first `width` hashes of a tile, from a wider one where that is what is left; null when there is none. */
export function readTile(slotFolder: string, name: TileName, files: Files = realFiles): Uint8Array | null {
  const full = tilePath({ ...name, width: TILE_WIDTH });
  const paths = [tilePath(name), full];
  for (const path of paths) {
    const bytes = readIfThere(files, join(slotFolder, path));
    if (bytes !== null && bytes.length >= name.width * HASH_BYTES)
      return bytes.subarray(0, name.width * HASH_BYTES);
  }
  for (const width of partialWidths(files, join(slotFolder, `${full}.p`))) {
    const isWider = width >= name.width;
    const bytes = isWider ? readIfThere(files, join(slotFolder, tilePath({ ...name, width }))) : null;
    if (bytes !== null && bytes.length >= name.width * HASH_BYTES)
      return bytes.subarray(0, name.width * HASH_BYTES);
  }
  return null;
}

/** As many hashes of a tile as there are; null when there is none. */
export function readWidest(
  slotFolder: string,
  level: number,
  index: number,
  files: Files = realFiles,
): Uint8Array | null {
  const full = tilePath({ level, index, width: TILE_WIDTH });
  const widest = partialWidths(files, join(slotFolder, `${full}.p`)).at(-1);
  return (
    readIfThere(files, join(slotFolder, full)) ??
    (widest === undefined
      ? null
      : readIfThere(files, join(slotFolder, tilePath({ level, index, width: widest }))))
  );
}

/** What a log of `newer` leaves has that one of `older` had not. Throws ENOENT when a tile is missing. */
export function* readTiles(
  slotFolder: string,
  older: number,
  newer: number,
  files: Files = realFiles,
): Generator<Tile> {
  for (const name of tilesBetween(older, newer)) {
    const hashes = readTile(slotFolder, name, files);
    if (hashes === null) throw Object.assign(new Error("a tile is missing"), { code: "ENOENT" });
    yield { ...name, hashes };
  }
}

/** Removes partial tiles that a wider one has replaced. */
export function removeNarrower(files: Files, slotFolder: string, { level, index, width }: TileName): void {
  const folder = join(slotFolder, `${tilePath({ level, index, width: TILE_WIDTH })}.p`);
  for (const narrower of partialWidths(files, folder))
    if (narrower < width) unlessMissing(() => files.remove(join(folder, String(narrower))));
  if (width === TILE_WIDTH) unlessMissing(() => files.removeFolder(folder));
}

function partialWidths(files: Files, folder: string): number[] {
  try {
    return files
      .list(folder)
      .filter((name) => /^\d{1,3}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(nativeCode(error))) return [];
    throw error;
  }
}
