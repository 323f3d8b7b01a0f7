// Moves what a node's sealer has written, tiles, checkpoints and public keys, into the store: a checkpoint when the
// events that it covers are there, and in one transaction with the last of its tiles.
import { nativeCode } from "../event/errors.ts";
import { type Files, realFiles } from "../journal/files.ts";
import { readKeys, readSealed, type Sealed } from "../journal/sealed.ts";
import { readTiles } from "../journal/tile-files.ts";
import type { Store, StoredTile } from "../stores/store.ts";

/** Tiles of one transaction: 2 MiB. */
const BATCH_TILES = 256;

export class SealShipper {
  readonly #store: Store;
  readonly #nodeId: string;
  readonly #slotFolder: string;
  readonly #files: Files;
  /** Size of the log at the store's newest checkpoint; null: not asked yet. */
  #size: number | null = null;
  #note = "";

  constructor(store: Store, nodeId: string, slotFolder: string, files: Files = realFiles) {
    this.#store = store;
    this.#nodeId = nodeId;
    this.#slotFolder = slotFolder;
    this.#files = files;
  }

  /** Ships the newest checkpoint where the store has its events; rejects when the store fails. True: `seq` is sealed. */
  async ship(seq: number): Promise<boolean> {
    const size = this.#size ?? (await this.#sizeInStore());
    this.#size = size;
    const sealed = this.#readSealed();
    if (sealed === null || sealed.checkpoint.size > seq || sealed.checkpoint.size < size) return size >= seq;
    if (sealed.note !== this.#note) await this.#shipAll(size, sealed);
    return sealed.checkpoint.size >= seq;
  }

  async #shipAll(from: number, { note, checkpoint: { size, at } }: Sealed): Promise<void> {
    const nodeId = this.#nodeId;
    let tiles: StoredTile[] = [];
    try {
      for (const tile of readTiles(this.#slotFolder, from, size, this.#files)) {
        if (tiles.length === BATCH_TILES) {
          await this.#store.seal({ nodeId, tiles, checkpoint: null, keys: null });
          tiles = [];
        }
        tiles.push(tile);
      }
    } catch (error) {
      // The sealer has gone on meanwhile and taken a partial tile away: its newer checkpoint comes next.
      if (nativeCode(error) === "ENOENT") return;
      throw error;
    }
    const keys = readKeys(this.#slotFolder, this.#files);
    await this.#store.seal({ nodeId, tiles, checkpoint: { size, at: at ?? 0, note }, keys });
    this.#size = size;
    this.#note = note;
  }

  async #sizeInStore(): Promise<number> {
    const logs = await this.#store.seals();
    return logs.find(({ nodeId }) => nodeId === this.#nodeId)?.checkpoints.at(-1)?.size ?? 0;
  }

  #readSealed(): Sealed | null {
    try {
      return readSealed(this.#slotFolder, this.#files);
    } catch {
      // Events go on without; the sealer says what is wrong with its folder.
      return null;
    }
  }
}
