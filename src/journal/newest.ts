// The newest commit in a journal's folder, for those who only want to know how far it is.
import { existsSync } from "node:fs";
import type { Files } from "./files.ts";
import { nextFrame, readFrame } from "./frame.ts";
import { type Commit, parseCommit } from "./records.ts";
import { listSegments } from "./segments.ts";

/** The newest whole commit, also when what stands before it is damaged; null when there is none. */
export function newestCommit(files: Files, folder: string): Commit | null {
  if (!existsSync(folder)) return null;
  for (const { path } of listSegments(files, folder).reverse()) {
    const payload = lastPayload(files.read(path));
    if (payload !== null) return parseCommit(payload);
  }
  return null;
}

/** Of the last whole frame but the header's. */
function lastPayload(bytes: Buffer): string | null {
  let payload: string | null = null;
  for (let at: number | null = 0; at !== null; ) {
    const frame = readFrame(bytes, at);
    if (frame.is === "frame") {
      if (at > 0) payload = frame.payload;
      at = frame.next;
    } else at = frame.is === "end" ? null : nextFrame(bytes, at + 1);
  }
  return payload;
}
