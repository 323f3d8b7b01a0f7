// The built-in simulated provider: a real HTTP server that speaks OpenAI chat completions and says of every
// answer that it is simulated. It serves `npm start` without configuration, tests and benches; a request steers
// it through its body member `simulate` (directives.ts).
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerBody, answerStream, createAnswer, errorBody } from "./answer.ts";
import { parseChatRequest } from "./chat-request.ts";
import {
  type Directives,
  parseDirectives,
  Refusal,
  SIMULATED_FAILURES,
  type SimulatedFailure,
} from "./directives.ts";
import { Exchange } from "./exchange.ts";

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MODELS = JSON.stringify({
  object: "list",
  data: [{ id: "demo", object: "model", created: 0, owned_by: "daybook-simulator" }],
});

/** OpenAI's error type and code for a status; 5xx is `server_error`, the rest `invalid_request_error`. */
const ERROR_TYPES: { readonly [status: number]: readonly [type: string, code: string] } = {
  401: ["invalid_request_error", "invalid_api_key"],
  404: ["invalid_request_error", "model_not_found"],
  429: ["requests", "rate_limit_exceeded"],
};

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
  /** For chat requests that do not say otherwise themselves. */
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
  /** Chat requests by the failure they were directed to. */
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

    const route = `${request.method} ${request.url?.split("?", 1)[0]}`;
    if (route === "POST /v1/chat/completions") {
      readBody(request, (body) => this.#chat(body, sequence, exchange));
    } else if (route === "GET /v1/models") exchange.json(200, MODELS);
    else refuse(exchange, new Refusal("There is no such path or method here.", { status: 404 }));
  }

  #chat(body: Buffer | null, sequence: number, exchange: Exchange): void {
    try {
      if (body === null) throw new Refusal(`The body exceeds ${MAX_BODY_BYTES} bytes.`, { status: 413 });
      const request = parseChatRequest(body, this.#defaults);
      const { directives } = request;
      const { failure, status } = directives;
      if (failure !== undefined) this.counts.failures[failure]++;
      const answer = createAnswer(request, sequence, Math.floor(Date.now() / 1000));
      if (failure === "echo") sendEcho(exchange, directives, body.toString("utf8"));
      else if (status !== undefined) sendError(exchange, directives, status);
      else if (request.streaming) exchange.stream(answerStream(answer), directives);
      else if (failure === "mid_stream_error") sendError(exchange, directives, 200);
      else exchange.json(200, answerBody(answer), directives);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(exchange, error);
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

function refuse(exchange: Exchange, { message, status, param }: Refusal): void {
  exchange.json(status, errorBody(message, "invalid_request_error", param, null));
}

function sendError(exchange: Exchange, directives: Directives, status: number): void {
  const known = ERROR_TYPES[status] ?? [
    status < 400 || status >= 500 ? "server_error" : "invalid_request_error",
    null,
  ];
  const body = errorBody(`Simulated error ${status}.`, directives.error_type ?? known[0], null, known[1]);
  exchange.json(status, body, directives, retryAfter(directives));
}

function sendEcho(exchange: Exchange, directives: Directives, text: string): void {
  exchange.json(
    directives.status ?? 400,
    errorBody(text, text, text, text),
    directives,
    retryAfter(directives),
  );
}

function retryAfter({ retry_after }: Directives): { "retry-after"?: string } {
  return retry_after === undefined ? {} : { "retry-after": String(retry_after) };
}
