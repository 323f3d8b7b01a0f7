// A request for inference, whatever its protocol: body, checks, route, admission, then the route's providers until
// one answers.
import type { IncomingHttpHeaders } from "node:http";
import { failed } from "../event/outcomes.ts";
import { type InferenceRequest, isRefusal, type Protocol } from "../protocols/protocol.ts";
import type { Admission } from "./admission.ts";
import { type AnswerSink, Attempt, type AttemptResult } from "./attempt.ts";
import { readBody } from "./body.ts";
import { type Exchange, STRICT_DEADLINE_MS, type Work } from "./exchange.ts";
import { matchesAny } from "./globs.ts";
import type { OwnFailure, RefusalDetail } from "./own-answer.ts";
import { Relay } from "./relay.ts";
import { isProviderFault, isRetryable } from "./retries.ts";
import { type Route, type Routes, speaking, type Target } from "./routes.ts";
import { type RulingQuestion, type Rulings, rulingFacts } from "./rulings.ts";
import { Turns } from "./turns.ts";
import type { Timeouts, Upstream } from "./upstream.ts";
import { upstreamHeaders } from "./wire.ts";

/** Who asks. */
export interface Key {
  readonly id: string;
  readonly userId: string | null;
  /** Globs of the models that it may use; absent or null: all. */
  readonly models?: readonly string[] | null;
}

export interface InferenceOptions {
  readonly routes: Routes;
  readonly rulings: Rulings;
  readonly admission: Admission;
  /** Of the configuration; policies may ask for it. */
  readonly profile: string | null;
  readonly maxBodyBytes: number;
  readonly timeoutsMs: Timeouts;
  /** Told of each request that goes to a provider: how long it was here before. */
  readonly onForwarded: (waitedMs: number) => void;
}

/** What policies see of a request for inference. */
type Asked = Pick<
  RulingQuestion,
  "action" | "model" | "route" | "requestSize" | "maxTokens" | "streaming" | "toolCount"
>;

interface Try {
  readonly provider: string;
  readonly code: string | number;
  readonly ms: number;
}

export async function serveInference(
  exchange: Exchange,
  protocol: Protocol,
  key: Key,
  options: InferenceOptions,
): Promise<void> {
  const inference = await admit(exchange, protocol, key, options);
  if (inference === null) return;
  if (!(await exchange.handle.announce(STRICT_DEADLINE_MS))) exchange.refuse("audit_unavailable");
  else if (!exchange.isOver) await inference.run();
}

/** Null: the request was refused, or is over. What is waited for later must not hold what is read here. */
async function admit(
  exchange: Exchange,
  protocol: Protocol,
  key: Key,
  options: InferenceOptions,
): Promise<Inference | null> {
  const body = await bodyOf(exchange, options.maxBodyBytes);
  if (body === null) return null;
  const wholeAt = performance.now();
  const request = protocol.parseRequest(body);
  const refuse = (code: OwnFailure, detail: RefusalDetail) => {
    exchange.refuse(code, detail);
    return null;
  };
  if (isRefusal(request)) return refuse("invalid_request", request);
  const { model, streaming } = request;
  const route = options.routes.find(model);
  exchange.handle.note({ model, streaming, route: route?.model ?? null, routeId: route?.id ?? null });
  if (!isAllowed(key, model)) return refuse("forbidden", NOT_ALLOWED);
  if (route === null) return refuse("not_found", NO_ROUTE);
  const targets = speaking(route, protocol.dialect);
  if (targets.length === 0) return refuse("invalid_request", wrongDialect(route, protocol));
  const { bodyBytes: requestSize, maxTokens, toolCount } = request;
  const asked = {
    action: protocol.action,
    model,
    route: route.model,
    requestSize,
    maxTokens,
    streaming,
    toolCount,
  };
  if (!isLet(exchange, key, asked, options)) return null;
  const admitted = options.admission.admit({
    eventId: exchange.handle.eventId,
    keyId: key.id,
    userId: key.userId,
    model,
    action: protocol.action,
    routeId: route.id,
    price: route.price,
    requestBytes: request.promptBytes,
    maxTokens: request.maxTokens,
  });
  if (!admitted.ok) {
    exchange.handle.note(admitted.facts);
    return refuse(admitted.code, admitted);
  }
  exchange.admit(admitted);
  const limitMs = options.timeoutsMs[limitOf(protocol)];
  const onForwarded = () => options.onForwarded(performance.now() - wholeAt);
  return new Inference({ exchange, protocol, request, route, targets, limitMs, onForwarded });
}

