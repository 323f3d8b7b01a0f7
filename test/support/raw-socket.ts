// HTTP by hand over a bare socket, for what no client library sends and for leaving at a chosen byte.
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly text: string;
  readonly socket: Socket;
}

/** Sends `text`; resolves when `until` accepts what has come back, or the connection ends. */
export function sendRaw(
  url: string,
  text: string | Buffer,
  until: (received: string) => boolean = () => false,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let received = "";
    socket.setEncoding("latin1");
    socket.on("connect", () => {
      socket.write(text);
      if (until("")) resolve({ text: received, socket });
    });
    socket.on("data", (data) => {
      received += data;
      if (until(received)) resolve({ text: received, socket });
    });
    socket.on("error", (error) =>
      received === "" && !socket.bytesWritten ? reject(error) : resolve({ text: received, socket }),
    );
    socket.on("close", () => resolve({ text: received, socket }));
  });
}

/** The text of a POST with Content-Length. */
export function rawPost(path: string, body: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({
    Host: "test",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  });
  return `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n${body}`;
}
