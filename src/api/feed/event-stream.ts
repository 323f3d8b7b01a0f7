// A feed as an event stream (SSE, WHATWG HTML 9.2): each frame is the data of a message whose id is how far it leads, so
// that a browser that comes again says in `Last-Event-ID` from where.
import type { FastifyReply } from "fastify";
import { type FeedPosition, writePosition } from "../../event/feed.ts";
import type { Carrier } from "./carry.ts";
import { writingUntilGone } from "./until-gone.ts";

/** How long a browser waits before it comes again. */
const RETRY_MS = 1000;
/** How long what is left may take to be read. */
const CLOSING_MS = 5000;

/** Takes the reply over. `onGone` is told when the client has left. */
export function openEventStream(reply: FastifyReply, together: boolean, onGone: () => void): Carrier {
  reply.hijack();
  const { raw } = reply;
  // Nothing else goes over this connection.
  raw.shouldKeepAlive = false;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": "text/event-stream; charset=utf-8",
    // Proxies that gather answers would hold it back.
    "x-accel-buffering": "no",
  });
  raw.once("close", onGone);
  const write = writingUntilGone(raw, (part, done) => raw.write(part, done));
  raw.write(`retry: ${RETRY_MS}\n\n`);
  return {
    frame: (frame, at: FeedPosition) =>
      write([`id: ${writePosition(at)}\ndata: ${JSON.stringify(frame)}\n\n`]),
    events: (events, at) => write(events.eventStream(together, at)),
    close: () =>
      new Promise((resolve) => {
        if (raw.destroyed) resolve();
        raw.once("close", resolve);
        raw.end();
        setTimeout(() => raw.destroy(), CLOSING_MS).unref();
      }),
    cut: () => raw.destroy(),
  };
}
