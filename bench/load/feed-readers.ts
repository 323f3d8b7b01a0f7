// Readers of a live feed in a process of their own.
// Usage: feed-readers <url of the WebSocket> <token> <readers>, with an IPC channel: says `ready` when all are live;
// asked `done?` with a count, answers once every reader has so many events, or none came for two seconds.
import WebSocket from "ws";

const [url = "", token = "", count = "1"] = process.argv.slice(2);
const readers = Number(count);
/** Of these each event's delay is looked at; of the others events are only counted, which costs a tenth. */
const LOOKED_AT = new Set([0, Math.floor(readers / 2), readers - 1]);
const EVENT = Buffer.from('"event_id":"');
const STILL_MS = 2000;

const seen = new Array<number>(readers).fill(0);
const delays: number[] = [];
let live = 0;
let last = performance.now();

function countOf(frame: Buffer): number {
  let found = 0;
  for (let at = frame.indexOf(EVENT); at >= 0; at = frame.indexOf(EVENT, at + EVENT.length)) found++;
  return found;
}

function take(index: number, frame: Buffer): void {
  const now = performance.timeOrigin + performance.now();
  last = performance.now();
  if (frame.length < 2000 && frame.includes('"live":true')) {
    if (++live === readers) process.send?.("ready");
    return;
  }
  const events = countOf(frame);
  seen[index] = (seen[index] ?? 0) + events;
  if (events === 0 || !LOOKED_AT.has(index)) return;
  const { data } = JSON.parse(frame.toString()) as {
    data: readonly { timestamp: string; duration_ms: number }[];
  };
  for (const { timestamp } of data) delays.push(now - Date.parse(timestamp));
}

for (let index = 0; index < readers; index++) {
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  socket.on("message", (frame: Buffer) => take(index, frame));
  socket.on("error", () => {});
}

process.on("message", async (expected: number) => {
  while (seen.some((events) => events < expected) && performance.now() - last < STILL_MS)
    await new Promise((resolve) => setTimeout(resolve, 20));
  process.send?.({ lost: seen.reduce((sum, events) => sum + Math.abs(expected - events), 0), delays });
});
process.once("disconnect", () => process.exit());
