// `fetch` for the clients of OpenAI, Anthropic and whoever speaks as they do: one event for each call for inference,
// from the request to the last byte of the answer. Bytes pass as they are; what the event needs is read beside them, by
// the gateway's own protocols. Other requests pass unrecorded.
import { newRequestId, newTraceId } from "../event/ids.ts";
import { answered, failed, failedAsSent, type Outcome } from "../event/outcomes.ts";
import { type AnswerFacts, type InferenceRequest, isRefusal, type Protocol } from "../protocols/protocol.ts";
import { PROTOCOLS } from "../protocols/protocols.ts";
import { requestIdFrom } from "../protocols/request-ids.ts";
import { estimateUsage } from "../protocols/usage.ts";
import type { Annotations } from "./annotations.ts";
import type { EventHandle } from "./event-handle.ts";
import type { DaybookRecorder } from "./library-recorder.ts";

export interface AuditedFetchOptions {
  readonly recorder: DaybookRecorder;
  /** What asks; the global one unless said. */
  readonly fetch?: typeof fetch;
  /** Whose provider it is; by its host unless said. */
  readonly backendType?: string;
  /** What else is known of a call: who asked for it, say. */
  readonly about?: () => Annotations;
}

const ERROR_BYTES = 65_536;
const HOSTS: Readonly<Record<string, string>> = {
  "api.openai.com": "openai",
  "api.anthropic.com": "anthropic",
  localhost: "local",
  "127.0.0.1": "local",
  "[::1]": "local",
};

/** To be given to a client as its `fetch`. */
export function auditedFetch(options: AuditedFetchOptions): typeof fetch {
  const { fetch: ask = fetch } = options;
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const protocol = protocolAt(url.pathname);
    const method = init?.method ?? (input instanceof Request ? input.method : "GET");
    if (protocol === null || method.toUpperCase() !== "POST") return ask(input, init);
    const body = bytesOf(init?.body) ?? (input instanceof Request ? await bytesIn(input) : null);
    const call = new FetchCall(options, protocol, url, body);
    return call.run(() => ask(input, init));
  };
}

/** The protocol whose endpoint the path ends with: base URLs have paths of their own. */
function protocolAt(path: string): Protocol | null {
  for (const [endpoint, protocol] of PROTOCOLS)
    if (path.endsWith(endpoint.slice("/v1".length))) return protocol;
  return null;
}

class FetchCall {
  readonly #protocol: Protocol;
  readonly #request: InferenceRequest | null;
  readonly #event: EventHandle;
  readonly #startedAt = performance.now();
  #firstByteAt: number | null = null;
  #bytes = 0;

