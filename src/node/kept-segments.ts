// Which segments of a journal stay although the store has them.
import type { Kind } from "../event/fields.ts";
import type { JournalLimits } from "../journal/journal-client.ts";

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;
/** So many bytes stay, so that a store that was restored can be filled again. */
const KEPT_BYTES = 256 * MIB;

/** What a node is told of its journal and of how long events are kept. */
export interface KeepingOptions {
  readonly journal: { readonly maxMb: number; readonly reserveMb: number };
  readonly audit: { readonly retentionDays: Readonly<Record<Kind, number>> };
}

export function limitsOf({ journal: { maxMb, reserveMb } }: KeepingOptions): JournalLimits {
  return { maxBytes: maxMb * MIB, reserveBytes: reserveMb * MIB };
}

/** Newest bytes that stay, and for how long at most: no segment outlives the retention of an event in it. */
export function keptSegments({ journal, audit }: KeepingOptions): { keepBytes: number; keepMs: number } {
  return {
    keepBytes: Math.min(KEPT_BYTES, (journal.maxMb * MIB) / 4),
    keepMs: Math.min(...Object.values(audit.retentionDays)) * DAY_MS,
  };
}
