// One try at one provider. Until the answer's head is accepted, a failure belongs to the try and the next
// provider may have its turn; from then on the bytes go to the relay.
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { nativeCode } from "../event/errors.ts";
import type { Place } from "./upstream.ts";

/** Where an accepted answer goes. */
export interface AnswerSink {
  head(status: number, headers: IncomingHttpHeaders): void;
  /** False asks to pause until `resume`. */
  data(chunk: Buffer): boolean;
  end(): void;
  /** The answer broke; `code` is a native code. */
  broken(code: string): void;
}

export type AttemptResult =
  | { readonly is: "accepted" }
  /** The provider answered, and another try is to be made instead. */
  | { readonly is: "declined" }
  | { readonly is: "unreachable"; readonly code: string };

export interface AttemptOptions {
  /** How it is reached. */
  readonly dispatcher: Dispatcher;
  readonly method: string;
  readonly place: Place;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer | Readable | null;
  /** Where the answer goes, or null: another try is to be made instead. */
  readonly accept: (status: number, headers: IncomingHttpHeaders) => AnswerSink | null;
}

/** How long an upstream may take to close after its answer's terminator. */
const RELEASE_MS = 1000;

export class Attempt implements Dispatcher.DispatchHandler {
  readonly #options: AttemptOptions;
  readonly #result = Promise.withResolvers<AttemptResult>();
  #controller: Dispatcher.DispatchController | null = null;
  #sink: AnswerSink | null = null;
  #aborted = false;
  #done = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  /** Sends the request; resolves when the answer's head was accepted or the try has failed. */
  start(): Promise<AttemptResult> {
    const { dispatcher, method, place, headers, body } = this.#options;
    const { origin, path } = place;
    const request = {
      origin,
      path,
      method: method as Dispatcher.HttpMethod,
      headers,
      body,
      ...NO_PHASE_LIMITS,
    };
    try {
      dispatcher.dispatch(request, this);
    } catch (error) {
      this.#result.resolve({ is: "unreachable", code: nativeCode(error) });
    }
    return this.#result.promise;
  }

  /** Cancels the request upstream. The sink hears no more. */
  abort(code = "cancelled"): void {
    if (this.#done) return;
    this.#aborted = true;
    this.#controller?.abort(new Error(code));
    this.#result.resolve({ is: "unreachable", code });
  }

  /** Nobody waits for the rest: it may still end by itself, so that the connection can serve again. */
  release(): void {
    if (!this.#done && !this.#aborted) setTimeout(() => this.#done || this.abort(), RELEASE_MS).unref();
  }

  resume(): void {
    if (!this.#aborted) this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted) controller.abort(new Error("cancelled"));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (this.#aborted || status < 200) return;
    this.#sink = this.#options.accept(status, headers);
    if (this.#sink === null) {
      this.#aborted = true;
      this.#result.resolve({ is: "declined" });
      controller.abort(new Error("declined"));
      return;
    }
    this.#result.resolve({ is: "accepted" });
    this.#sink.head(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#aborted && this.#sink?.data(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#done = true;
    if (!this.#aborted) this.#sink?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#done = true;
    if (this.#aborted) return;
    if (this.#sink === null) this.#result.resolve({ is: "unreachable", code: nativeCode(error) });
    else this.#sink.broken(nativeCode(error));
  }
}

/** Our own limits bound each request as a whole; undici's per-phase ones would cut long streams. */
const NO_PHASE_LIMITS = { headersTimeout: 0, bodyTimeout: 0 } as const;