  constructor(
    { recorder, backendType, about }: AuditedFetchOptions,
    protocol: Protocol,
    url: URL,
    body: Buffer | null,
  ) {
    const parsed = body === null ? null : protocol.parseRequest(body);
    this.#protocol = protocol;
    this.#request = parsed === null || isRefusal(parsed) ? null : parsed;
    this.#event = recorder.begin({
      ...about?.(),
      kind: "inference",
      action: protocol.action,
      endpoint: protocol.endpoint,
      method: "POST",
      requestId: newRequestId(),
      traceId: newTraceId(),
      model: this.#request?.model ?? null,
      streaming: this.#request?.streaming ?? null,
      backendType: backendType ?? HOSTS[url.hostname] ?? null,
      provider: url.hostname,
      requestSize: body?.length ?? null,
    });
  }

  async run(ask: () => Promise<Response>): Promise<Response> {
    if (!(await this.#event.announce())) {
      this.#event.finish(failed("audit_unavailable"));
      throw new TypeError("fetch failed: the call could not be recorded");
    }
    let response: Response;
    try {
      response = await ask();
    } catch (error) {
      this.#event.finish(outcomeOf(error));
      throw error;
    }
    const upstreamRequestId = requestIdFrom(
      response.headers.get("x-request-id") ?? response.headers.get("request-id") ?? undefined,
    );
    if (upstreamRequestId !== null) this.#event.note({ upstreamRequestId });
    if (response.body === null) {
      this.#end(response.ok ? answered(response.status) : failedAsSent("provider_error", response.status));
      return response;
    }
    const followed = new Response(this.#follow(response.body, this.#readerOf(response)), response);
    // A constructed response has none.
    Object.defineProperty(followed, "url", { value: response.url });
    return followed;
  }

  /** The body, read by the way. Whoever stops reading it has left. */
  #follow(body: ReadableStream<Uint8Array>, reader: Reader): ReadableStream<Uint8Array> {
    const source = body.getReader();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { done, value } = await source.read();
          if (done) {
            this.#end(reader.end(), reader);
            controller.close();
            return;
          }
          this.#firstByteAt ??= performance.now();
          this.#bytes += value.length;
          reader.feed(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
          controller.enqueue(value);
        } catch (error) {
          const outcome = outcomeOf(error);
          this.#end(
            outcome.errorCode === "provider_unreachable" ? failed("stream_interrupted") : outcome,
            reader,
          );
          controller.error(error);
        }
      },
      cancel: async (reason) => {
        // The answer may be whole already: clients stop at the terminator.
        this.#end(reader.isWhole() ? reader.end() : failed("client_disconnected"), reader);
        await source.cancel(reason);
      },
    });
  }

  #readerOf({ ok, status, headers }: Response): Reader {
    const request = this.#request;
    if (!ok) return errorReader(this.#protocol, status);
    if (request === null)
      return {
        feed() {},
        end: () => answered(status),
        isWhole: () => false,
        facts: () => null,
        contentBytes: () => 0,
      };
    const isStream = /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
    return isStream
      ? streamReader(this.#protocol, request, status)
      : bodyReader(this.#protocol, request, status);
  }

  #end(outcome: Outcome, reader: Reader | null = null): void {
    if (this.#event.isOver) return;
    const facts = reader?.facts() ?? null;
    const request = this.#request;
    const produced = outcome.status === "success" || outcome.status === "cancelled";
    const usage =
      produced && request !== null && this.#protocol.metered && this.#firstByteAt !== null
        ? estimateUsage(facts?.usage ?? null, request.promptBytes, reader?.contentBytes() ?? 0)
        : (facts?.usage ?? {});
    this.#event.note({
      ...usage,
      upstreamModel: facts?.model ?? null,
      finishReason: facts?.finishReason ?? null,
      responseSize: this.#bytes,
      ...(request?.streaming && this.#firstByteAt !== null
        ? { ttftMs: Math.round(this.#firstByteAt - this.#startedAt) }
        : {}),
    });
    this.#event.finish(outcome);
  }
}

/** What an answer comes to. */
interface Reader {
  feed(chunk: Buffer): void;
  /** The body has ended cleanly. */
  end(): Outcome;
  /** Nothing that matters can follow. */
  isWhole(): boolean;
  facts(): AnswerFacts | null;
  contentBytes(): number;
}

function streamReader(protocol: Protocol, request: InferenceRequest, status: number): Reader {
  const stream = protocol.createStream(request);
  return {
    feed: (chunk) => void stream.feed(chunk),
    end() {
      stream.finish();
      const { inBandError } = stream.facts;
      if (inBandError !== null) return failed("stream_interrupted", inBandError.type);
      return stream.terminated ? answered(status) : failed("stream_interrupted");
    },
    isWhole: () => stream.terminated,
    facts: () => stream.facts,
    contentBytes: () => stream.contentBytes,
  };
}

function bodyReader(protocol: Protocol, request: InferenceRequest, status: number): Reader {
  const answer = protocol.createAnswer(request);
  let facts: AnswerFacts | null = null;
  return {
    feed: (chunk) => answer.feed(chunk),
    end() {
      const whole = answer.finish();
      facts = whole;
      if (whole.inBandError !== null) return failed("stream_interrupted", whole.inBandError.type);
      return whole.whole ? answered(status) : failed("stream_interrupted");
    },
    isWhole: () => false,
    facts: () => facts,
    contentBytes: () => answer.contentBytes,
  };
}

function errorReader(protocol: Protocol, status: number): Reader {
  const parts: Buffer[] = [];
  let bytes = 0;
  return {
    feed(chunk) {
      if (bytes < ERROR_BYTES) parts.push(chunk);
      bytes += chunk.length;
    },
    end: () => failedAsSent("provider_error", status, protocol.errorType(Buffer.concat(parts))),
    isWhole: () => false,
    facts: () => null,
    contentBytes: () => 0,
  };
}

function outcomeOf(error: unknown): Outcome {
  const { name, cause } = error as { name?: string; cause?: { code?: unknown } };
  if (name === "AbortError") return failed("client_disconnected", name);
  if (name === "TimeoutError") return failed("timeout", name);
  return failed("provider_unreachable", typeof cause?.code === "string" ? cause.code : null);
}

/** A body that is there as a whole; null: it is not, or there is none. */
function bytesOf(body: unknown): Buffer | null {
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  return ArrayBuffer.isView(body) ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : null;
}

async function bytesIn(request: Request): Promise<Buffer | null> {
  return request.body === null ? null : Buffer.from(await request.clone().arrayBuffer());
}
