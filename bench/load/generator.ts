// The generator of a machine without wrk: one request after the other on each connection, from bare sockets; with a rate,
// so many a second, measured from when each was due where no connection was free by then.
// Usage: generator <port> <connections> <seconds> [<rate>], the request on stdin as it is to be sent; prints what load.ts
// calls Served. Only for answers with Content-Length or in chunks that end with their packet.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { quantileOf } from "../harness.ts";

const [port = 0, connections = 0, seconds = 0, rate = 0] = process.argv.slice(2).map(Number);
const request = readFileSync(0);
const startedAt = performance.now();
const endsAt = startedAt + seconds * 1000;
const took: number[] = [];
let failures = 0;
let asked = 0;

/** Whether `text` is a whole answer. */
function isWhole(text: string): boolean {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1];
  return length === undefined ? text.endsWith("0\r\n\r\n") : text.length >= head + 4 + Number(length);
}

function run(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let text = "";
    let sentAt = performance.now();
    const send = (dueAt = performance.now()) => {
      text = "";
      sentAt = dueAt;
      socket.write(request);
    };
    const next = () => {
      const dueAt = rate === 0 ? performance.now() : startedAt + (asked++ * 1000) / rate;
      const waitMs = dueAt - performance.now();
      if (dueAt >= endsAt) socket.destroy();
      else if (waitMs > 0) setTimeout(send, waitMs);
      else send(dueAt);
    };
    socket.setEncoding("latin1").on("data", (bytes) => {
      text += bytes;
      if (!isWhole(text)) return;
      if (/^HTTP\/1\.1 2/.test(text)) took.push(performance.now() - sentAt);
      else failures++;
      next();
    });
    socket.on("connect", next);
    socket.on("error", () => failures++);
    socket.on("close", () => resolve());
  });
}

await Promise.all(Array.from({ length: connections }, run));
const [p50, p95, p99] = [0.5, 0.95, 0.99].map((quantile) => quantileOf(took, quantile));
const answer = {
  requests: took.length,
  failures,
  seconds: (performance.now() - startedAt) / 1000,
  p50,
  p95,
  p99,
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
