// What a slot's folder says of how far its log is sealed: `checkpoint`, the newest signed note, and `keys`, the chain
// of its public keys. Both are replaced at once, never changed in place.
import { join } from "node:path";
import { type Checkpoint, parseCheckpoint } from "../evidence/checkpoint.ts";
import { parseNote } from "../evidence/note.ts";
import { type Files, readIfThere, realFiles, replaceFile } from "./files.ts";

export interface Sealed {
  /** The signed note. */
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/** The newest checkpoint; null when there is none, or it cannot be read as one. */
export function readSealed(slotFolder: string, files: Files = realFiles): Sealed | null {
  const note = readText(slotFolder, "checkpoint", files);
  const checkpoint = note === null ? null : parseCheckpoint(parseNote(note)?.text ?? "");
  return note === null || checkpoint === null ? null : { note, checkpoint };
}

/** The key chain's text; null when there is none. */
export function readKeys(slotFolder: string, files: Files = realFiles): string | null {
  return readText(slotFolder, "keys", files);
}

/** A file of the slot's folder; null when there is none. */
export function readText(slotFolder: string, name: string, files: Files = realFiles): string | null {
  return readIfThere(files, join(slotFolder, name))?.toString() ?? null;
}

/** Replaces a file of the slot's folder (0600); durable when it returns. */
export function replaceText(files: Files, slotFolder: string, name: string, text: string): void {
  replaceFile(files, join(slotFolder, name), Buffer.from(text));
  files.syncFolder(slotFolder);
}
