// Hands a server's answer to the client as it comes, and learns from it how the calls in it ended.
//
// Strict mode holds back what ends a call until its outcome is durable: a stream from the event on that answers it, any
// other body from its last byte. An answer may also be for a call that was asked on another stream of the session.
import type { IncomingHttpHeaders } from "node:http";
import { answered, failed, failedAsSent, type Outcome } from "../../event/outcomes.ts";
import { BatchAnswer } from "../../protocols/mcp-batch.ts";
import { type Envelope, EnvelopeReader } from "../../protocols/mcp-envelopes.ts";
import { mcpEvents } from "../../protocols/mcp-errors.ts";
import type { McpId } from "../../protocols/mcp-messages.ts";
import { McpStream } from "../../protocols/mcp-sse.ts";
import { requestIdFrom } from "../../protocols/request-ids.ts";
import { eventData } from "../../protocols/sse.ts";
import type { AnswerSink, Attempt } from "../attempt.ts";
import { BODILESS, endSoon, write } from "../relay.ts";
import { chunkBytes, LAST_CHUNK_BYTES } from "../wire.ts";
import type { McpCall } from "./call.ts";
import type { CallBook } from "./call-book.ts";
import { headersDown } from "./headers.ts";
import type { McpExchange } from "./mcp-exchange.ts";
import type { Rounds } from "./rounds.ts";
import type { McpServer } from "./servers.ts";

export interface McpRelayOptions {
  readonly exchange: McpExchange;
  readonly server: McpServer;
  readonly upstream: Attempt;
  readonly book: CallBook;
  readonly rounds: Rounds;
  /** Of the client's session; null: it has none, and nothing can be gone on with. */
  readonly session: string | null;
  /** Lists that were asked for, by id: their methods. */
  readonly lists: ReadonlyMap<McpId, string>;
  /** The server says that this is a session. */
  readonly onSession: (id: string) => void;
}

