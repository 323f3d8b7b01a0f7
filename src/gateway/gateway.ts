// The door for clients: every request under /v1/ becomes one exchange, and so one event; those of MCP clients have a door
// of their own.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { nativeCode } from "../event/errors.ts";
import { newRequestId } from "../event/ids.ts";
import { failed, type Outcome } from "../event/outcomes.ts";
import { errorBody } from "../protocols/openai-errors.ts";
import { requestIdFrom } from "../protocols/request-ids.ts";
import type { Recorder } from "../recorder/recorder.ts";
import type { Refusals, RefusedFacts } from "../recorder/refusals.ts";
import { type Placed, Running } from "../recorder/running.ts";
import { dialectOf, type Endpoint, ERROR_BODIES, endpointOf, modelIn } from "./endpoints.ts";
import { Exchange, type Work } from "./exchange.ts";
import { type InferenceOptions, serveInference } from "./inference.ts";
import { isMcpPath, McpDoor, type McpDoorOptions } from "./mcp/door.ts";
import { serveModels } from "./models.ts";
import { errorAnswer, type OwnAnswer, type OwnFailure, type RefusalDetail } from "./own-answer.ts";
import { servePassThrough } from "./pass-through.ts";
import { type KeyCheck, type Verdict, verdictOn } from "./verdict.ts";

export interface GatewayOptions extends InferenceOptions {
  readonly recorder: Recorder;
  readonly refusals: Refusals;
  readonly authenticateKey: (presented: string) => KeyCheck;
  readonly clientIp: (request: IncomingMessage) => string | null;
  readonly userAgent: boolean;
  readonly mcp: Pick<McpDoorOptions, "servers" | "audit" | "book" | "rounds" | "streams" | "maxStreams">;
}

/** A request that is being served, whoever serves it. */
interface Served extends Placed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly ended: Promise<void>;
  readonly work: Work | null;
  refuse(code: OwnFailure, detail?: RefusalDetail): void;
}

