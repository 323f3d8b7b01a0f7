// Whether a journal names somebody in what may be erased. Looked for in the bytes first: where they have not got the id,
// which is nearly everywhere, nothing is read.
import { setImmediate as turn } from "node:timers/promises";
import { nativeCode } from "../event/errors.ts";
import type { Row } from "../event/fields.ts";
import { isNamedBy, writtenForms } from "../event/naming.ts";
import type { Files } from "./files.ts";
import { nextFrame, readFrame } from "./frame.ts";
import { parseCommit, parseHeader } from "./records.ts";
import { listSegments } from "./segments.ts";

/** Read at a time, before others have a turn. */
const TURN_BYTES = 1 << 20;

export async function isNamedIn(files: Files, folder: string, id: string): Promise<boolean> {
  const forms = writtenForms(id);
  try {
    for (const { path } of listSegments(files, folder)) {
      const bytes = files.read(path);
      if (forms.some((form) => bytes.includes(form)) && (await isInSegment(bytes, id, forms))) return true;
      await turn();
    }
    return false;
  } catch (error) {
    // A segment may go meanwhile: looked at again.
    if (nativeCode(error) === "ENOENT") return true;
    throw error;
  }
}

async function isInSegment(bytes: Buffer, id: string, forms: readonly string[]): Promise<boolean> {
  for (let [at, turnAt] = [0, TURN_BYTES]; at < bytes.length; ) {
    const frame = readFrame(bytes, at);
    if (frame.is === "frame") {
      const { payload, next } = frame;
      const mayName = forms.some((form) => payload.includes(form));
      if (mayName && rowsIn(payload, at === 0).some((row) => isNamedBy(row, id))) return true;
      at = next;
    } else {
      // Torn or damaged: nobody can say in which field it stands.
      const next = nextFrame(bytes, at + 1) ?? bytes.length;
      if (forms.some((form) => bytes.subarray(at, next).includes(form))) return true;
      at = next;
    }
    if (at < turnAt) continue;
    turnAt = at + TURN_BYTES;
    await turn();
  }
  return false;
}

function rowsIn(payload: string, isFirst: boolean): readonly Row[] {
  if (isFirst) return parseHeader(payload)?.open ?? [];
  const { begins, finishes } = parseCommit(payload);
  return [...begins, ...finishes.map(({ row }) => row)];
}
