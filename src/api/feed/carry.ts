// Carries a feed to somebody, over whatever carries it: frames in order, a ping where nothing else is said, an end that
// says why. It waits for a slow connection, and gives up one that stands still.
import {
  FEED_ENDS,
  type FeedEnd,
  type FeedFrame,
  type FeedPosition,
  writePosition,
} from "../../event/feed.ts";
import type { EventBatch } from "../../read/event-batch.ts";
import type { FeedItem, FeedReader } from "../../read/feed.ts";

/** A connection that frames go over. */
export interface Carrier {
  /** Resolves when all is handed to the system. Rejects when the connection is gone. */
  frame(frame: FeedFrame, at: FeedPosition): Promise<void>;
  events(events: EventBatch, at: FeedPosition): Promise<void>;
  /** Ends the connection after what was sent; resolves when it is closed. */
  close(why: FeedEnd): Promise<void>;
  /** Ends it at once. */
  cut(): void;
}

export interface Carrying {
  /** Why the holder's feed is to end now; null: it is not. */
  readonly endOf: () => FeedEnd | null;
  readonly pingMs?: number;
}

const PING_MS = 30_000;
const TICK_MS = 1000;
/** How long a connection may stand still, and one that is to end. */
const STILL_MS = 60_000;
const ENDING_MS = 10_000;

/** Resolves when the feed is over. Never rejects for a connection that is gone. */
export async function carry(
  reader: FeedReader,
  carrier: Carrier,
  { endOf, pingMs = PING_MS }: Carrying,
): Promise<void> {
  let since = performance.now();
  let isSending = false;
  /** Ends with what was sent last: a ping may be under way when an item comes. */
  let sent = Promise.resolve();
  const send = (work: () => Promise<void>): Promise<void> => {
    const sending = sent.then(async () => {
      isSending = true;
      since = performance.now();
      await work();
      isSending = false;
      since = performance.now();
    });
    sent = sending.catch(() => {});
    return sending;
  };
  const tick = setInterval(
    () => {
      const why = endOf();
      if (why !== null) reader.end(why);
      const quiet = performance.now() - since;
      const position = reader.position;
      if (isSending && quiet > (reader.isOver ? ENDING_MS : STILL_MS)) carrier.cut();
      else if (!isSending && quiet >= pingMs)
        send(() => carrier.frame({ type: "ping", position: writePosition(position) }, position)).catch(
          () => {},
        );
    },
    Math.min(TICK_MS, pingMs),
  );
  try {
    for await (const item of reader.items()) {
      const why = item.is === "end" ? null : endOf();
      // What follows is the end; this is not given any more.
      if (why !== null) reader.end(why);
      else if (item.is === "events") await send(() => carrier.events(item.events, item.at));
      else for (const frame of framesOf(item)) await send(() => carrier.frame(frame, item.at));
      if (item.is === "end") await carrier.close(item.why);
    }
  } catch {
    // The connection is gone, and with it whoever could be told.
  } finally {
    clearInterval(tick);
    carrier.cut();
  }
}

function framesOf(item: Exclude<FeedItem, { is: "events" }>): FeedFrame[] {
  const position = writePosition(item.at);
  switch (item.is) {
    case "position":
      return [{ type: "position", position, live: item.live }];
    case "gaps":
      return item.gaps.map((data) => ({ type: "gap", data }));
    case "end":
      return [{ type: "error", code: item.why, message: FEED_ENDS[item.why].message, position }];
  }
}
