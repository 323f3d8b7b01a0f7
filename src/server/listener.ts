// The one HTTP listener. Requests below /v1/ and /mcp/ go to the gateway, those for the dashboard's files to these, all
// others to the API; what node:http would answer by itself, unseen, is given to them too.
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { DaybookError, nativeCode } from "../event/errors.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { Connections } from "./connections.ts";
import type { Dashboard } from "./dashboard.ts";
import type { Certificate } from "./tls.ts";

/** What the API answers below /v1/. */
const OF_API = /^\/v1\/(?:usage|credits)(?:\?|$)/;

export interface ListenerOptions {
  readonly gateway: Gateway;
  readonly dashboard: Dashboard;
  readonly api: (request: IncomingMessage, response: ServerResponse) => void;
  /** Which requests may go on as a WebSocket, and who answers them when they ask to. */
  readonly upgrades: {
    accepts(request: IncomingMessage): boolean;
    answer(request: IncomingMessage, socket: Socket, head: Buffer): void;
  };
  readonly host: string;
  readonly port: number;
  /** null: plain HTTP. */
  readonly certificate?: Certificate | null;
}

export interface Listener {
  /** `http://host:port`, or https. */
  readonly url: string;
  /** No new connections; idle ones are closed. Resolves when all are. */
  close(): Promise<void>;
  /** Closes whatever is still connected. */
  closeNow(): void;
}

export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { gateway, dashboard, api, upgrades, host, port, certificate = null } = options;
  const connections = new Connections(gateway);
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    connections.begin(request, response);
    // RFC 9112 section 3.2.2: the absolute form must be accepted.
    if (!request.url?.startsWith("/"))
      request.url = (request.url ?? "").replace(/^https?:\/\/[^/?#]*(?=[/?]|$)/i, "") || "/";
    const { url } = request;
    if (/^\/(?:v1(?:[/?]|$)|mcp\/)/.test(url) && !OF_API.test(url)) gateway.handle(request, response);
    else if (!dashboard.handle(request, response)) api(request, response);
  };
  // A missing Host is refused by the gateway, with its event, and not by node:http without one.
  const server = serverWith(certificate, serve, (request) => upgrades.accepts(request));
  server.on("upgrade", (request, socket, head) => {
    connections.upgraded(socket as Socket);
    upgrades.answer(request, socket as Socket, head);
  });
  server.on("checkExpectation", serve);
  server.on("clientError", (error, socket) => connections.unreadable(error, socket as Socket));
  server.on("connect", (_request, socket) => connections.tunnel(socket as Socket));
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return {
    url: `${certificate === null ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    closeNow() {
      server.closeAllConnections();
      connections.closeRaw();
    },
  };
}

function serverWith(
  certificate: Certificate | null,
  serve: RequestListener,
  shouldUpgradeCallback: (request: IncomingMessage) => boolean,
): Server {
  const options = { requireHostHeader: false, keepAliveTimeout: 5000, noDelay: true, shouldUpgradeCallback };
  if (certificate === null) return createServer(options, serve);
  const server = createTlsServer({ ...options, ...certificate.pair, ALPNProtocols: ["http/1.1"] }, serve);
  certificate.onChanged((pair) => server.setSecureContext(pair));
  return server;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const where = `${host}:${port}`;
      const code = nativeCode(error);
      if (code === "EADDRINUSE") reject(new DaybookError("port_in_use", where, { cause: error }));
      else reject(new DaybookError("cannot_listen", `${where} (${code})`, { cause: error }));
    });
    server.listen({ host, port, backlog: 1024 }, resolve);
  });
}
