// Hands a provider's answer to the client as it comes, and learns from it what the event needs.
//
// Strict mode holds back the end of the answer until the outcome is durable: an event stream from its terminator
// on, any other body from its last byte. The outcome is fixed when the last upstream byte is here and the client
// is still connected; nothing earlier is delayed.
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { answered, failed, failedAsSent, type Outcome } from "../event/outcomes.ts";
import type {
  AnswerBody,
  AnswerFacts,
  AnswerStream,
  InferenceRequest,
  Protocol,
} from "../protocols/protocol.ts";
import { requestIdFrom } from "../protocols/request-ids.ts";
import { estimateUsage } from "../protocols/usage.ts";
import type { AnswerSink, Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";
import { chunkBytes, clientHeaders, LAST_CHUNK_BYTES } from "./wire.ts";

/** What is learnt from an answer: nothing, where there is no request that was understood. */
export interface Reading {
  readonly protocol: Protocol;
  readonly request: InferenceRequest | null;
}

/** No body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5). */
export const BODILESS = new Set([204, 205, 304]);
/** How long a client may take to read what it was sent. */
const LINGER_MS = 60_000;
/** Of an error body, what is looked at for its type. */
const ERROR_BYTES = 64 * 1024;
const OPEN_BRACE = 0x7b;
const SPACE = 0x20;

export class Relay implements AnswerSink {
  readonly #exchange: Exchange;
  readonly #protocol: Protocol;
  readonly #request: InferenceRequest | null;
  readonly #upstream: Attempt;
  #status = 0;
  /** The first byte will tell what the head did not: whether a stream that was asked for came. */
  #undecided = false;
  #stream: AnswerStream | null = null;
  #answer: AnswerBody | null = null;
  #errorBody: Buffer[] | null = null;
  #errorBytes = 0;
  #passedBytes = 0;
  #firstByteAt: number | null = null;
  /** Strict: the bytes that may not go out before the outcome is durable. */
  #held: Buffer[] = [];
  readonly #onDrain = () => this.#upstream.resume();

  constructor(exchange: Exchange, { protocol, request }: Reading, upstream: Attempt) {
    this.#exchange = exchange;
    this.#protocol = protocol;
    this.#request = request;
    this.#upstream = upstream;
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    const { response } = this.#exchange;
    this.#status = status;
    const isStream = this.#choose(headers);
    const upstreamRequestId = requestIdFrom(headers["x-request-id"] ?? headers["request-id"]);
    if (upstreamRequestId !== null) this.#exchange.handle.note({ upstreamRequestId });
    // What is asked for beyond the client's wish is left out again: then the length is another one.
    const unchanged = this.#stream === null && !this.#undecided;
    const passed = clientHeaders(headers, { unchanged, ownLimits: this.#exchange.hasLimits });
    this.#exchange.writeHead(status, passed);
    // Strict: the end is counted before it is sent, so the head must be.
    if (isStream || this.#exchange.strict) response.flushHeaders();
  }

  data(chunk: Buffer): boolean {
    if (this.#exchange.isOver) return true;
    this.#firstByteAt ??= performance.now();
    if (this.#undecided) this.#decide(chunk);
    if (this.#stream !== null) {
      const { forward, held } = this.#stream.feed(chunk);
      const more = this.#pass(forward, held);
      // The terminator is the answer's last byte, whatever the connection does after it.
      if (this.#stream.terminated) this.#settle(this.#outcome(), true);
      return more;
    }
    this.#answer?.feed(chunk);
    this.#passedBytes += chunk.length;
    if (this.#errorBody !== null && this.#errorBytes < ERROR_BYTES) {
      this.#errorBody.push(chunk);
      this.#errorBytes += chunk.length;
    }
    return this.#pass([chunk], []);
  }

  end(): void {
    if (this.#exchange.isOver) return;
    if (this.#stream !== null) {
      const { forward, held } = this.#stream.finish();
      const { terminated, facts } = this.#stream;
      // Half an event is none (WHATWG HTML, 9.2.6), and our own words would be lost in it.
      if (!terminated && !facts.inBandError) {
        this.interrupt(this.#outcome(), "stream_interrupted");
        return;
      }
      this.#pass(forward, held);
    }
    this.#settle(this.#outcome(), true);
  }

  broken(code: string): void {
    if (this.#exchange.isOver) return;
    this.interrupt(failed("stream_interrupted", code), "stream_interrupted");
  }

  /** The answer ends here, not whole: an event stream says so in its own words, anything else is cut. */
  interrupt(outcome: Outcome, code: "stream_interrupted" | "timeout" | "shutting_down"): void {
    const { response, requestId } = this.#exchange;
    this.#noteFacts(this.#stream?.facts ?? null, false);
    const inWords = this.#stream !== null && !response.destroyed;
    if (inWords) this.#held = [Buffer.from(this.#protocol.errorEvent({ code, requestId }))];
    else this.#held = [];
    this.#settle(outcome, inWords);
  }

  /** The client left: what is known so far is the record. */
  left(): void {
    const took = this.#isAnswer && this.#firstByteAt !== null;
    this.#noteFacts(this.#stream?.facts ?? null, took);
  }

  /** Sets up the reading of the body; true for an event stream. */
  #choose(headers: IncomingHttpHeaders): boolean {
    const type = String(headers["content-type"] ?? "");
    const isStream = /^text\/event-stream\b/i.test(type);
    if (!this.#isAnswer) {
      this.#errorBody = [];
      return isStream;
    }
    const { "content-encoding": encoding = "identity" } = headers;
    const request = this.#request;
    // Compressed against our wish: it passes, and tells nothing.
    if (request === null || encoding !== "identity") return isStream;
    if (isStream) this.#stream = this.#protocol.createStream(request);
    else if (request.streaming) this.#undecided = true;
    else this.#answer = this.#protocol.createAnswer(request);
    return isStream;
  }

  /** A stream was asked for and the content type tells of none. Some servers say so and send one all the same. */
  #decide(chunk: Buffer): void {
    const first = chunk.find((byte) => byte > SPACE);
    const request = this.#request;
    if (first === undefined || request === null) return;
    this.#undecided = false;
    if (first === OPEN_BRACE) this.#answer = this.#protocol.createAnswer(request);
    else {
      this.#stream = this.#protocol.createStream(request);
      const blank = this.#held;
      this.#held = [];
      write(this.#exchange.response, blank, this.#onDrain);
    }
  }

  #pass(forward: readonly Buffer[], held: readonly Buffer[]): boolean {
    const { response, strict } = this.#exchange;
    if (!strict) {
      if (held.length > 0) return write(response, [...forward, ...held], this.#onDrain);
      return write(response, forward, this.#onDrain);
    }
    if (this.#stream !== null) {
      this.#held.push(...held);
      return write(response, forward, this.#onDrain);
    }
    const free = [...this.#held, ...forward];
    const last = free.pop();
    if (last === undefined) return true;
    this.#held = [last.subarray(last.length - 1)];
    return write(response, [...free, last.subarray(0, last.length - 1)], this.#onDrain);
  }

  #outcome(): Outcome {
    if (!this.#isAnswer) return failedAsSent("provider_error", this.#status, this.#errorType());
    const answer = this.#answer?.finish() ?? null;
    const facts = this.#stream?.facts ?? answer;
    const whole = this.#stream?.terminated ?? (answer === null ? !this.#undecided : answer.whole);
    const good = whole && !facts?.inBandError;
    this.#noteFacts(facts, good);
    if (facts?.inBandError) return failed("stream_interrupted", facts.inBandError.type);
    return whole ? answered(this.#status) : failed("stream_interrupted");
  }

  /** An answer comes with a body and a status that says so. What passes unread may also have none. */
  get #isAnswer(): boolean {
    if (this.#request === null) return this.#status < 400;
    return this.#status >= 200 && this.#status < 300 && !BODILESS.has(this.#status);
  }

  #errorType(): string | null {
    const body = Buffer.concat(this.#errorBody ?? []);
    this.#errorBody = null;
    return this.#protocol.errorType(body);
  }

  /** `produced`: the client had it, or what it took of it; what nobody counted is estimated then. */
  #noteFacts(facts: AnswerFacts | null, produced: boolean): void {
    const exchange = this.#exchange;
    const { handle } = exchange;
    if (this.#stream !== null && this.#firstByteAt !== null)
      handle.note({ ttftMs: Math.round(this.#firstByteAt - handle.startedAt) });
    if (facts !== null) handle.note({ upstreamModel: facts.model, finishReason: facts.finishReason });
    const request = this.#request;
    if (request === null) return;
    const usage = facts?.usage ?? null;
    if (produced && this.#protocol.metered) {
      const counted = estimateUsage(usage, request.promptBytes, this.#contentBytes);
      exchange.usage = counted;
      handle.note(counted);
    } else if (usage !== null) {
      exchange.usage = usage;
      handle.note({ ...usage });
    }
  }

  get #contentBytes(): number {
    return (this.#stream ?? this.#answer)?.contentBytes ?? this.#passedBytes;
  }

  /** Ends the answer with what is held (`whole`) or by a reset, and fixes the outcome. */
  #settle(outcome: Outcome, whole: boolean): void {
    const exchange = this.#exchange;
    const { response } = exchange;
    const held = this.#held;
    this.#held = [];
    if (!exchange.strict) {
      if (whole) {
        write(response, held, this.#onDrain);
        endSoon(response);
      }
      exchange.finish(outcome);
      if (!whole) exchange.breakOff();
      return;
    }
    if (whole) exchange.handle.note({ responseSize: exchange.written + this.#bytesOf(held) });
    exchange.finish(outcome);
    exchange.whenRecorded(() => {
      if (!whole) exchange.breakOff();
      else if (!response.destroyed) {
        write(response, held, this.#onDrain);
        endSoon(response);
      }
    });
  }

  #bytesOf(held: readonly Buffer[]): number {
    const length = held.reduce((sum, { length }) => sum + length, 0);
    const { request, response } = this.#exchange;
    if (BODILESS.has(this.#status) || request.method === "HEAD") return 0;
    return response.chunkedEncoding ? chunkBytes(length) + LAST_CHUNK_BYTES : length;
  }
}

/** Ends the answer; a client that does not read it is not waited for without end. */
export function endSoon(response: ServerResponse): void {
  response.end();
  // Almost always all of it is the system's by now, and there is nothing to wait for.
  if (response.writableLength === 0) return;
  const timer = setTimeout(() => response.destroy(), LINGER_MS).unref();
  response.once("close", () => clearTimeout(timer));
}

/** Writes the buffers as one; false when the client cannot take more for now, and then `onDrain` follows. */
export function write(response: ServerResponse, buffers: readonly Buffer[], onDrain: () => void): boolean {
  const bytes = buffers.length === 1 ? buffers[0] : Buffer.concat(buffers);
  if (bytes === undefined || bytes.length === 0 || response.write(bytes)) return true;
  response.once("drain", onDrain);
  return false;
}
