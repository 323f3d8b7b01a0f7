// How a server stops: nobody new, those that read are told, what is under way ends, and then everything in the reverse
// order of its opening.
import type { Gateway } from "../gateway/gateway.ts";
import type { Openings } from "../node/openings.ts";
import type { Feed } from "../read/feed.ts";
import { withDeadline } from "../recorder/handle.ts";
import type { Listener } from "./listener.ts";

/** How long requests in flight may take to end after close(). */
const GRACE_MS = 25_000;
/** How long readers of the live feed may take to be told that it ends. */
const FEED_MS = 1000;

/** Idempotent. */
export function closer(
  openings: Openings,
  { listener, gateway, feed }: { listener: Listener; gateway: Gateway; feed: Feed },
): (graceMs?: number) => Promise<void> {
  let closing: Promise<void> | null = null;
  return (graceMs = GRACE_MS) => {
    closing ??= (async () => {
      const closed = listener.close();
      await withDeadline(feed.end(), FEED_MS, undefined);
      await gateway.drain(graceMs);
      listener.closeNow();
      await closed;
      await openings.close();
    })();
    return closing;
  };
}
