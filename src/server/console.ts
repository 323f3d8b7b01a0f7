// A console: `/api/system/*` of another Daybook, for this machine alone. The token stays here; whoever reaches the
// console has its rights to read, so it listens on loopback only, and answers only to its own name and its own pages.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { Agent, request as ask } from "undici";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { isLoopback, type ListenAddress } from "../config/address.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";

export interface ConsoleOptions {
  readonly upstream: URL;
  readonly token: string;
  readonly listen: ListenAddress;
  /** For answers, and for those that take their time: exports. */
  readonly timeoutsMs?: { readonly answer: number; readonly export: number };
}

export interface Console {
  readonly url: string;
  close(): Promise<void>;
}

const TIMEOUTS_MS = { answer: 10_000, export: 60_000 };
const PATH = /^\/api\/system\/[\w./-]*(?:\?|$)/;
const SOCKET = /^\/api\/system\/ws\/audit-logs(?:\?|$)/;
/** As the trail that this stands in for said it. */
const AWAY = "MLX Server not available";
const TO_UPSTREAM = ["accept", "last-event-id", "x-request-id"];
const TO_CLIENT = [
  "content-type",
  "content-disposition",
  "cache-control",
  "link",
  "x-as-of",
  "x-request-id",
  "retry-after",
  "x-accel-buffering",
];
const MAX_PAYLOAD = 4096;
/** Bytes that wait for a slow client before nothing more is read for it. */
const MAX_WAITING = 2 ** 20;

/** Rejects with `bad_argument` for an address that others reach, and as listening fails. */
export async function openConsole(options: ConsoleOptions): Promise<Console> {
  const { upstream, token, listen, timeoutsMs = TIMEOUTS_MS } = options;
  if (!isLoopback(listen.host))
    throw new DaybookError(
      "bad_argument",
      "A console listens on this machine only: whoever reaches it reads with its token.",
    );
  const agent = new Agent({ connections: 256 });
  const targetOf = (path: string) => new URL(path.slice(1), upstream.href.replace(/\/*$/, "/"));
  const server = createServer(
    { shouldUpgradeCallback: ({ url = "" }) => SOCKET.test(url) },
    (request, response) => {
      const refusal = refusalOf(request);
      if (refusal !== null) return answer(response, ...refusal);
      const target = targetOf(request.url ?? "/");
      void forward({ request, response, target, token, agent, timeoutsMs });
    },
  );
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_PAYLOAD });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (refusalOf(request) !== null || !isOwnPage(request)) {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const target = targetOf(request.url ?? "/");
    target.protocol = target.protocol === "https:" ? "wss:" : "ws:";
    sockets.handleUpgrade(request, socket, head, (client) => join(client, target, token, timeoutsMs.answer));
  });
  await listening(server, listen);
  const { port } = server.address() as AddressInfo;
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const client of sockets.clients) client.close(1001);
      server.closeAllConnections();
      await agent.destroy();
      for (const client of sockets.clients) client.terminate();
      await closed;
    },
  };
}

type Refused = [status: number, code: string, detail: string];

/** A name that leads here from outside (DNS rebinding) is not the console's. */
function refusalOf({ method, url = "", headers: { host = "" } }: IncomingMessage): Refused | null {
  if (!isLoopback(host.replace(/:\d+$/, "")))
    return [403, "forbidden", "A console answers to its own name only."];
  if (!PATH.test(url) || url.includes("..")) return [404, "not_found", "A console has /api/system/ only."];
  if (method !== "GET" && method !== "HEAD") return [405, "method_not_allowed", "A console only reads."];
  return null;
}

/** Whether a browser's page that asks is of the console itself; programs that are no browser name no page. */
function isOwnPage({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || URL.parse(origin)?.host === host;
}

function answer(response: ServerResponse, status: number, code: string, detail: string): void {
  response.writeHead(status, { "content-type": "application/problem+json", "cache-control": "no-store" });
  response.end(JSON.stringify({ type: `urn:daybook:error:${code}`, title: detail, status, detail, code }));
}

async function forward({
  request,
  response,
  target,
  token,
  agent,
  timeoutsMs,
}: {
  request: IncomingMessage;
  response: ServerResponse;
  target: URL;
  token: string;
  agent: Agent;
  timeoutsMs: { readonly answer: number; readonly export: number };
}): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  try {
    const { statusCode, headers, body } = await ask(target, {
      method: request.method === "HEAD" ? "HEAD" : "GET",
      headers: { ...picked(request.headers, TO_UPSTREAM), authorization: `Bearer ${token}` },
      dispatcher: agent,
      signal: left.signal,
      headersTimeout: target.pathname.endsWith("/export") ? timeoutsMs.export : timeoutsMs.answer,
      // A feed speaks every 30 s.
      bodyTimeout: 75_000,
    });
    response.writeHead(statusCode, picked(headers, TO_CLIENT));
    await pipeline(body, response);
  } catch {
    if (response.headersSent) response.destroy();
    else if (!left.signal.aborted) answer(response, 503, "remote_failed", AWAY);
  }
}

function picked(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string | string[]> {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
}

/** Both ways until either side closes, which closes the other. */
function join(client: WebSocket, target: URL, token: string, handshakeTimeout: number): void {
  const upstream = new WebSocket(target, {
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout,
    perMessageDeflate: false,
  });
  let isOpen = false;
  upstream.on("open", () => {
    isOpen = true;
  });
  upstream.on("error", () => {
    if (isOpen) return;
    client.send(JSON.stringify({ type: "error", message: `${AWAY} for audit logs` }));
    client.close(1013);
  });
  upstream.on("message", (data, binary) => pass(upstream, client, data, binary));
  upstream.on("close", (code) => client.close(isSendable(code) ? code : 1012));
  client.on("error", () => {});
  client.on("message", (data, binary) => {
    if (upstream.readyState === WebSocket.OPEN) pass(client, upstream, data, binary);
  });
  client.on("close", (code) => {
    upstream.on("error", () => {});
    upstream.resume();
    upstream.close(isSendable(code) ? code : 1000);
  });
}

/** Hands a message on; nothing more is read of `from` while much waits for `to`. */
function pass(from: WebSocket, to: WebSocket, data: RawData, binary: boolean): void {
  to.send(data, { binary }, () => {
    if (to.bufferedAmount < MAX_WAITING) from.resume();
  });
  if (to.bufferedAmount >= MAX_WAITING) from.pause();
}

/** RFC 6455, section 7.4: others are never sent. */
function isSendable(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code < 5000)
  );
}

function listening(server: ReturnType<typeof createServer>, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const code = nativeCode(error);
      const where = `${host}:${port}`;
      if (code === "EADDRINUSE") reject(new DaybookError("port_in_use", where, { cause: error }));
      else reject(new DaybookError("cannot_listen", `${where} (${code})`, { cause: error }));
    });
    server.listen({ host, port }, resolve);
  });
}
