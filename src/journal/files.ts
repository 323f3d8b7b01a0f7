// The file operations that journal and sealer use, all of them, so that tests can put faults and crashes between any
// two. Synchronous: each of them has a thread of its own.
import fs from "node:fs";
import { nativeCode } from "../event/errors.ts";

export interface Files {
  /** Names in a folder, sorted. */
  list(folder: string): string[];
  read(path: string): Buffer;
  openRead(path: string): number;
  size(descriptor: number): number;
  /** The bytes from `offset` on, at most `length`; fewer at the end of the file. They may be in `into`, if it is long enough. */
  readAt(descriptor: number, offset: number, length: number, into?: Buffer): Buffer;
  /** Creates the file (0600); it must not exist. Returns a descriptor open for appending. */
  create(path: string): number;
  /** Opens an existing file for appending. */
  reopen(path: string): number;
  /** Writes all of `data` at the end. May write a part and throw. */
  append(descriptor: number, data: Uint8Array): void;
  /** fdatasync(2). After it has failed, the same file is never synced again. */
  sync(descriptor: number): void;
  close(descriptor: number): void;
  /** Cuts the file to `size` bytes and makes that durable. */
  truncate(path: string, size: number): void;
  remove(path: string): void;
  /** Replaces `to` by `from`, at once. */
  rename(from: string, to: string): void;
  /** Makes names created, renamed or removed in the folder durable. */
  syncFolder(folder: string): void;
  /** Makes the folder (0700), and those above it that are missing. */
  makeFolder(path: string): void;
  /** Removes an empty folder. */
  removeFolder(path: string): void;
  /** When the file was last written, UTC ms. */
  modifiedAt(path: string): number;
}

export const realFiles: Files = {
  list: (folder) => fs.readdirSync(folder).sort(),
  read: (path) => fs.readFileSync(path),
  openRead: (path) => fs.openSync(path, "r"),
  size: (descriptor) => fs.fstatSync(descriptor).size,
  readAt(descriptor, offset, length, into) {
    const bytes = into !== undefined && into.length >= length ? into : Buffer.allocUnsafe(length);
    let done = 0;
    for (let got = 1; got > 0 && done < length; done += got) {
      got = fs.readSync(descriptor, bytes, done, length - done, offset + done);
    }
    return bytes.subarray(0, done);
  },
  create: (path) => fs.openSync(path, "ax", 0o600),
  reopen: (path) => fs.openSync(path, "a"),
  append(descriptor, data) {
    for (let done = 0; done < data.length; ) done += fs.writeSync(descriptor, data, done);
  },
  sync: (descriptor) => fs.fdatasyncSync(descriptor),
  close: (descriptor) => fs.closeSync(descriptor),
  truncate(path, size) {
    const descriptor = fs.openSync(path, "r+");
    try {
      fs.ftruncateSync(descriptor, size);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  },
  remove: (path) => fs.unlinkSync(path),
  rename: (from, to) => fs.renameSync(from, to),
  syncFolder(folder) {
    const descriptor = fs.openSync(folder, "r");
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  },
  makeFolder: (path) => fs.mkdirSync(path, { recursive: true, mode: 0o700 }),
  removeFolder: (path) => fs.rmdirSync(path),
  modifiedAt: (path) => fs.statSync(path).mtimeMs,
};

/** The file's bytes; null when there is none. */
export function readIfThere(files: Files, path: string): Buffer | null {
  return unlessMissing(() => files.read(path));
}

/** What `work` answers with; null when a file or folder that it needs is not there. */
export function unlessMissing<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (nativeCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Puts a new file in the place of the one that is there, if any, at once. Its bytes are durable; its name is not yet. */
export function replaceFile(files: Files, path: string, bytes: Uint8Array): void {
  const fresh = `${path}.new`;
  unlessMissing(() => files.remove(fresh));
  const descriptor = files.create(fresh);
  try {
    files.append(descriptor, bytes);
    files.sync(descriptor);
  } finally {
    files.close(descriptor);
  }
  files.rename(fresh, path);
}
