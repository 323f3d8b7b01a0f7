// A slot's journal without its events, for erasure: of a slot whose process is gone.
import { DaybookError, nativeCode } from "../event/errors.ts";
import { realFiles } from "./files.ts";
import { Forgetting } from "./forgetting.ts";
import { Journal } from "./journal.ts";
import { newestCommit } from "./newest.ts";
import { readSealed } from "./sealed.ts";
import { listSegments } from "./segments.ts";
import { type Slot, trySlot } from "./slot.ts";

/** `held`: its process is there; `waiting`: not all of it is sealed, and in the store up to `storedSeq`. */
export function forgetSlot(home: string, number: number, storedSeq: number): "done" | "held" | "waiting" {
  const slot = trySlot(home, number);
  if (slot === null) return "held";
  try {
    return (slot.retired === null ? forget(slot, storedSeq) : forgetRetired(slot, storedSeq))
      ? "done"
      : "waiting";
  } catch (error) {
    // Damaged, or a disk that fails: whoever starts next sees to that.
    if (error instanceof DaybookError || nativeCode(error) !== "TypeError") return "waiting";
    throw error;
  } finally {
    slot.release();
  }
}

function forget({ folder, journalFolder, nodeId }: Slot, storedSeq: number): boolean {
  const journal = Journal.open({ files: realFiles, folder: journalFolder, nodeId, now: Date.now });
  try {
    return new Forgetting(journal).forget({ storedSeq, sealedSeq: readSealed(folder)?.checkpoint.size ?? 0 });
  } finally {
    journal.close();
  }
}

/** A log that has ended is never written again: it goes as a whole. */
function forgetRetired({ journalFolder }: Slot, storedSeq: number): boolean {
  if ((newestCommit(realFiles, journalFolder)?.lastSeq ?? 0) > storedSeq) return false;
  for (const { path } of listSegments(realFiles, journalFolder)) realFiles.remove(path);
  realFiles.syncFolder(journalFolder);
  return true;
}
