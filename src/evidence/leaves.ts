// The leaf of an event in its node's Merkle log.
import { type JournalEvent, leafText } from "../event/leaf.ts";
import { leafHash } from "./merkle.ts";

/** RFC 6962 hash of the event's leaf. */
export function leafOf(event: JournalEvent): Buffer {
  return leafHash(leafText(event.row, event.p1Salt, event.p2Salt));
}