/** The whole body; null when it was refused, or never came. */
async function bodyOf(exchange: Exchange, maxBytes: number): Promise<Buffer | null> {
  const { "content-encoding": encoding = "identity" } = exchange.request.headers;
  if (encoding !== "identity") {
    exchange.refuse("invalid_request", { message: "The body is compressed. Send it uncompressed." });
    return null;
  }
  const body = await readBody(exchange, maxBytes);
  if (body.is === "whole") return body.bytes;
  if (body.is === "too_large") {
    exchange.refuse("payload_too_large", {
      message: `The request body is larger than ${maxBytes} bytes (limits.max_body_bytes).`,
    });
  }
  return null;
}

/** Asks policies, before anything is counted or held for the request. False: one denied it, and it is answered. */
export function isLet(
  exchange: Exchange,
  key: Key,
  { action, model, route, requestSize, maxTokens, streaming, toolCount }: Asked,
  { rulings, profile }: Pick<InferenceOptions, "rulings" | "profile">,
): boolean {
  const ruling = rulings.decide({
    kind: "inference",
    action,
    name: null,
    server: null,
    model,
    route,
    userId: key.userId,
    apiKeyId: key.id,
    profile,
    caller: "http",
    requestSize,
    maxTokens,
    streaming,
    toolCount,
    arguments: undefined,
  });
  if (ruling.decision === "n/a") return true;
  exchange.handle.note(rulingFacts(ruling));
  if (ruling.decision !== "deny") return true;
  exchange.refuse("policy_denied", ruling.reason === null ? {} : { message: ruling.reason });
  return false;
}

/** Whether `key` may use `model`. */
export function isAllowed({ models }: Key, model: string): boolean {
  return models === undefined || models === null || matchesAny(models, model);
}

const NOT_ALLOWED = {
  message: "This API key may not use this model.",
  param: "model",
  errorType: "model_not_allowed",
} as const;

export const NO_ROUTE = {
  message: "No route serves this model. GET /v1/models is the list.",
  param: "model",
} as const;

/** A request is never translated: what the client says is what the provider gets. */
function wrongDialect({ targets }: Route, { dialect, endpoint }: Protocol) {
  const spoken = targets[0]?.provider.protocols.join(" and ") ?? "none";
  return {
    message: `No provider of this model speaks the ${dialect} protocol of ${endpoint}; they speak: ${spoken}.`,
    param: "model",
    errorType: "dialect_mismatch",
  };
}

function limitOf({ action }: Protocol): keyof Timeouts {
  if (action === "completion") return "completions";
  return action === "embedding" ? "embeddings" : "chat";
}

interface Parts {
  readonly exchange: Exchange;
  readonly protocol: Protocol;
  readonly request: InferenceRequest;
  readonly route: Route;
  readonly targets: readonly Target[];
  /** Of a provider that has none of its own. */
  readonly limitMs: number;
  /** The first try is made. */
  readonly onForwarded: () => void;
}

