// What a live feed says, the same over WebSocket (a text message each) and SSE (the data of an event each), and how far
// somebody has read: a position. Servers and clients share this file; browsers too.
import type { EventJson } from "./json.ts";

/** For each node the last seq that was seen. */
export type FeedPosition = Readonly<Record<string, number>>;

/** Events that are not in the store any more, or never came there: removed by retention, or lost with a journal. */
export interface FeedGap {
  readonly node_id: string;
  /** The first and the last of them; `missing` says how many of those between are gone. */
  readonly from_seq: number;
  readonly to_seq: number;
  readonly missing: number;
}

export type FeedFrame =
  | { readonly type: "log"; readonly data: EventJson }
  /** Instead of `log`, where batches were asked for. */
  | { readonly type: "logs"; readonly data: readonly EventJson[] }
  /** Comes first, with where the feed begins, and again (`live`) when all that was recorded before has been sent. */
  | { readonly type: "position"; readonly position: string; readonly live: boolean }
  /** After 30 s without another frame. */
  | { readonly type: "ping"; readonly position: string }
  | { readonly type: "gap"; readonly data: FeedGap }
  /** The last frame: why the feed ends, and from where another can go on. */
  | {
      readonly type: "error";
      readonly code: FeedEnd;
      readonly message: string;
      readonly position: string;
    };

/** Why a server ends a feed, with the close code of a WebSocket and whether to come again. */
// biome-ignore format: one end, one line
export const FEED_ENDS = {
  shutting_down: { close: 1001, again: true, message: "Daybook is stopping." },
  internal_error: { close: 1011, again: true, message: "The store could not be read." },
  unauthorized: { close: 4401, again: false, message: "The session or token that this feed was opened with is over." },
  forbidden: { close: 4403, again: false, message: "What the holder of this feed may see has changed." },
  slow_reader: { close: 4408, again: true, message: "This reader is too slow: more waits for it than is kept." },
} as const;

export type FeedEnd = keyof typeof FEED_ENDS;

const ENTRY = /^([0-9a-f]{16})=(0|[1-9]\d{0,15})$/;
/** Nodes that a position may name. */
const MAX_NODES = 1000;

/** `node_id=seq,node_id=seq`. */
export function writePosition(position: FeedPosition): string {
  return Object.entries(position)
    .map(([nodeId, seq]) => `${nodeId}=${seq}`)
    .join(",");
}

/** Null when `text` is no position. The empty text is: before everything. */
export function parsePosition(text: string): FeedPosition | null {
  if (text.trim() === "") return {};
  const position: Record<string, number> = {};
  const entries = text.split(",");
  if (entries.length > MAX_NODES) return null;
  for (const entry of entries) {
    const [, nodeId, seq] = ENTRY.exec(entry.trim()) ?? [];
    if (nodeId === undefined || Object.hasOwn(position, nodeId) || !Number.isSafeInteger(Number(seq)))
      return null;
    position[nodeId] = Number(seq);
  }
  return position;
}
