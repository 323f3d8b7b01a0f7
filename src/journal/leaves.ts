// Leaf hashes of what is in a journal's segments, computed anew.
import { COLUMN } from "../event/fields.ts";
import { leafOf } from "../evidence/leaves.ts";
import type { Files } from "./files.ts";
import { listSegments, readSegment } from "./segments.ts";

export interface Leaves {
  readonly firstSeq: number;
  /** 32 bytes each. */
  readonly hashes: Buffer;
}

/** Of the events after `seq` and up to `lastSeq`, a commit at a time and in order. Reads no segment that holds none of them. */
export function* leavesAfter(files: Files, folder: string, seq: number, lastSeq: number): Generator<Leaves> {
  if (seq >= lastSeq) return;
  const segments = listSegments(files, folder);
  let first = segments.length - 1;
  while (first > 0 && (readSegment(files, segments[first]?.path ?? "").header?.firstSeq ?? 0) > seq + 1)
    first--;
  for (const [index, { path }] of segments.entries()) {
    if (index < first) continue;
    for (const { finishes } of readSegment(files, path, segments[index + 1]?.firstLsn).commits) {
      const events = finishes.filter(({ row }) => {
        const at = Number(row[COLUMN.seq]);
        return at > seq && at <= lastSeq;
      });
      const firstSeq = Number(events[0]?.row[COLUMN.seq]);
      if (events.length > 0) yield { firstSeq, hashes: Buffer.concat(events.map(leafOf)) };
    }
  }
}
