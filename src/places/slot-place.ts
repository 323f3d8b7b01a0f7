// A slot's folder as a place to verify: its tiles and checkpoint, and the events that its journal still has.
import { join } from "node:path";
import { nativeCode } from "../event/errors.ts";
import { parseCheckpoint } from "../evidence/checkpoint.ts";
import type { FoundLog } from "../evidence/log-check.ts";
import { parseNote } from "../evidence/note.ts";
import { type FoundEvent, type Place, strangeEvent } from "../evidence/verify.ts";
import { type Files, readIfThere, realFiles, unlessMissing } from "../journal/files.ts";
import { readFrame } from "../journal/frame.ts";
import { parseHeader } from "../journal/records.ts";
import { readKeys, readSealed, readText } from "../journal/sealed.ts";
import { listSegments, readSegment } from "../journal/segments.ts";
import { readWidest } from "../journal/tile-files.ts";
import { foundEvent, type TimeRange } from "./found-event.ts";

export interface Slot {
  readonly folder: string;
  readonly nodeId: string;
  /** The disk's own unless given. */
  readonly files?: Files;
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
  { folder, nodeId, files = realFiles }: Slot,
  { notes, seq }: Stored,
  range: TimeRange,
): Place {
  const sealed = readSealed(folder, files);
  const note = readText(folder, "checkpoint", files);
  const size = sealed?.checkpoint.size ?? 0;
  const known = notes.filter((other) => (parseCheckpoint(parseNote(other)?.text ?? "")?.size ?? 0) <= size);
  const journalFolder = join(folder, "journal");
  const log: FoundLog = {
    nodeId,
    place: name,
    keys: readKeys(folder, files),
    checkpoints: note === null ? [] : [note, ...known],
    end: null,
    firstSeq: Math.min(seq + 1, firstSeqIn(files, journalFolder)),
    tile: async (level, index) => readWidest(folder, level, index, files),
  };
  return { name, logs: [log], events: () => eventsIn(files, journalFolder, nodeId, range) };
}

/** There is neither a journal nor a checkpoint. */
export function isUnused({ folder, files = realFiles }: Slot): boolean {
  const segments = unlessMissing(() => listSegments(files, join(folder, "journal"))) ?? [];
  return segments.length === 0 && readText(folder, "checkpoint", files) === null;
}

/** The first event that the segments there must have; a retired log may have none any more. */
function firstSeqIn(files: Files, folder: string): number {
  const oldest = unlessMissing(() => listSegments(files, folder))?.[0];
  // A segment may be removed meanwhile: the look that misses something is repeated.
  const bytes = oldest === undefined ? null : readIfThere(files, oldest.path);
  const frame = bytes === null ? null : readFrame(bytes, 0);
  return (frame?.is === "frame" ? parseHeader(frame.payload)?.firstSeq : null) ?? Number.POSITIVE_INFINITY;
}

async function* eventsIn(
  files: Files,
  folder: string,
  nodeId: string,
  range: TimeRange,
): AsyncGenerator<FoundEvent[]> {
  const segments = unlessMissing(() => listSegments(files, folder)) ?? [];
  for (const [index, { path }] of segments.entries()) {
    const next = segments[index + 1];
    try {
      const { header, commits, damaged } = readSegment(files, path, next?.firstLsn);
      // A header that cannot be read hides what came before the next one: an event that cannot be one tells of it.
      if (damaged || (header === null && next !== undefined)) yield [strangeEvent(nodeId)];
      for (const { finishes } of commits) yield finishes.map((event) => foundEvent(event, range));
    } catch (error) {
      // A segment may be removed meanwhile.
      if (nativeCode(error) !== "ENOENT") yield [strangeEvent(nodeId)];
    }
  }
}