/** Messages of a body that is no stream; a batch has no more requests. */
const MAX_ENVELOPES = 1000;
/** Answers without a body that a server gives to what needs none. */
const EMPTY: ReadonlySet<number> = new Set([202, 204]);
/** A list that is longer is not learnt from. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

export class McpRelay implements AnswerSink {
  readonly #options: McpRelayOptions;
  readonly #exchange: McpExchange;
  #status = 0;
  #stream: McpStream | null = null;
  #reader: EnvelopeReader | null = null;
  /** Of a batch that was answered here in part. */
  #batch: BatchAnswer | null = null;
  /** Of a body that is no stream: settled when it is whole. */
  readonly #envelopes: Envelope[] = [];
  #list: Buffer[] | null = null;
  #listBytes = 0;
  /** Strict: outcomes that are not durable yet. */
  #waiting = 0;
  #held: Buffer[] = [];
  #onFree: (() => void) | null = null;
  readonly #onDrain = () => {
    if (this.#waiting === 0) this.#options.upstream.resume();
  };

  constructor(options: McpRelayOptions) {
    this.#options = options;
    this.#exchange = options.exchange;
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    const { response, calls, denials } = this.#exchange;
    this.#status = status;
    const type = String(headers["content-type"] ?? "");
    const { "content-encoding": encoding = "identity" } = headers;
    const isStream = /^text\/event-stream\b/i.test(type);
    // Compressed against our wish: it passes, and tells nothing.
    if (encoding === "identity" && isStream) this.#stream = new McpStream();
    else if (encoding === "identity" && /\bjson\b/i.test(type)) this.#readWhole();
    const { "mcp-session-id": session } = headers;
    if (typeof session === "string" && status < 400) this.#options.onSession(session);
    const upstreamRequestId = requestIdFrom(headers["x-request-id"]);
    if (upstreamRequestId !== null) for (const call of calls) call.note({ upstreamRequestId });
    if (denials.length > 0 && !isStream && status < 300 && (this.#reader !== null || EMPTY.has(status)))
      this.#batch = new BatchAnswer("wrap");
    const down = headersDown(headers, {
      ownLimits: this.#exchange.hasLimits,
      whole: this.#batch === null,
    });
    // A server that accepted notifications, and has nothing to say, may leave the only answers to us.
    if (this.#batch !== null && EMPTY.has(status))
      this.#exchange.writeHead(200, { ...down, "content-type": "application/json" });
    else this.#exchange.writeHead(status, down);
    if (this.#stream !== null && denials.length > 0) this.#write([mcpEvents(denials)]);
    // Strict: the end is counted before it is sent, so the head must be.
    if (isStream || this.#exchange.strict) response.flushHeaders();
  }

  data(chunk: Buffer): boolean {
    if (this.#exchange.isOver) return true;
    if (this.#stream !== null) return this.#events(this.#stream, chunk);
    if (this.#reader !== null && this.#envelopes.length < MAX_ENVELOPES)
      this.#envelopes.push(...this.#reader.feed(chunk));
    if (this.#list !== null) this.#keepList(chunk);
    return this.#pass(this.#batch?.feed(chunk) ?? chunk);
  }

  /** Strict: all but the last byte. */
  #pass(bytes: Buffer): boolean {
    if (!this.#exchange.strict) return this.#write([bytes]);
    if (bytes.length === 0) return true;
    const free = [...this.#held, bytes.subarray(0, bytes.length - 1)];
    this.#held = [bytes.subarray(bytes.length - 1)];
    return this.#write(free);
  }

  end(): void {
    if (this.#exchange.isOver) return;
    if (this.#stream !== null) {
      this.#give([this.#stream.rest()]);
      for (const call of this.#exchange.openCalls) this.#unanswered(call);
      this.#whenFree(() => endSoon(this.#exchange.response));
    } else this.#endWhole();
  }

  broken(code: string): void {
    const exchange = this.#exchange;
    if (exchange.isOver) return;
    for (const call of exchange.openCalls) this.#lost(call, failed("stream_interrupted", code));
    this.#whenFree(() => exchange.breakOff());
  }

  /** It ends here, not whole: a stream says so in the protocol's words, anything else is cut. */
  interrupt(code: "timeout" | "shutting_down"): void {
    const exchange = this.#exchange;
    const calls = exchange.openCalls;
    for (const call of calls) call.fail(code, null, exchange.sizes(call, exchange.written));
    const words = this.#stream === null ? null : exchange.errorEvents(calls, code);
    const close = () => {
      if (words === null) exchange.breakOff();
      else if (!exchange.isOver) {
        this.#write([words]);
        endSoon(exchange.response);
      }
    };
    if (exchange.strict && calls.length > 0) exchange.whenRecorded(calls, close);
    else close();
  }

  #readWhole(): void {
    this.#reader = new EnvelopeReader();
    if (this.#options.lists.size > 0) this.#list = [];
  }

  #keepList(chunk: Buffer): void {
    this.#listBytes += chunk.length;
    if (this.#listBytes > MAX_LIST_BYTES) this.#list = null;
    else this.#list?.push(chunk);
  }

  #events(stream: McpStream, chunk: Buffer): boolean {
    let more = true;
    for (const { bytes, envelopes } of stream.feed(chunk)) {
      for (const envelope of envelopes) this.#learn(envelope, () => eventData(bytes));
      const strict = envelopes.some((envelope) => this.#callOf(envelope)?.strict === true);
      if (strict) {
        const size = this.#exchange.written + chunkBytes(bytes.length);
        this.#hold(envelopes.flatMap((envelope) => this.#settle(envelope, size)));
      }
      more = this.#give([bytes]);
      if (!strict) for (const envelope of envelopes) this.#settle(envelope, this.#exchange.written);
    }
    return more;
  }

  #endWhole(): void {
    const exchange = this.#exchange;
    const { response, denials } = exchange;
    const rest = this.#batch?.end(denials) ?? null;
    if (rest !== null) this.#pass(rest);
    const held = this.#held;
    this.#held = [];
    if (this.#list !== null) {
      const text = Buffer.concat(this.#list).toString("utf8");
      for (const envelope of this.#envelopes) this.#learn(envelope, () => text);
    }
    const calls = exchange.openCalls;
    if (!exchange.strict) {
      // What is counted is what was written, the end of it too.
      response.end();
      this.#settleAll(exchange.written);
      endSoon(response);
      return;
    }
    this.#settleAll(exchange.written + this.#bytesOf(held));
    exchange.whenRecorded(calls, () => {
      if (response.destroyed) return;
      write(response, held, this.#onDrain);
      endSoon(response);
    });
  }

  #settleAll(size: number): void {
    for (const envelope of this.#envelopes) this.#settle(envelope, size);
    for (const call of this.#exchange.openCalls) {
      const facts = this.#exchange.sizes(call, size);
      if (this.#status >= 400) call.finish(failedAsSent("provider_error", this.#status), facts);
      else if (this.#reader === null && !BODILESS.has(this.#status) && this.#status !== 202)
        call.finish(answered(this.#status), facts);
      else call.fail("stream_interrupted", "no_answer", facts);
    }
  }

  /** The calls that it has ended: one or none. */
  #settle(envelope: Envelope, size: number): McpCall[] {
    const call = this.#callOf(envelope);
    if (call === null || call.isOver) return [];
    if (envelope.state !== null) this.#options.rounds.remember(envelope.state, call.eventId);
    call.answered(envelope, this.#status, this.#exchange.sizes(call, size));
    return [call];
  }

  #callOf({ is, id }: Envelope): McpCall | null {
    if (is !== "result" && is !== "error") return null;
    const open = this.#exchange.openCalls;
    // An error that names no request is for the only one there is.
    if (id === null) return is === "error" && open.length === 1 ? (open[0] ?? null) : null;
    const { session, book } = this.#options;
    return open.find((call) => call.id === id) ?? (session === null ? null : book.find(session, id));
  }

  #learn({ id, is }: Envelope, text: () => string | null): void {
    const method = id === null || is !== "result" ? undefined : this.#options.lists.get(id);
    const answer = method === undefined ? null : text();
    if (method !== undefined && answer !== null) this.#options.server.offers.learn(method, answer);
  }

  /** The stream has ended without this call's answer. */
  #unanswered(call: McpCall): void {
    if (this.#status >= 400) this.#lost(call, failedAsSent("provider_error", this.#status));
    else this.#lost(call, failed("stream_interrupted", "no_answer"));
  }

  /** The call ends with `outcome`, unless its client can go on with the stream elsewhere. */
  #lost(call: McpCall, outcome: Outcome): void {
    const { session, book } = this.#options;
    if (this.#stream?.resumable && session !== null) book.awaitResumption(call);
    else call.finish(outcome, this.#exchange.sizes(call, this.#exchange.written));
  }

  /** Strict: nothing is written until these are durable. */
  #hold(calls: readonly McpCall[]): void {
    if (calls.length === 0) return;
    this.#waiting++;
    this.#exchange.whenRecorded(calls, () => {
      if (--this.#waiting > 0) return;
      const held = this.#held;
      this.#held = [];
      if (!this.#exchange.isOver) this.#write(held);
      this.#options.upstream.resume();
      this.#onFree?.();
    });
  }

  #give(buffers: readonly Buffer[]): boolean {
    if (this.#waiting === 0) return this.#write(buffers);
    this.#held.push(...buffers);
    return false;
  }

  #whenFree(then: () => void): void {
    if (this.#waiting === 0) then();
    else this.#onFree = then;
  }

  #write(buffers: readonly Buffer[]): boolean {
    return write(this.#exchange.response, buffers, this.#onDrain);
  }

  #bytesOf(held: readonly Buffer[]): number {
    const length = held.reduce((sum, each) => sum + each.length, 0);
    if (BODILESS.has(this.#status)) return 0;
    return this.#exchange.response.chunkedEncoding ? chunkBytes(length) + LAST_CHUNK_BYTES : length;
  }
}