/** How long a client has to read its last answer. */
const CUT_MS = 500;

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #mcp: McpDoor;
  readonly #active = new Running<Served>();
  #draining = false;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#mcp = new McpDoor(doorOptions(options));
  }

  /** Serves one request. Never throws; the event is finished when `response` is over. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const { recorder, refusals, clientIp, userAgent, authenticateKey, routes } = this.#options;
    const path = pathOf(request);
    if (isMcpPath(path)) {
      this.#handleMcp(request, response, path);
      return;
    }
    const endpoint = endpointOf(path, routes.table);
    const verdict = verdictOn(request, endpoint, authenticateKey);
    const facts = { ...endpoint.facts, method: request.method ?? null, clientIp: clientIp(request) };
    const errorBody = ERROR_BODIES[dialectOf(endpoint, request)];
    if (!verdict.ok && verdict.keyId === null && !this.#draining) {
      const { code, detail } = verdict;
      if (refusals.count(facts, failed(code, detail.errorType))) {
        const requestId = requestIdFrom(request.headers["x-request-id"]) ?? newRequestId();
        answerCounted(response, requestId, errorAnswer(code, detail, requestId, errorBody));
        return;
      }
    }
    const exchange = new Exchange({ request, response, recorder, userAgent, facts, errorBody });
    this.#enter(exchange, this.#serve(exchange, endpoint, verdict, path));
  }

  #handleMcp(request: IncomingMessage, response: ServerResponse, path: string): void {
    const opened = this.#mcp.open(request, response, path);
    if (opened !== null) this.#enter(opened.exchange, opened.start(this.#draining));
  }

  #enter(exchange: Served, served: Promise<void>): void {
    this.#active.add(exchange);
    void exchange.ended.then(() => this.#left(exchange));
    served.catch((error: unknown) => {
      exchange.refuse("internal_error", { errorType: nativeCode(error) });
    });
  }

  /** The body of a request that is being served is not as its head said. False: nobody here serves it. */
  brokenBody(request: IncomingMessage, errorType: string): boolean {
    const exchange = [...this.#active].find((active) => active.request === request);
    if (exchange === undefined) return false;
    exchange.response.shouldKeepAlive = false;
    exchange.refuse("malformed_http", { errorType });
    return true;
  }

  /** Answers on a bare socket, where node:http makes no response. */
  refuseRaw(
    socket: Socket,
    code: OwnFailure,
    about: { errorType: string | null; clientIp: string | null; method: string | null },
  ): void {
    const requestId = newRequestId();
    const body = errorBody({ code, requestId });
    const outcome = failed(code, about.errorType);
    const text = `HTTP/1.1 ${outcome.statusCode} ${code}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\n\r\n${body}`;
    const facts: RefusedFacts = {
      kind: "api",
      action: "request",
      requestId,
      caller: "http",
      clientIp: about.clientIp,
      method: about.method,
      durationMs: 0,
      responseSize: Buffer.byteLength(text),
    };
    this.#log(facts, outcome);
    socket.end(text, () => socket.destroySoon());
  }

  /** Bytes that are no request, behind one that is still being answered: an event, but no place for an answer. */
  logMalformed(errorType: string, clientIp: string | null): void {
    const facts = { kind: "api", action: "request", caller: "http", clientIp } as const;
    this.#log({ ...facts, durationMs: 0, responseSize: 0 }, failed("malformed_http", errorType));
  }

  #log(facts: RefusedFacts, outcome: Outcome): void {
    const { recorder, refusals } = this.#options;
    if (!refusals.count(facts, outcome)) recorder.log(facts, outcome);
  }

  /** From now on new requests are refused; resolves when all others are over, at the latest after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    // What is open for as long as both like ends now, and nobody goes on with a stream any more.
    this.#options.mcp.book.close();
    for (const { work } of this.#active) if (work?.stays) work.cut("shutting_down");
    if (this.#active.size === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    const cut = setTimeout(() => this.cut(), graceMs);
    await this.#idle.promise;
    clearTimeout(cut);
  }

  /** Ends the grace of a running `drain` now: what is still open is answered `shutting_down`, then cut. */
  cut(): void {
    for (const exchange of this.#active) {
      if (exchange.work === null) exchange.refuse("shutting_down");
      else exchange.work.cut("shutting_down");
    }
    setTimeout(() => {
      for (const exchange of this.#active) exchange.response.destroy();
    }, CUT_MS);
  }

  get active(): number {
    return this.#active.size;
  }

  async #serve(exchange: Exchange, endpoint: Endpoint, verdict: Verdict, path: string): Promise<void> {
    const { request, handle } = exchange;
    if (!verdict.ok && verdict.keyId !== null) handle.note({ apiKeyId: verdict.keyId });
    if (verdict.ok) handle.note({ apiKeyId: verdict.key.id, userId: verdict.key.userId });
    if (this.#draining) {
      exchange.response.shouldKeepAlive = false;
      return exchange.refuse("shutting_down");
    }
    if (!verdict.ok) return exchange.refuse(verdict.code, verdict.detail);
    const { key } = verdict;
    const { protocol, passed } = endpoint;
    if (protocol !== null) return serveInference(exchange, protocol, key, this.#options);
    if (passed !== null) return servePassThrough(exchange, passed, key, this.#options);
    const { routes } = this.#options;
    serveModels(exchange, { routes, key, dialect: dialectOf(endpoint, request), model: modelIn(path) });
  }

  #left(exchange: Served): void {
    this.#active.delete(exchange);
    if (this.#draining && this.#active.size === 0) this.#idle?.resolve();
  }
}

function doorOptions(options: GatewayOptions): McpDoorOptions {
  const { mcp } = options;
  return {
    recorder: options.recorder,
    refusals: options.refusals,
    rulings: options.rulings,
    admission: options.admission,
    profile: options.profile,
    authenticateKey: options.authenticateKey,
    clientIp: options.clientIp,
    servers: mcp.servers,
    book: mcp.book,
    rounds: mcp.rounds,
    streams: mcp.streams,
    get maxStreams() {
      return mcp.maxStreams;
    },
    get maxBodyBytes() {
      return options.maxBodyBytes;
    },
    get userAgent() {
      return options.userAgent;
    },
    get audit() {
      return mcp.audit;
    },
  };
}

/** The answer of a refusal that has no event of its own. */
function answerCounted(
  response: ServerResponse,
  requestId: string,
  { status, headers, body }: OwnAnswer,
): void {
  response.writeHead(status, { "x-request-id": requestId, ...headers }).end(body);
}

/** The path without its query string. */
function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "";
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}
