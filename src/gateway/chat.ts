// POST /v1/chat/completions: body, checks, route, then the route's providers in order until one answers.
import { failed } from "../event/outcomes.ts";
import { type InferenceRequest, isRefusal, type Protocol } from "../protocols/protocol.ts";
import { Attempt, type AttemptResult } from "./attempt.ts";
import { readBody } from "./body.ts";
import { type Exchange, STRICT_DEADLINE_MS } from "./exchange.ts";
import { Relay } from "./relay.ts";
import type { Route, Routes, Target } from "./routes.ts";
import { upstreamHeaders } from "./wire.ts";

export interface ChatOptions {
  readonly exchange: Exchange;
  readonly protocol: Protocol;
  readonly routes: Routes;
  readonly maxBodyBytes: number;
  readonly timeoutMs: number;
  /** Aborts when the server cannot wait any longer. */
  readonly stop: AbortSignal;
}

interface Try {
  readonly provider: string;
  readonly code: string | number;
  readonly ms: number;
}

/** A provider that answers so may be followed by the next one. */
const GOES_ON = new Set([408, 409, 429, 500, 502, 503, 504, 529]);

export async function serveChat(options: ChatOptions): Promise<void> {
  const { exchange, protocol, routes, maxBodyBytes } = options;
  const { "content-encoding": encoding = "identity" } = exchange.request.headers;
  if (encoding !== "identity")
    return exchange.refuse("invalid_request", { message: "The body is compressed. Send it uncompressed." });
  const body = await readBody(exchange, maxBodyBytes);
  if (body.is === "broken") return;
  if (body.is === "too_large") {
    return exchange.refuse("payload_too_large", {
      message: `The request body is larger than ${maxBodyBytes} bytes (limits.max_body_bytes).`,
    });
  }
  const request = protocol.parseRequest(body.bytes);
  if (isRefusal(request)) return exchange.refuse("invalid_request", request);
  const route = routes.find(request.model);
  exchange.handle.note({ model: request.model, streaming: request.streaming, route: route?.model ?? null });
  if (route === null) {
    return exchange.refuse("not_found", {
      message: "No route serves this model. GET /v1/models is the list; routes are in daybook.yaml.",
      param: "model",
    });
  }
  if (!(await exchange.handle.announce(STRICT_DEADLINE_MS))) return exchange.refuse("audit_unavailable");
  if (!exchange.isOver) await new ChatService(options, request, route).run();
}

class ChatService {
  readonly #options: ChatOptions;
  readonly #request: InferenceRequest;
  readonly #route: Route;
  readonly #tries: Try[] = [];
  #relay: Relay | null = null;
  #attempt: Attempt | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ChatOptions, request: InferenceRequest, route: Route) {
    this.#options = options;
    this.#request = request;
    this.#route = route;
  }

  async run(): Promise<void> {
    const { exchange, timeoutMs, stop } = this.#options;
    exchange.onLeave = () => this.#left();
    const onStop = () => this.#cut("shutting_down");
    stop.addEventListener("abort", onStop, { once: true });
    this.#timer = setTimeout(() => this.#cut("timeout"), timeoutMs);
    try {
      await this.#tryAll();
      await exchange.ended;
    } finally {
      clearTimeout(this.#timer);
      this.#attempt?.release();
      stop.removeEventListener("abort", onStop);
    }
  }

  async #tryAll(): Promise<void> {
    const { exchange } = this.#options;
    const { targets } = this.#route;
    let result: AttemptResult = { is: "unreachable", code: "no_provider" };
    for (const [index, target] of targets.entries()) {
      result = await this.#try(target, index === targets.length - 1);
      if (exchange.isOver || result.is === "accepted") return;
    }
    exchange.refuse("provider_unreachable", { errorType: result.is === "unreachable" ? result.code : null });
  }

  async #try(target: Target, isLast: boolean): Promise<AttemptResult> {
    const { exchange, protocol } = this.#options;
    const { provider, backendType } = target;
    const startedAt = performance.now();
    const relay = new Relay({
      exchange,
      protocol,
      request: this.#request,
      onDrain: () => this.#attempt?.resume(),
    });
    const attempt = new Attempt({
      target,
      headers: {
        ...upstreamHeaders(exchange.request.headers, target.headers),
        "x-request-id": exchange.requestId,
      },
      body: protocol.upstreamBody(this.#request, { model: target.upstreamModel, askUsage: true }),
      accept: (status) => {
        const accepted = isLast || !GOES_ON.has(status);
        const code = status < 400 ? "ok" : status;
        this.#note({ provider, code, ms: Math.round(performance.now() - startedAt) });
        if (accepted) this.#relay = relay;
        return accepted;
      },
      sink: relay,
    });
    this.#attempt = attempt;
    exchange.handle.note({ provider, backendType });
    const result = await attempt.start();
    if (result.is === "unreachable" && !exchange.isOver) {
      this.#note({ provider, code: result.code, ms: Math.round(performance.now() - startedAt) });
    }
    return result;
  }

  /** A single try that was answered says nothing that the event's own columns do not say. */
  #note(entry: Try): void {
    this.#tries.push(entry);
    if (this.#tries.length > 1 || entry.code !== "ok")
      this.#options.exchange.handle.note({ attempts: [...this.#tries] });
  }

  #left(): void {
    this.#attempt?.abort();
    this.#relay?.left();
  }

  /** The time limit passed, or the server must go. */
  #cut(code: "timeout" | "shutting_down"): void {
    const { exchange } = this.#options;
    if (exchange.isOver) return;
    this.#attempt?.abort();
    if (this.#relay === null) exchange.refuse(code);
    else this.#relay.interrupt(failed(code), code);
  }
}
