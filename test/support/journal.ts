// A journal in a temporary folder, with a clock and disk that tests control.
import { readdirSync } from "node:fs";
import { COLUMN } from "../../src/event/fields.ts";
import type { JournalEvent } from "../../src/event/leaf.ts";
import { type Files, realFiles } from "../../src/journal/files.ts";
import { Journal, type JournalOptions } from "../../src/journal/journal.ts";
import type { Commit } from "../../src/journal/records.ts";
import { listSegments, readSegment } from "../../src/journal/segments.ts";
import { T0 } from "./facts.ts";

export const NODE = "00112233445566aa";

export function openJournal(folder: string, more: Partial<JournalOptions> = {}): Journal {
  return Journal.open({ files: realFiles, folder, nodeId: NODE, now: () => T0, ...more });
}

/** All commits that count, oldest first. */
export function commitsIn(folder: string): Commit[] {
  const segments = listSegments(realFiles, folder);
  return segments.flatMap(
    ({ path }, index) => readSegment(realFiles, path, segments[index + 1]?.firstLsn).commits,
  );
}

export function eventsIn(folder: string): JournalEvent[] {
  return commitsIn(folder).flatMap((commit) => commit.finishes);
}

export const seqOf = (event: JournalEvent) => event.row[COLUMN.seq];
export const idOf = (event: JournalEvent) => event.row[COLUMN.event_id];
export const actionOf = (event: JournalEvent) => event.row[COLUMN.action];
export const codeOf = (event: JournalEvent) => event.row[COLUMN.error_code];

export function segmentFiles(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** Real files, with one operation replaced. */
export function filesWith(replaced: Partial<Files>): Files {
  return { ...realFiles, ...replaced };
}
