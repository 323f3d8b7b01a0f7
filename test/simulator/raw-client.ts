// A client that sees what is on the wire: every byte, and how the connection ended.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Seen {
  /** All bytes received. */
  readonly text: string;
  readonly head: string;
  /** After the head, chunked transfer coding (RFC 9112, 7.1) undone. */
  readonly body: string;
  /** Whether the body is as long as its head announced, or has its last chunk. */
  readonly whole: boolean;
  /** `end`, or the code of the socket's error. */
  readonly ended: string;
}

/** Opens a connection and sends a chat request with `body`, which the server is told to close afterwards. */
export async function sendChat(
  port: number,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const all = {
    host: "simulator",
    connection: "close",
    "content-length": Buffer.byteLength(text),
    ...headers,
  };
  const lines = Object.entries(all).map((pair) => `${pair.join(": ")}\r\n`);
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join("")}\r\n${text}`);
  return socket;
}

/** Reads until the connection is over. */
export async function seeAll(socket: Socket): Promise<Seen> {
  let text = "";
  let ended = "end";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    ended = error.code ?? error.message;
  });
  await new Promise((resolve) => socket.once("close", resolve));
  const split = text.indexOf("\r\n\r\n");
  const head = split < 0 ? text : text.slice(0, split);
  const rest = split < 0 ? "" : text.slice(split + 4);
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  const { body, whole } =
    length === undefined ? unchunk(rest) : { body: rest, whole: rest.length === Number(length) };
  return { text, head, body, whole, ended };
}

export async function chat(port: number, body: unknown, headers: Record<string, string> = {}): Promise<Seen> {
  return seeAll(await sendChat(port, body, headers));
}

/** The data of each event of a stream. */
export function eventsOf(body: string): string[] {
  return body
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""));
}

function unchunk(text: string): { body: string; whole: boolean } {
  let body = "";
  let at = 0;
  for (;;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return { body, whole: false };
    const size = Number.parseInt(text.slice(at, line), 16);
    if (size === 0) return { body, whole: true };
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}
