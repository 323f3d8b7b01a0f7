// The door for MCP clients: every request to /mcp/<server>. What leaves an event, and what does not, stands in
// protocols/mcp-methods.ts; what Daybook itself refuses always does.
import type { IncomingMessage, ServerResponse } from "node:http";
import { newRequestId } from "../../event/ids.ts";
import { failed } from "../../event/outcomes.ts";
import { mcpErrorBody } from "../../protocols/mcp-errors.ts";
import { requestIdFrom } from "../../protocols/request-ids.ts";
import type { Recorder } from "../../recorder/recorder.ts";
import type { Refusals } from "../../recorder/refusals.ts";
import { errorAnswer, type OwnFailure, type RefusalDetail } from "../own-answer.ts";
import type { KeyCheck } from "../verdict.ts";
import type { McpCaller } from "./forwarding.ts";
import { MCP_ENDPOINT, McpExchange } from "./mcp-exchange.ts";
import { type McpOptions, serveMcp } from "./serve-mcp.ts";
import type { McpServer, McpServers } from "./servers.ts";

export interface McpDoorOptions extends McpOptions {
  readonly servers: McpServers;
  readonly recorder: Recorder;
  readonly refusals: Refusals;
  readonly authenticateKey: (presented: string) => KeyCheck;
  readonly clientIp: (request: IncomingMessage) => string | null;
  readonly userAgent: boolean;
}

const PREFIX = "/mcp/";
const METHODS: ReadonlySet<string> = new Set(["POST", "GET", "DELETE"]);
const ALLOW = "POST, GET, DELETE";
const NO_KEY: RefusalDetail = { message: "No API key: send it as `Authorization: Bearer …` or `x-api-key`." };
const NO_SERVER: RefusalDetail = {
  message: "There is no such MCP server. `daybook mcp list` is the list.",
  errorType: "unknown_server",
};

export function isMcpPath(path: string): boolean {
  return path.startsWith(PREFIX);
}

interface Refused {
  readonly ok: false;
  readonly code: OwnFailure;
  readonly detail: RefusalDetail;
  /** Whose key was presented, valid or not; null: nobody's. */
  readonly keyId: string | null;
}

type Verdict = { readonly ok: true; readonly caller: McpCaller; readonly server: McpServer } | Refused;

export class McpDoor {
  readonly #options: McpDoorOptions;

  constructor(options: McpDoorOptions) {
    this.#options = options;
  }

  /** The exchange that serves the request, for `start`; null: it was refused, and counted with others like it. */
  open(request: IncomingMessage, response: ServerResponse, path: string): Opened | null {
    const { recorder, refusals, clientIp, userAgent } = this.#options;
    const verdict = this.#verdictOn(request, path);
    const ip = clientIp(request);
    if (!verdict.ok && verdict.keyId === null) {
      const facts = { kind: "mcp", action: "request", endpoint: MCP_ENDPOINT, clientIp: ip } as const;
      const about = { ...facts, method: request.method ?? null };
      if (refusals.count(about, failed(verdict.code, verdict.detail.errorType))) {
        refuseCounted(request, response, verdict);
        return null;
      }
    }
    const exchange = new McpExchange({ request, response, recorder, userAgent, clientIp: ip });
    return { exchange, start: (draining) => this.#start(exchange, verdict, draining) };
  }

  async #start(exchange: McpExchange, verdict: Verdict, draining: boolean): Promise<void> {
    if (!verdict.ok && verdict.keyId !== null) exchange.note({ apiKeyId: verdict.keyId });
    if (verdict.ok) {
      const { server, caller } = verdict;
      exchange.note({ apiKeyId: caller.key.id, userId: caller.key.userId });
      exchange.note({ provider: server.name, providerId: server.id });
    }
    if (draining) {
      exchange.response.shouldKeepAlive = false;
      return exchange.refuse("shutting_down");
    }
    if (!verdict.ok) return exchange.refuse(verdict.code, verdict.detail);
    await serveMcp(exchange, verdict.server, verdict.caller, this.#options);
  }

  #verdictOn(request: IncomingMessage, path: string): Verdict {
    const { authenticateKey, servers } = this.#options;
    const presented = presentedKey(request);
    const check = presented === null ? null : authenticateKey(presented.key);
    const keyId = check === null ? null : check.ok ? check.key.id : (check.keyId ?? null);
    const refuse = (code: OwnFailure, detail: RefusalDetail): Refused => ({ ok: false, code, detail, keyId });
    if (request.httpVersion === "1.1" && request.headers.host === undefined)
      return refuse("malformed_http", {});
    if (!METHODS.has(request.method ?? ""))
      return refuse("method_not_allowed", { headers: { allow: ALLOW } });
    if (check === null || presented === null) return refuse("unauthorized", NO_KEY);
    if (!check.ok) return refuse("unauthorized", { errorType: check.reason });
    const server = servers.find(path.slice(PREFIX.length));
    if (server === null) return refuse("not_found", NO_SERVER);
    return { ok: true, server, caller: { key: check.key, keyHeader: presented.header } };
  }
}

export interface Opened {
  readonly exchange: McpExchange;
  start(draining: boolean): Promise<void>;
}

/** `x-api-key` first: then `Authorization` is for the server. */
function presentedKey({
  headers,
}: IncomingMessage): { readonly key: string; readonly header: McpCaller["keyHeader"] } | null {
  const { authorization, "x-api-key": apiKey } = headers;
  if (typeof apiKey === "string") return { key: apiKey, header: "x-api-key" };
  const key = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  return key === undefined ? null : { key, header: "authorization" };
}

function refuseCounted(request: IncomingMessage, response: ServerResponse, { code, detail }: Refused): void {
  const requestId = requestIdFrom(request.headers["x-request-id"]) ?? newRequestId();
  const { status, headers, body } = errorAnswer(code, detail, requestId, (error) =>
    mcpErrorBody(null, error),
  );
  response.writeHead(status, { "x-request-id": requestId, ...headers }).end(body);
}
