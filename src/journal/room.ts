// How much disk the journal may use. A reserve file keeps room for what must be recorded even when the disk, or
// the journal's own limit, is full: gaps, admin changes, pruning. It is given up when such a record needs it, and
// nothing else is recorded again until there is room enough to have it back.
import { nativeCode } from "../event/errors.ts";
import type { Files } from "./files.ts";

export interface RoomOptions {
  readonly files: Files;
  /** The reserve file, and the folder that it is in. */
  readonly path: string;
  readonly folder: string;
  readonly reserveBytes: number;
  /** Of all segments together; critical records may pass it by `reserveBytes`. */
  readonly maxBytes: number;
}

/** The journal's own limit, as if the disk were full. */
export class JournalFull extends Error {
  override readonly name = "JournalFull";
  readonly code = "JOURNAL_FULL";
}

const CHUNK = Buffer.alloc(1 << 20);

export class Room {
  readonly #options: RoomOptions;
  #reserved: boolean;

  /** Makes the reserve when it is not there; a disk that is full already leaves it away. */
  constructor(options: RoomOptions) {
    this.#options = options;
    this.#reserved = options.reserveBytes === 0 || this.#isThere();
    if (!this.#reserved) this.#take();
  }

  /** Whether anything but critical records may be written. */
  get hasReserve(): boolean {
    return this.#reserved;
  }

  /** Throws when `bytes` more than `used` are too many, or when there is no room for what is not critical. */
  admit(used: number, bytes: number, critical: boolean): void {
    const { maxBytes, reserveBytes } = this.#options;
    if (used + bytes > maxBytes + (critical ? reserveBytes : 0)) throw new JournalFull("the journal is full");
    if (critical || this.#reserved) return;
    if (!this.#take()) throw new JournalFull("the disk is full");
  }

  /** Gives the reserve up; false when it is given up already. */
  release(): boolean {
    const { files, path, folder, reserveBytes } = this.#options;
    if (!this.#reserved || reserveBytes === 0) return false;
    this.#reserved = false;
    files.remove(path);
    files.syncFolder(folder);
    return true;
  }

  #take(): boolean {
    const { files, path, folder, reserveBytes } = this.#options;
    let descriptor: number | null = null;
    try {
      if (this.#isThere(0)) files.remove(path);
      descriptor = files.create(path);
      for (let left = reserveBytes; left > 0; left -= CHUNK.length)
        files.append(descriptor, CHUNK.subarray(0, left));
      files.sync(descriptor);
      files.close(descriptor);
      files.syncFolder(folder);
      this.#reserved = true;
    } catch (error) {
      if (descriptor !== null) {
        files.close(descriptor);
        files.remove(path);
      }
      if (!isFull(error)) throw error;
    }
    return this.#reserved;
  }

  #isThere(least = this.#options.reserveBytes): boolean {
    const { files, path, folder } = this.#options;
    if (!files.list(folder).some((name) => path.endsWith(`/${name}`))) return false;
    const descriptor = files.openRead(path);
    const size = files.size(descriptor);
    files.close(descriptor);
    return size >= least;
  }
}

/** Whether an error says that there is no room. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG", "JOURNAL_FULL"].includes(nativeCode(error));
}
