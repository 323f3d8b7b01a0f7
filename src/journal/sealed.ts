// What a slot's folder says of how far its log is sealed: `checkpoint`, the newest signed note, and `keys`, the chain
// of its public keys. Both are replaced at once, never changed in place.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { nativeCode } from "../event/errors.ts";
import { type Checkpoint, parseCheckpoint } from "../evidence/checkpoint.ts";
import { parseNote } from "../evidence/note.ts";

export interface Sealed {
  /** The signed note. */
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/** The newest checkpoint; null when there is none, or it cannot be read as one. */
export function readSealed(slotFolder: string): Sealed | null {
  const note = readText(join(slotFolder, "checkpoint"));
  const checkpoint = note === null ? null : parseCheckpoint(parseNote(note)?.text ?? "");
  return note === null || checkpoint === null ? null : { note, checkpoint };
}

/** The key chain's text; null when there is none. */
export function readKeys(slotFolder: string): string | null {
  return readText(join(slotFolder, "keys"));
}

/** Replaces a file of the slot's folder (0600); durable when it returns. */
export function replaceFile(slotFolder: string, name: string, text: string): void {
  const path = join(slotFolder, name);
  const descriptor = openSync(`${path}.new`, "w", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.new`, path);
  syncFolder(slotFolder);
}

export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (nativeCode(error) === "ENOENT") return null;
    throw error;
  }
}
