// Paths that a provider passes through: any method, bodies streamed both ways, nothing of them read. The event has
// the metadata only; no model is known of, so nothing is counted and no other provider can have a turn.
import { Transform } from "node:stream";
import { failed } from "../event/outcomes.ts";
import type { Dialect, Protocol } from "../protocols/protocol.ts";
import { PROTOCOLS } from "../protocols/protocols.ts";
import { Attempt } from "./attempt.ts";
import { type Exchange, STRICT_DEADLINE_MS, type Work } from "./exchange.ts";
import { type InferenceOptions, isLet, type Key } from "./inference.ts";
import { Relay } from "./relay.ts";
import { isProviderFault } from "./retries.ts";
import type { Table } from "./routes.ts";
import type { Place, Upstream } from "./upstream.ts";
import { passedHeaders } from "./wire.ts";

/** A path that is passed through, and who serves it. */
export interface Passed {
  readonly provider: Upstream;
  /** The prefix that lists it. */
  readonly prefix: string;
  readonly table: Table;
}

/** Whose errors are looked for in an answer. */
const READING: { readonly [D in Dialect]: Protocol } = {
  openai: PROTOCOLS.get("/v1/chat/completions") as Protocol,
  anthropic: PROTOCOLS.get("/v1/messages") as Protocol,
};

/** What policies see of a request that is not read. */
const UNREAD = {
  action: "pass_through",
  model: null,
  route: null,
  maxTokens: null,
  streaming: false,
  toolCount: 0,
} as const;

export async function servePassThrough(
  exchange: Exchange,
  { provider, table }: Passed,
  key: Key,
  options: Omit<InferenceOptions, "routes" | "maxBodyBytes">,
): Promise<void> {
  if (key.models !== undefined && key.models !== null) {
    return exchange.refuse("forbidden", {
      message: "This API key is for certain models; what is passed through names none.",
      errorType: "model_not_allowed",
    });
  }
  if (!isLet(exchange, key, { ...UNREAD, requestSize: announced(exchange) }, options)) return;
  const admitted = options.admission.admit({
    eventId: exchange.handle.eventId,
    keyId: key.id,
    userId: key.userId,
    model: "",
    action: "pass_through",
    routeId: null,
    price: null,
    requestBytes: 0,
    maxTokens: 0,
  });
  if (!admitted.ok) {
    exchange.handle.note(admitted.facts);
    return exchange.refuse(admitted.code, admitted);
  }
  exchange.admit(admitted);
  if (!(await exchange.handle.announce(STRICT_DEADLINE_MS))) return exchange.refuse("audit_unavailable");
  if (exchange.isOver) return;
  const limitMs = provider.timeoutsMs.chat ?? options.timeoutsMs.chat;
  table.hold();
  try {
    await new PassThrough(exchange, provider).run(limitMs);
  } finally {
    table.release();
  }
}

class PassThrough implements Work {
  readonly #exchange: Exchange;
  readonly #provider: Upstream;
  #attempt: Attempt | null = null;
  #relay: Relay | null = null;

  constructor(exchange: Exchange, provider: Upstream) {
    this.#exchange = exchange;
    this.#provider = provider;
  }

  async run(limitMs: number): Promise<void> {
    const exchange = this.#exchange;
    const provider = this.#provider;
    const { request, handle } = exchange;
    exchange.work = this;
    handle.note({ provider: provider.name, providerId: provider.id, backendType: provider.backendType });
    const timer = setTimeout(() => this.cut("timeout"), limitMs);
    const dialect = this.#dialect();
    const headers = passedHeaders(request.headers, dialect, provider.headers(dialect));
    headers["x-request-id"] = exchange.requestId;
    const body = hasBody(exchange) ? counted(exchange) : null;
    const attempt = new Attempt({
      dispatcher: provider.dispatcher,
      method: request.method ?? "GET",
      place: this.#place(),
      headers,
      body,
      accept: (status) => {
        provider.lastCode = status < 400 ? "ok" : status;
        if (isProviderFault(status)) provider.breaker.failed();
        else provider.breaker.succeeded();
        this.#relay = new Relay(exchange, { protocol: READING[dialect], request: null }, attempt);
        return this.#relay;
      },
    });
    this.#attempt = attempt;
    try {
      const result = await attempt.start();
      if (result.is === "unreachable" && !exchange.isOver) {
        provider.lastCode = result.code;
        provider.breaker.failed();
        exchange.refuse("provider_unreachable", { errorType: result.code });
      }
      await exchange.ended;
    } finally {
      clearTimeout(timer);
      attempt.release();
      // An answer that came before the body was whole: its rest must not stand in the next request's way.
      if (body !== null) request.unpipe(body).resume();
    }
  }

  left(): void {
    this.#attempt?.abort();
    this.#relay?.left();
  }

  cut(code: "timeout" | "shutting_down"): void {
    if (this.#exchange.isOver) return;
    this.#attempt?.abort(code);
    if (this.#relay === null) this.#exchange.refuse(code);
    else this.#relay.interrupt(failed(code), code);
  }

  #place(): Place {
    const url = this.#exchange.request.url ?? "";
    const query = url.indexOf("?");
    const path = query === -1 ? url : url.slice(0, query);
    return this.#provider.placeBeside(path as `/v1/${string}`, query === -1 ? "" : url.slice(query));
  }

  /** The client's, where the provider speaks it. */
  #dialect(): Dialect {
    const asked = this.#exchange.request.headers["anthropic-version"] === undefined ? "openai" : "anthropic";
    const [first = asked] = this.#provider.protocols;
    return this.#provider.speaks(asked) ? asked : first;
  }
}

/** Bytes of the body as the head says; 0 where it does not. */
function announced({ request }: Exchange): number {
  return Number(request.headers["content-length"] ?? 0);
}

function hasBody({ request }: Exchange): boolean {
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || length !== "0";
}

/** The request's body on its way, counted. */
function counted(exchange: Exchange): Transform {
  const { request } = exchange;
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      exchange.received += chunk.length;
      done(null, chunk);
    },
  });
  // A client that leaves has the exchange's own way out; here only nobody must wait for the rest of its body.
  request.once("close", () => request.complete || body.destroy());
  body.on("error", () => {});
  return request.pipe(body);
}
