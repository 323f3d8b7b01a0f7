// This process's node: its slot, and the journal in it. A log that has ended for good, because it was damaged or is
// older than what was shipped of it, is left as it is; the next slot's log goes on from it and says so.

import { DaybookError } from "../event/errors.ts";
import { realFiles } from "../journal/files.ts";
import { JournalClient, type JournalLimits } from "../journal/journal-client.ts";
import { newestCommit } from "../journal/newest.ts";
import { readSealed } from "../journal/sealed.ts";
import { type RetiredBecause, type Slot, takeSlot } from "../journal/slot.ts";
import { withDeadline } from "../recorder/handle.ts";
import { storePositions } from "./store-positions.ts";

export interface Node {
  readonly slot: Slot;
  readonly journal: JournalClient;
  /** Logs that ended at this start, and why. */
  readonly ended: readonly { readonly nodeId: string; readonly because: RetiredBecause }[];
}

/** A start waits no longer for a store that is far away. */
const ASK_MS = 2000;

/** Takes a slot and recovers its journal. */
export async function openNode(home: string, store: string, limits: JournalLimits): Promise<Node> {
  const ended: { nodeId: string; because: RetiredBecause }[] = [];
  for (let slot = takeSlot(home); ; slot = takeSlot(home, slot.nodeId)) {
    const because = await reasonToEnd(slot, store);
    if (because === null) {
      const journal = await openJournal(slot, limits);
      if (journal !== null) return { slot, journal, ended };
    }
    ended.push({ nodeId: slot.nodeId, because: because ?? "damaged" });
    slot.retire(because ?? "damaged");
    slot.release();
  }
}

/** Null: the journal is damaged. */
async function openJournal(slot: Slot, limits: JournalLimits): Promise<JournalClient | null> {
  try {
    return await JournalClient.open(slot, limits);
  } catch (error) {
    if (error instanceof DaybookError && error.code === "journal_corrupt") return null;
    slot.release();
    throw error;
  }
}

/** A journal that is older than what was signed or shipped of it: it was restored from a backup, or cut. */
async function reasonToEnd(
  { nodeId, folder, journalFolder }: Slot,
  address: string,
): Promise<RetiredBecause | null> {
  const sealed = readSealed(folder)?.checkpoint.size ?? 0;
  const shipped = await shippedSeq(nodeId, address);
  if (shipped === 0 && sealed === 0) return null;
  const lastSeq = newestCommit(realFiles, journalFolder)?.lastSeq ?? 0;
  if (shipped > lastSeq) return "older_than_store";
  return sealed > lastSeq ? "older_than_checkpoint" : null;
}

/** 0 when the store does not know the node, is not there yet, or cannot be asked: the shipper will find out. */
async function shippedSeq(nodeId: string, address: string): Promise<number> {
  const asked = storePositions(address).catch(() => []);
  const positions = await withDeadline(asked, ASK_MS, []);
  return positions.find((position) => position.nodeId === nodeId)?.seq ?? 0;
}
