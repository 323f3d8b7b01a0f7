// An MCP server with one canned answer, from bare sockets: whatever is asked has the id 1. Prints its port.
import { type AddressInfo, createServer } from "node:net";

const BODY = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  result: { content: [{ type: "text", text: "w".repeat(900) }], isError: false },
});
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** Length of the request at the start of `text`; 0: it is not whole. */
function requestLength(text: string): number {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return 0;
  const length = head + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length >= length ? length : 0;
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = "";
  socket.setEncoding("latin1").on("data", (bytes) => {
    text += bytes;
    for (let length = requestLength(text); length > 0; length = requestLength(text)) {
      socket.write(ANSWER);
      text = text.slice(length);
    }
  });
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
