// A feed over a WebSocket (RFC 6455): one text message a frame. Nothing is expected from the client; what it sends is
// bounded and not looked at.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { FEED_ENDS, type FeedFrame } from "../../event/feed.ts";
import { Refusal } from "../problem.ts";
import type { Carrier } from "./carry.ts";
import { writingUntilGone } from "./until-gone.ts";

/** A request to go on as something else, with what of that is here already. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** What a client may send: a message as long, and as many a minute. */
const MAX_PAYLOAD = 4096;
const MAX_MESSAGES = 60;
const MINUTE_MS = 60_000;
/** A client that does not answer a ping by the next one is gone. */
const PING_MS = 30_000;
/** How long the other side may take to close. */
const CLOSING_MS = 5000;
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Throws the refusal of a handshake that is none (RFC 6455, section 4.2.1). */
export function checkHandshake({ headers, method }: IncomingMessage): void {
  const { upgrade, "sec-websocket-key": key = "", "sec-websocket-version": version } = headers;
  if (method === "GET" && upgrade?.toLowerCase() === "websocket" && KEY.test(key) && version === "13") return;
  throw new Refusal("invalid_request", {
    detail: "This path is a WebSocket: ask with a handshake as in RFC 6455, version 13.",
    errorType: "no_handshake",
  });
}

/** Answers the handshake. `onGone` is told when the connection is closed. Rejects when it is gone already. */
export function openWebSocket(
  request: IncomingMessage,
  { socket, head }: Upgrade,
  { together, onGone }: { readonly together: boolean; readonly onGone: () => void },
): Promise<Carrier> {
  // Frames are shared by all who see the same: compressing them for each would cost more than the network.
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD,
  });
  return new Promise((resolve, reject) => {
    server.handleUpgrade(request, socket, head, (webSocket) => {
      watch(webSocket);
      webSocket.once("close", onGone);
      resolve(carrierOf(webSocket, together));
    });
    // It was answered just now; where nobody is left to be answered, it never is.
    reject(new Error("The client left before its WebSocket was open."));
  });
}

function carrierOf(webSocket: WebSocket, together: boolean): Carrier {
  const send = writingUntilGone(webSocket, (part, done) => webSocket.send(part, { binary: false }, done));
  return {
    frame: (frame: FeedFrame) => send([JSON.stringify(frame)]),
    events: (events) => send(events.frames(together)),
    close: (why) =>
      new Promise((resolve) => {
        if (webSocket.readyState === webSocket.CLOSED) resolve();
        webSocket.once("close", () => resolve());
        webSocket.close(FEED_ENDS[why].close, why);
        setTimeout(() => webSocket.terminate(), CLOSING_MS).unref();
      }),
    cut: () => webSocket.terminate(),
  };
}

/** Bounds what the client sends, and finds out when it is gone. */
function watch(webSocket: WebSocket): void {
  let messages = 0;
  let minute = performance.now();
  let isThere = true;
  const ping = setInterval(() => {
    if (!isThere) return webSocket.terminate();
    isThere = false;
    webSocket.ping();
  }, PING_MS).unref();
  webSocket.on("pong", () => {
    isThere = true;
  });
  webSocket.on("message", (_, isBinary) => {
    if (isBinary) return webSocket.close(1003, "text only");
    if (performance.now() - minute > MINUTE_MS) {
      minute = performance.now();
      messages = 0;
    }
    messages++;
    if (messages > MAX_MESSAGES) webSocket.close(1008, "too many messages");
  });
  // `close` follows, with the code that the fault asks for.
  webSocket.on("error", () => {});
  webSocket.once("close", () => clearInterval(ping));
}
