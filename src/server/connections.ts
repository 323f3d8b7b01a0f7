// What each connection is at, so that what node:http's parser cannot read is recorded once and answered only where an
// answer has a place.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { nativeCode } from "../event/errors.ts";
import type { Gateway } from "../gateway/gateway.ts";

interface Connection {
  /** The newest request. */
  request: IncomingMessage | null;
  /** Answers that are not over. */
  open: number;
  /** What cannot be read was recorded; nothing after it is looked at. */
  broken: boolean;
}

/** How long a client has to read its last answer. */
const LAST_ANSWER_MS = 2000;

export class Connections {
  readonly #gateway: Gateway;
  readonly #of = new WeakMap<Socket, Connection>();
  /** Sockets that node:http has let go of. */
  readonly #raw = new Set<Socket>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connection(request.socket);
    connection.request = request;
    connection.open++;
    response.on("close", () => {
      connection.open--;
      if (connection.broken && connection.open === 0) request.socket.destroySoon();
    });
  }

  /** The parser's error: malformed HTTP, a head that never came, or a client that left. */
  unreadable(error: Error, socket: Socket): void {
    const code = nativeCode(error);
    const connection = this.#connection(socket);
    const { request, open, broken } = connection;
    connection.broken = true;
    const unfinished = request !== null && !request.complete;
    const left = code === "ECONNRESET" || (unfinished && code === "HPE_INVALID_EOF_STATE");
    if (left || broken || !socket.writable || socket.bytesRead === 0) {
      // After the first fault the rest of the bytes mean nothing; what is being answered may still end.
      if (left || open === 0) socket.destroy();
      return;
    }
    if (unfinished) {
      // The rest of a body that nobody waits for any more, or one that is being read.
      if (open === 0 || !this.#gateway.brokenBody(request, code)) socket.destroy();
      return;
    }
    if (open > 0) this.#gateway.logMalformed(code, socket.remoteAddress ?? null);
    else this.#refuse(socket, "malformed_http", { errorType: code, method: null });
  }

  /** CONNECT: node:http hands the bare socket over. */
  tunnel(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#connection(socket).open > 0) {
      this.#gateway.logMalformed("connect_behind_request", socket.remoteAddress ?? null);
      socket.destroy();
    } else this.#refuse(socket, "method_not_allowed", { errorType: null, method: "CONNECT" });
  }

  /** A WebSocket: node:http has let go of it. */
  upgraded(socket: Socket): void {
    this.#raw.add(socket);
    socket.once("close", () => this.#raw.delete(socket));
  }

  /** Closes the sockets that node:http does not know any more. */
  closeRaw(): void {
    for (const socket of this.#raw) socket.destroy();
  }

  #refuse(
    socket: Socket,
    code: "malformed_http" | "method_not_allowed",
    about: { readonly errorType: string | null; readonly method: string | null },
  ): void {
    this.#raw.add(socket);
    const timer = setTimeout(() => socket.destroy(), LAST_ANSWER_MS).unref();
    socket.once("close", () => {
      clearTimeout(timer);
      this.#raw.delete(socket);
    });
    this.#gateway.refuseRaw(socket, code, { ...about, clientIp: socket.remoteAddress ?? null });
  }

  #connection(socket: Socket): Connection {
    let connection = this.#of.get(socket);
    if (connection === undefined) {
      connection = { request: null, open: 0, broken: false };
      this.#of.set(socket, connection);
    }
    return connection;
  }
}
