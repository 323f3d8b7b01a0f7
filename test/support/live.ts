// Readers of a live feed for tests: plain connections, one frame after the other.
import WebSocket from "ws";
import type { FeedFrame } from "../../src/event/feed.ts";
import type { EventJson } from "../../src/event/json.ts";
import { ADMIN_TOKEN } from "./daybook.ts";

export interface LiveSocket {
  readonly socket: WebSocket;
  readonly frames: FeedFrame[];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  /** Events so far, of both sorts of frame. */
  events(): EventJson[];
}

/** A WebSocket below `url`; rejects with the status of a refusal. */
export async function openLive(
  url: string,
  path = "/admin/ws/audit-logs",
  headers: Record<string, string> = { authorization: `Bearer ${ADMIN_TOKEN}` },
): Promise<LiveSocket> {
  const socket = new WebSocket(url.replace(/^http/, "ws") + path, { headers });
  const frames: FeedFrame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data)) as FeedFrame));
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      reject(
        Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }),
      );
    });
    socket.once("error", reject);
  });
  return { socket, frames, closed, events: () => frames.flatMap(eventsOf) };
}

export function eventsOf(frame: FeedFrame): EventJson[] {
  if (frame.type === "log") return [frame.data];
  return frame.type === "logs" ? [...frame.data] : [];
}
