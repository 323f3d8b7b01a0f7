// A slot's folder as a place to verify: its tiles and checkpoint, and the events that its journal still has.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { nativeCode } from "../event/errors.ts";
import { parseCheckpoint } from "../evidence/checkpoint.ts";
import type { FoundLog } from "../evidence/log-check.ts";
import { parseNote } from "../evidence/note.ts";
import type { FoundEvent, Place } from "../evidence/verify.ts";
import { realFiles } from "../journal/files.ts";
import { readFrame } from "../journal/frame.ts";
import { parseHeader } from "../journal/records.ts";
import { readKeys, readSealed, readText } from "../journal/sealed.ts";
import { listSegments, readSegment } from "../journal/segments.ts";
import { readWidest } from "../journal/tile-files.ts";
import { foundEvent, type TimeRange } from "./store-place.ts";

export interface Slot {
  readonly folder: string;
  readonly nodeId: string;
}

/**
 * What the store has of the log: signed notes, with which the slot's must agree as far as it goes, and the seq of its last
 * event (Infinity: nobody knows).
 */
export interface Stored {
  readonly notes: readonly string[];
  readonly seq: number;
}

/** What the store does not have, the journal must. */
export function slotPlace(
  name: string,
  { folder, nodeId }: Slot,
  { notes, seq }: Stored,
  range: TimeRange,
): Place {
  const sealed = readSealed(folder);
  const note = readText(join(folder, "checkpoint"));
  const size = sealed?.checkpoint.size ?? 0;
  const known = notes.filter((other) => (parseCheckpoint(parseNote(other)?.text ?? "")?.size ?? 0) <= size);
  const journalFolder = join(folder, "journal");
  const log: FoundLog = {
    nodeId,
    place: name,
    keys: readKeys(folder),
    checkpoints: note === null ? [] : [note, ...known],
    end: null,
    firstSeq: Math.min(seq + 1, firstSeqIn(journalFolder)),
    tile: async (level, index) => readWidest(folder, level, index),
  };
  return { name, logs: [log], events: () => eventsIn(journalFolder, nodeId, range) };
}

/** The first event that the segments there must have; a retired log may have none any more. */
function firstSeqIn(folder: string): number {
  const oldest = existsSync(folder) ? listSegments(realFiles, folder)[0] : undefined;
  const frame = oldest === undefined ? null : readFrame(realFiles.read(oldest.path), 0);
  return (frame?.is === "frame" ? parseHeader(frame.payload)?.firstSeq : null) ?? Number.POSITIVE_INFINITY;
}

async function* eventsIn(folder: string, nodeId: string, range: TimeRange): AsyncGenerator<FoundEvent[]> {
  const segments = existsSync(folder) ? listSegments(realFiles, folder) : [];
  for (const [index, { path }] of segments.entries()) {
    const next = segments[index + 1];
    try {
      const { header, commits, damaged } = readSegment(realFiles, path, next?.firstLsn);
      // A header that cannot be read hides what came before the next one: an event that cannot be one tells of it.
      if (damaged || (header === null && next !== undefined)) yield [unreadable(nodeId)];
      for (const { finishes } of commits) yield finishes.map((event) => foundEvent(event, range));
    } catch (error) {
      // A segment may be removed meanwhile.
      if (nativeCode(error) !== "ENOENT") yield [unreadable(nodeId)];
    }
  }
}

const unreadable = (nodeId: string): FoundEvent => ({
  nodeId,
  seq: 0,
  leaf: null,
  isErased: false,
  removed: [],
});
