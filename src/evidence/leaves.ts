// The leaf of an event in its node's Merkle log.
import { type JournalEvent, leafText } from "../event/leaf.ts";
import { leafHash } from "./merkle.ts";

/** RFC 6962 hash of the event's leaf. */
export function leafOf({ row, p1Salt, p2Salt }: JournalEvent): Buffer {
  return leafHash(leafText(row, p1Salt, p2Salt));
}

/** The same of a row in which JSON escapes nothing. */
export function plainLeafOf({ row, p1Salt, p2Salt }: JournalEvent): Buffer {
  return leafHash(leafText(row, p1Salt, p2Salt, true));
}
