// One request's answer on its way out: waiting for the first byte → sending, piece by piece → over. It is over
// when everything meant was handed to the system, when a failure cut the connection, or when the client left;
// whichever it is, no timer outlives it.
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Directives } from "./directives.ts";
import type { Errors, EventStream } from "./form.ts";

/** Events without a pace leave in writes of about this many characters. */
const WRITE_LENGTH = 16_384;
const SLOW = { first_byte_ms: 1_000, pace_ms: 200 };
const SLOW_PIECES = 8;

/** How the last piece is followed: a clean end, a close after everything is sent, or a reset after it. */
type Finale = "end" | "close" | "reset";

export class Exchange {
  readonly #response: ServerResponse;
  /** What every answer carries. */
  readonly #headers: OutgoingHttpHeaders;
  #timer: NodeJS.Timeout | undefined;
  #cut = false;

  constructor(response: ServerResponse, headers: OutgoingHttpHeaders) {
    this.#response = response;
    this.#headers = headers;
    response.once("close", () => clearTimeout(this.#timer));
  }

  /** Once the response has closed: whether it was the client, not a failure, that cut it short. */
  get aborted(): boolean {
    return !this.#response.writableFinished && !this.#cut;
  }

  /** Sends a JSON body as `directives` want it. */
  json(status: number, body: string, directives: Directives = {}, headers: OutgoingHttpHeaders = {}): void {
    const { failure } = directives;
    const bytes = Buffer.from(body);
    const length = failure === "truncated_json" ? {} : { "content-length": bytes.length };
    const half = bytes.subarray(0, bytes.length >> 1);
    this.#begin(directives, () => {
      const all = { ...this.#headers, ...headers, "content-type": "application/json", ...length };
      this.#response.writeHead(status, all);
      if (failure === "truncated") this.#send([half], 0, "close");
      else if (failure === "truncated_json") this.#send([half], 0, "end");
      else if (failure === "mid_stream_reset") this.#send([half], 0, "reset");
      else if (failure === "slow") this.#send(inPieces(bytes), directives.pace_ms ?? SLOW.pace_ms, "end");
      else this.#response.end(bytes);
    });
  }

  /** Sends a stream's events (WHATWG HTML 9.2) as `directives` want them. */
  stream(stream: EventStream, directives: Directives, errors: Errors): void {
    const { failure } = directives;
    const paceMs = directives.pace_ms ?? (failure === "slow" ? SLOW.pace_ms : 0);
    this.#begin(directives, () => {
      const type = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };
      this.#response.writeHead(200, { ...this.#headers, ...type });
      this.#send(
        events(stream, directives, errors, paceMs > 0),
        paceMs,
        failure === "mid_stream_reset" ? "reset" : "end",
      );
    });
  }

  #begin({ failure, first_byte_ms }: Directives, send: () => void): void {
    if (failure === "hang") return;
    const first = failure === "reset" ? () => this.#finish("reset") : send;
    const delayMs = first_byte_ms ?? (failure === "slow" ? SLOW.first_byte_ms : 0);
    if (delayMs > 0) this.#after(delayMs, first);
    else first();
  }

  #send(pieces: Iterable<string | Uint8Array>, paceMs: number, finale: Finale): void {
    const left = pieces[Symbol.iterator]();
    const pause = () => {
      if (paceMs > 0) this.#after(paceMs, next);
      else next();
    };
    const next = () => {
      let flowing = true;
      do {
        const piece = left.next();
        if (piece.done) {
          this.#finish(finale);
          return;
        }
        flowing = this.#response.write(piece.value);
      } while (flowing && paceMs === 0);
      if (flowing) pause();
      else this.#response.once("drain", pause);
    };
    next();
  }

  #finish(finale: Finale): void {
    if (finale === "end") {
      this.#response.end();
      return;
    }
    this.#cut = true;
    // A failure may come before any event, and still after the head.
    if (this.#response.headersSent) this.#response.flushHeaders();
    const { socket } = this.#response;
    // The empty write calls back when all before it is with the system: a reset drops what is not.
    if (finale === "close") socket?.destroySoon();
    else socket?.write("", () => socket.resetAndDestroy());
  }

  #after(delayMs: number, step: () => void): void {
    this.#timer = setTimeout(step, delayMs);
    this.#timer.unref();
  }
}

function* events(
  stream: EventStream,
  directives: Directives,
  errors: Errors,
  singly: boolean,
): Generator<string> {
  const { failure, after_events = 2, error_type = errors.about(500)[0] } = directives;
  const cut = failure === "truncated" || failure === "truncated_json" || failure?.startsWith("mid_stream_");
  const last = cut
    ? Math.min(after_events, stream.length - (failure === "truncated_json" ? 1 : 0))
    : stream.length;
  let batch = "";
  for (let index = 0; index < last; index++) {
    batch += stream.event(index);
    if (!singly && batch.length < WRITE_LENGTH) continue;
    yield batch;
    batch = "";
  }
  if (!cut) batch += stream.ending;
  if (failure === "mid_stream_error") batch += errors.event("Simulated error within the stream.", error_type);
  if (failure === "truncated_json") batch += stream.event(last).slice(0, stream.event(last).length >> 1);
  if (batch !== "") yield batch;
}

function* inPieces(bytes: Uint8Array): Generator<Uint8Array> {
  const size = Math.ceil(bytes.length / SLOW_PIECES);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}
