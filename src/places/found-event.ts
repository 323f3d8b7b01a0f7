// An event as it is verified, from what a store or a journal has of it.
import { COLUMN } from "../event/fields.ts";
import { isErased, type JournalEvent } from "../event/leaf.ts";
import { parsePruned } from "../event/pruned.ts";
import { leafOf } from "../evidence/leaves.ts";
import type { FoundEvent } from "../evidence/verify.ts";

/** Times of recording, UTC ms, both included; events outside are not looked at. */
export interface TimeRange {
  readonly since: number;
  readonly until: number;
}

/** Whatever time an event says: also one that no event can have. */
export const ALL_TIME: TimeRange = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

export function foundEvent(event: JournalEvent, { since, until }: TimeRange): FoundEvent {
  const { row } = event;
  const recordedAt = Number(row[COLUMN.recorded_at]);
  const isOutside = recordedAt < since || recordedAt > until;
  const isPruned = row[COLUMN.action] === "pruned" && row[COLUMN.kind] === "system";
  const metadata = row[COLUMN.metadata];
  return {
    nodeId: String(row[COLUMN.node_id]),
    seq: Number(row[COLUMN.seq]),
    // Where something is missing, and why, is looked at whatever the time.
    leaf: isPruned || !isOutside ? leafOf(event) : null,
    isErased: isErased(event),
    pruned: isPruned && typeof metadata === "string" ? parsePruned(metadata) : null,
  };
}
