// What the recorder hands to the journal, and what it hears back.
import { COLUMN, type Row } from "../event/fields.ts";
import type { Told } from "./records.ts";

/** What the recorder hands over. Rows lack the journal's own cells. */
export type JournalEntry =
  | readonly [is: "begin", row: Row]
  | readonly [is: "finish", row: Row, about?: FinishAbout]
  | readonly [is: "abandon", eventId: string];

/** What a finish settles beside its event: an outbox row, or drops that it tells of (totals since the node began). */
export interface FinishAbout {
  readonly outboxId?: number;
  readonly told?: Told;
}

/** A finish that was durable before the thread that wrote it was lost. */
export interface Settled {
  readonly eventId: string;
  readonly seq: number;
  readonly recordedAt: number;
}

export interface CommitResult {
  readonly firstSeq: number;
  /** Finished events of the entries, in their order, as recorded. */
  readonly finished: number;
  readonly recordedAt: number;
  readonly lastLsn: number;
  /** Events of the journal's own, before those of the entries. */
  readonly own: number;
}

/** The event that an entry is about. */
export function eventIdOf(entry: JournalEntry): string {
  return entry[0] === "abandon" ? entry[1] : String(entry[1][COLUMN.event_id]);
}

/** The events that `entries` end, for the begins among them: whatever ends with its begin was never open. */
export function endedIn(entries: readonly JournalEntry[]): ReadonlySet<string> {
  const ended = new Set<string>();
  if (!entries.some(([is]) => is === "begin")) return ended;
  for (const entry of entries) if (entry[0] !== "begin") ended.add(eventIdOf(entry));
  return ended;
}
