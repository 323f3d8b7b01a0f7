// What a node's journal has and its store does not, for those who must know it before it is shipped.
import type { JournalEvent } from "../event/leaf.ts";
import type { DurableMark } from "../journal/durable.ts";
import { realFiles } from "../journal/files.ts";
import { JournalTail } from "../journal/tail.ts";
import type { Position } from "../stores/store.ts";

const BATCH_EVENTS = 1000;

export interface Unshipped {
  readonly journalFolder: string;
  readonly durable: DurableMark;
  /** Where the store is; null: it does not know the node. */
  readonly position: Position | null;
}

/** Durable events beyond the store's position, in order; none when the journal has another history. */
export function* unshippedEvents({ journalFolder, durable, position }: Unshipped): Generator<JournalEvent> {
  const { lsn } = durable;
  const tail = new JournalTail({
    files: realFiles,
    folder: journalFolder,
    durableLsn: () => lsn,
    segments: () => durable.segments,
  });
  try {
    if (tail.seek(position) !== "found") return;
    for (let read = tail.read(BATCH_EVENTS); read !== null; read = tail.read(BATCH_EVENTS))
      yield* read.events;
  } finally {
    tail.close();
  }
}
