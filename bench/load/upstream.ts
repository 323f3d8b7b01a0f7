// The upstream of a machine without gcc: the answers of upstream.c, from bare sockets. Usage and output are the same.
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";

const [events = 0, paceMs = 0] = process.argv.slice(2, 4).map(Number);
const canned = process.argv.slice(4).map((path) => readFileSync(path));
const COMMON = '"object":"chat.completion.chunk","created":1767225600,"model":"bench"';
const BODY = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_767_225_600,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "w".repeat(600) }, finish_reason: "stop" }],
  usage: { prompt_tokens: 24, completion_tokens: 150, total_tokens: 174 },
});
const JSON_ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_bench\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const STREAM_HEAD =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-request-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n";

function event(number: number, due: number): string {
  const isLast = number === events - 1;
  const choice = `{"index":0,"delta":{"content":"word${number} "},"finish_reason":${isLast ? '"stop"' : "null"}}`;
  let data = `data: {"id":"chatcmpl-bench",${COMMON},"choices":[${choice}],"due":${Math.round(due * 1000)}}\n\n`;
  const usage = `{"prompt_tokens":24,"completion_tokens":${events},"total_tokens":${24 + events}}`;
  if (isLast)
    data += `data: {"id":"chatcmpl-bench",${COMMON},"choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`;
  return `${data.length.toString(16)}\r\n${data}\r\n${isLast ? "0\r\n\r\n" : ""}`;
}

/** Milliseconds of CLOCK_MONOTONIC, which the reader of the streams shares. */
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function answer(socket: Socket, path: string): void {
  if (path.startsWith("/json/")) {
    socket.write(JSON_ANSWER);
    return;
  }
  const which = /^\/canned-(\d+)\//.exec(path)?.[1];
  if (which !== undefined) {
    socket.write(canned[Number(which)] ?? "");
    return;
  }
  socket.write(STREAM_HEAD);
  if (path.startsWith("/burst/")) {
    for (let number = 0; number < events; number++) socket.write(event(number, monotonic()));
    return;
  }
  let due = monotonic() + paceMs;
  let number = 0;
  const next = () => {
    if (socket.destroyed) return;
    socket.write(event(number++, due));
    due += paceMs;
    if (number < events) setTimeout(next, due - monotonic());
  };
  setTimeout(next, paceMs);
}

/** Length of the request at the start of `text`; 0: it is not whole. */
function requestLength(text: string): number {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return 0;
  if (/\r\ntransfer-encoding:/i.test(text.slice(0, head))) {
    const end = text.indexOf("\r\n0\r\n\r\n", head);
    return end === -1 ? 0 : end + 7;
  }
  const length = head + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length >= length ? length : 0;
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = "";
  socket.setEncoding("latin1").on("data", (bytes) => {
    text += bytes;
    for (let length = requestLength(text); length > 0; length = requestLength(text)) {
      answer(socket, text.slice(text.indexOf(" ") + 1, length));
      text = text.slice(length);
    }
  });
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
