// The door for LLM clients: every request under /v1/ becomes one exchange, and so one event.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { nativeCode } from "../event/errors.ts";
import type { Facts, Kind } from "../event/fields.ts";
import { newRequestId } from "../event/ids.ts";
import { failed } from "../event/outcomes.ts";
import { errorBody } from "../protocols/openai-errors.ts";
import type { Recorder } from "../recorder/recorder.ts";
import { dialectOf, type Endpoint, ERROR_BODIES, endpointOf, modelIn } from "./endpoints.ts";
import { Exchange, type OwnFailure, type RefusalDetail } from "./exchange.ts";
import { type InferenceOptions, type Key, serveInference } from "./inference.ts";
import { serveModels } from "./models.ts";
import { presentedKey } from "./wire.ts";

export type KeyCheck =
  | { readonly ok: true; readonly key: Key }
  | { readonly ok: false; readonly reason: string; readonly keyId?: string };

export interface GatewayOptions extends InferenceOptions {
  readonly recorder: Recorder;
  readonly authenticateKey: (presented: string) => KeyCheck;
  readonly clientIp: (request: IncomingMessage) => string | null;
  readonly userAgent: boolean;
}

const NO_KEY: RefusalDetail = { message: "No API key: send it as `Authorization: Bearer …` or `x-api-key`." };

/** How long a client has to read its last answer. */
const CUT_MS = 500;

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #active = new Map<IncomingMessage, Exchange>();
  #draining = false;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Serves one request. Never throws; the event is finished when `response` is over. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const { recorder, clientIp, userAgent } = this.#options;
    const path = pathOf(request);
    const endpoint = endpointOf(path);
    const exchange = new Exchange({
      request,
      response,
      recorder,
      userAgent,
      clientIp: clientIp(request),
      facts: { ...endpoint.facts, method: request.method ?? null },
      errorBody: ERROR_BODIES[dialectOf(endpoint, request)],
    });
    this.#active.set(request, exchange);
    void exchange.ended.then(() => this.#left(exchange));
    this.#serve(exchange, endpoint, path).catch((error: unknown) => {
      exchange.refuse("internal_error", { errorType: nativeCode(error) });
    });
  }

  /** The body of a request that is being served is not as its head said. False: nobody here serves it. */
  brokenBody(request: IncomingMessage, errorType: string): boolean {
    const exchange = this.#active.get(request);
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
    const { recorder } = this.#options;
    const requestId = newRequestId();
    const body = errorBody({ code, requestId });
    const outcome = failed(code, about.errorType);
    const text = `HTTP/1.1 ${outcome.statusCode} ${code}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\n\r\n${body}`;
    const facts: Facts & { kind: Kind; action: string } = {
      kind: "api",
      action: "request",
      requestId,
      caller: "http",
      clientIp: about.clientIp,
      method: about.method,
      durationMs: 0,
      responseSize: Buffer.byteLength(text),
    };
    recorder.log(facts, outcome);
    socket.end(text, () => socket.destroySoon());
  }

  /** Bytes that are no request, behind one that is still being answered: an event, but no place for an answer. */
  logMalformed(errorType: string, clientIp: string | null): void {
    this.#options.recorder.log(
      { kind: "api", action: "request", caller: "http", clientIp, durationMs: 0, responseSize: 0 },
      failed("malformed_http", errorType),
    );
  }

  /** From now on new requests are refused; resolves when all others are over, at the latest after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    if (this.#active.size === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    const cut = setTimeout(() => this.cut(), graceMs);
    await this.#idle.promise;
    clearTimeout(cut);
  }

  /** Ends the grace of a running `drain` now: what is still open is answered `shutting_down`, then cut. */
  cut(): void {
    for (const exchange of this.#active.values()) {
      if (exchange.work === null) exchange.refuse("shutting_down");
      else exchange.work.cut("shutting_down");
    }
    setTimeout(() => {
      for (const exchange of this.#active.values()) exchange.response.destroy();
    }, CUT_MS);
  }

  get active(): number {
    return this.#active.size;
  }

  async #serve(exchange: Exchange, endpoint: Endpoint, path: string): Promise<void> {
    const { request } = exchange;
    if (this.#draining) {
      exchange.response.shouldKeepAlive = false;
      return exchange.refuse("shutting_down");
    }
    if (request.httpVersion === "1.1" && request.headers.host === undefined)
      return exchange.refuse("malformed_http");
    if (endpoint.method === null) return exchange.refuse("not_found", { message: "There is no such path." });
    if (request.method !== endpoint.method)
      return exchange.refuse("method_not_allowed", { headers: { allow: endpoint.method } });
    const key = this.#authenticate(exchange);
    if (key === null) return;
    if (endpoint.protocol !== null) return serveInference(exchange, endpoint.protocol, key, this.#options);
    const { routes } = this.#options;
    serveModels(exchange, { routes, key, dialect: dialectOf(endpoint, request), model: modelIn(path) });
  }

  /** Whose request it is; null when it was refused. */
  #authenticate(exchange: Exchange): Key | null {
    const presented = presentedKey(exchange.request);
    if (presented === null) {
      exchange.refuse("unauthorized", NO_KEY);
      return null;
    }
    const check = this.#options.authenticateKey(presented);
    if (check.ok) {
      exchange.handle.note({ apiKeyId: check.key.id, userId: check.key.userId });
      return check.key;
    }
    if (check.keyId !== undefined) exchange.handle.note({ apiKeyId: check.keyId });
    exchange.refuse("unauthorized", { errorType: check.reason });
    return null;
  }

  #left(exchange: Exchange): void {
    this.#active.delete(exchange.request);
    if (this.#draining && this.#active.size === 0) this.#idle?.resolve();
  }
}

/** The path without its query string. */
function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "";
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}