class Inference implements Work {
  readonly #parts: Parts;
  readonly #tries: Try[] = [];
  readonly #turns: Turns;
  /** Of the whole request: the longest that one of its providers may take. */
  readonly #limitMs: number;
  /** The answer that the client is getting. */
  #relay: Relay | null = null;
  #attempt: Attempt | null = null;
  /** Of the try that is under way, when it has a limit of its own. */
  #tryTimer: NodeJS.Timeout | undefined;
  /** Ends the wait between two rounds. */
  #wake: (() => void) | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#limitMs = Math.max(...parts.targets.map(({ provider }) => this.#limitOf(provider)));
    this.#turns = new Turns({ targets: parts.targets, deadline: performance.now() + this.#limitMs });
  }

  async run(): Promise<void> {
    const { exchange, route } = this.#parts;
    exchange.work = this;
    route.table.hold();
    const timer = setTimeout(() => this.cut("timeout"), this.#limitMs);
    try {
      await this.#ask();
      await exchange.ended;
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#tryTimer);
      this.#attempt?.release();
      route.table.release();
    }
  }

  left(): void {
    this.#wake?.();
    this.#attempt?.abort();
    this.#relay?.left();
  }

  cut(code: "timeout" | "shutting_down"): void {
    const { exchange } = this.#parts;
    if (exchange.isOver) return;
    this.#wake?.();
    this.#attempt?.abort(code);
    if (this.#relay === null) exchange.refuse(code);
    else this.#relay.interrupt(failed(code), code);
  }

  async #ask(): Promise<void> {
    const { exchange } = this.#parts;
    const turns = this.#turns;
    let result: AttemptResult = { is: "unreachable", code: "no_provider" };
    for (;;) {
      for (let target = turns.take(); target !== null; target = turns.take()) {
        result = await this.#try(target);
        if (exchange.isOver || result.is === "accepted") return;
      }
      const { waitMs } = turns;
      if (waitMs === null) break;
      await this.#wait(waitMs);
      if (exchange.isOver) return;
      turns.nextRound();
    }
    const errorType = result.is === "unreachable" ? result.code : null;
    if (errorType === "timeout") exchange.refuse("timeout");
    else exchange.refuse("provider_unreachable", { errorType });
  }

  async #try(target: Target): Promise<AttemptResult> {
    const { exchange, protocol, request } = this.#parts;
    const { provider, upstreamModel } = target;
    const startedAt = performance.now();
    const headers = upstreamHeaders(
      exchange.request.headers,
      protocol.dialect,
      provider.headers(protocol.dialect),
    );
    headers["x-request-id"] = exchange.requestId;
    const attempt = new Attempt({
      dispatcher: provider.dispatcher,
      method: "POST",
      place: provider.place(protocol.endpoint, upstreamModel ?? request.model),
      headers,
      body: protocol.upstreamBody(request, { model: upstreamModel, askUsage: provider.askUsage }),
      accept: (status, answer) => this.#accept(target, startedAt, status, answer),
    });
    this.#attempt = attempt;
    this.#limitTry(provider, attempt);
    exchange.handle.note({
      provider: provider.name,
      providerId: provider.id,
      backendType: provider.backendType,
    });
    const started = attempt.start();
    if (this.#tries.length === 0) this.#parts.onForwarded();
    const result = await started;
    if (result.is !== "accepted") clearTimeout(this.#tryTimer);
    if (result.is !== "unreachable") return result;
    if (this.#hasLeft(result.code)) provider.breaker.gaveUp();
    else {
      provider.breaker.failed();
      if (!exchange.isOver) this.#turns.failed(target, null);
    }
    if (!exchange.isOver) this.#note(provider, result.code, startedAt);
    return result;
  }

  /** A provider with a shorter limit than the request's gives way to the next one, unless it has begun to answer. */
  #limitTry(provider: Upstream, attempt: Attempt): void {
    const limitMs = this.#limitOf(provider);
    if (limitMs >= this.#limitMs) return;
    this.#tryTimer = setTimeout(() => {
      if (this.#relay === null) attempt.abort("timeout");
      else this.cut("timeout");
    }, limitMs);
  }

  #limitOf(provider: Upstream): number {
    const { protocol, limitMs } = this.#parts;
    return provider.timeoutsMs[limitOf(protocol)] ?? limitMs;
  }

  /** Where the answer goes, or null when another try may do better. */
  #accept(
    target: Target,
    startedAt: number,
    status: number,
    headers: IncomingHttpHeaders,
  ): AnswerSink | null {
    const { provider } = target;
    if (isProviderFault(status)) provider.breaker.failed();
    else provider.breaker.succeeded();
    this.#note(provider, status < 400 ? "ok" : status, startedAt);
    if (isRetryable(status)) {
      this.#turns.failed(target, headers);
      if (this.#turns.more) return null;
    }
    this.#parts.request.body.release();
    this.#relay = new Relay(this.#parts.exchange, this.#parts, this.#attempt as Attempt);
    return this.#relay;
  }

  /** A single try that was answered says nothing that the event's own columns do not say. */
  #note(provider: Upstream, code: string | number, startedAt: number): void {
    provider.lastCode = code;
    this.#tries.push({ provider: provider.name, code, ms: Math.round(performance.now() - startedAt) });
    if (this.#tries.length > 1 || code !== "ok")
      this.#parts.exchange.handle.note({ attempts: [...this.#tries] });
  }

  /** The try ended for a reason that says nothing of the provider. */
  #hasLeft(code: string): boolean {
    return code === "cancelled" || code === "shutting_down";
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
