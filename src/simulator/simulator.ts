// The built-in simulated provider: a real HTTP server that speaks OpenAI's and Anthropic's endpoints and says of
// every answer that it is simulated. It serves `npm start` without configuration, tests and benches; a request steers
// it through its body member `simulate` (directives.ts).
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Directives,
  parseDirectives,
  Refusal,
  SIMULATED_FAILURES,
  type SimulatedFailure,
} from "./directives.ts";
import { Exchange } from "./exchange.ts";
import type { Errors, Form } from "./form.ts";
import { FORMS } from "./forms.ts";
import { OPENAI_ERRORS } from "./openai-errors.ts";
import { createAnswer, parseRequest } from "./request.ts";

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MODELS = JSON.stringify({
  object: "list",
  data: [{ id: "demo", object: "model", created: 0, owned_by: "daybook-simulator" }],
});
const ANTHROPIC_MODELS = JSON.stringify({
  data: [{ type: "model", id: "demo", display_name: "demo", created_at: "1970-01-01T00:00:00Z" }],
  has_more: false,
  first_id: "demo",
  last_id: "demo",
});

export interface Arrival {
  /** 1 for the first request; the answer's `x-request-id` is `sim-<sequence>`. */
  readonly sequence: number;
  /** The request's own `x-request-id`. */
  readonly requestId: string | null;
}

export interface SimulatorOptions {
  readonly host?: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** For requests that do not say otherwise themselves. */
  readonly defaults?: Directives;
  /** Called at each request's head, in order of arrival, before its body is read. */
  readonly onRequest?: (arrival: Arrival) => void;
  /** Called when a request is over, however it ended; `aborted`: the client left before its answer was whole. */
  readonly onEnd?: (end: Arrival & { readonly aborted: boolean }) => void;
}

interface Counts {
  /** Requests received, on all paths. */
  requests: number;
  /** Clients that left before their answer was whole. */
  aborted: number;
  /** Requests by the failure they were directed to. */
  readonly failures: Record<SimulatedFailure, number>;
}

export interface Simulator extends AsyncDisposable {
  /** Without a trailing slash and without `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly counts: Readonly<Counts>;
  /** Destroys open connections; ends when the port is free. */
  close(): Promise<void>;
}

/** Listens and answers; rejects when it cannot listen, or when `defaults` are not valid. */
export async function openSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new HttpSimulator(options);
  await simulator.listen(options.host ?? "127.0.0.1", options.port ?? 0);
  return simulator;
}

class HttpSimulator implements Simulator {
  readonly #server: Server;
  readonly #options: SimulatorOptions;
  readonly #defaults: Directives;
  /** Kept, because a closed server has none. */
  #address: AddressInfo = { address: "", family: "IPv4", port: 0 };
  #closed: Promise<void> | undefined;
  readonly counts: Counts = {
    requests: 0,
    aborted: 0,
    failures: Object.fromEntries(SIMULATED_FAILURES.map((name) => [name, 0])) as Counts["failures"],
  };

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#defaults = parseDirectives(options.defaults);
    this.#server = createServer((request, response) => this.#receive(request, response));
    // An idle connection stays: closing it would race with a client that is about to use it again.
    this.#server.keepAliveTimeout = 0;
  }

  get port(): number {
    return this.#address.port;
  }

  get url(): string {
    const { address, family, port } = this.#address;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  listen(host: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(port, host, () => {
      this.#address = this.#server.address() as AddressInfo;
      this.#server.off("error", reject);
      resolve();
    });
    return promise;
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const sequence = ++this.counts.requests;
    const header = request.headers["x-request-id"];
    const arrival = { sequence, requestId: typeof header === "string" ? header : null };
    const exchange = new Exchange(response, {
      "x-request-id": `sim-${sequence}`,
      "x-daybook-simulated": "true",
    });
    response.once("close", () => {
      const aborted = exchange.aborted && this.#closed === undefined;
      if (aborted) this.counts.aborted++;
      this.#options.onEnd?.({ ...arrival, aborted });
    });
    this.#options.onRequest?.(arrival);

    const path = request.url?.split("?", 1)[0] ?? "";
    const form = request.method === "POST" ? FORMS.get(path) : undefined;
    if (form !== undefined) readBody(request, (body) => this.#answer(form, body, sequence, exchange));
    else if (request.method === "GET" && path === "/v1/models")
      exchange.json(200, request.headers["anthropic-version"] === undefined ? MODELS : ANTHROPIC_MODELS);
    else
      refuse(exchange, OPENAI_ERRORS, new Refusal("There is no such path or method here.", { status: 404 }));
  }

  #answer(form: Form, body: Buffer | null, sequence: number, exchange: Exchange): void {
    try {
      if (body === null) throw new Refusal(`The body exceeds ${MAX_BODY_BYTES} bytes.`, { status: 413 });
      const request = parseRequest(body, form, this.#defaults);
      const { directives } = request;
      const { failure, status } = directives;
      if (failure !== undefined) this.counts.failures[failure]++;
      const answer = createAnswer(request, sequence, Math.floor(Date.now() / 1000));
      if (failure === "echo") sendEcho(exchange, form.errors, directives, body.toString("utf8"));
      else if (status !== undefined) sendError(exchange, form.errors, directives, status);
      else if (request.streaming && form.stream !== null)
        exchange.stream(form.stream(answer), directives, form.errors);
      else if (failure === "mid_stream_error") sendError(exchange, form.errors, directives, 200);
      else exchange.json(200, form.body(answer), directives);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(exchange, form.errors, error);
    }
  }
}

/** Hands over the whole body, or null when it is too large; never calls back when the client leaves first. */
function readBody(request: IncomingMessage, then: (body: Buffer | null) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  request.on("end", () => {
    then(
      size > MAX_BODY_BYTES
        ? null
        : chunks.length === 1 && chunks[0]
          ? chunks[0]
          : Buffer.concat(chunks, size),
    );
  });
}

function refuse(exchange: Exchange, errors: Errors, { message, status, param }: Refusal): void {
  exchange.json(status, errors.body(message, "invalid_request_error", param, null));
}

function sendError(exchange: Exchange, errors: Errors, directives: Directives, status: number): void {
  const [type, code] = errors.about(status);
  const body = errors.body(`Simulated error ${status}.`, directives.error_type ?? type, null, code);
  exchange.json(status, body, directives, retryAfter(directives));
}

function sendEcho(exchange: Exchange, errors: Errors, directives: Directives, text: string): void {
  exchange.json(
    directives.status ?? 400,
    errors.body(text, text, text, text),
    directives,
    retryAfter(directives),
  );
}

function retryAfter({ retry_after }: Directives): { "retry-after"?: string } {
  return retry_after === undefined ? {} : { "retry-after": String(retry_after) };
}
