// One try at one provider. Until the answer's head is accepted, a failure belongs to the try and the next
// provider may have its turn; from then on the bytes go to the relay.
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { nativeCode } from "../event/errors.ts";
import type { Target } from "./routes.ts";

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
  /** The provider answered, and another one is to be asked instead. */
  | { readonly is: "declined"; readonly status: number }
  | { readonly is: "unreachable"; readonly code: string };

export interface AttemptOptions {
  readonly target: Target;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  /** Whether to take the answer, by its status. */
  readonly accept: (status: number) => boolean;
  readonly sink: AnswerSink;
}

/** How long an upstream may take to close after its answer's terminator. */
const RELEASE_MS = 1000;

export class Attempt implements Dispatcher.DispatchHandler {
  readonly #options: AttemptOptions;
  readonly #result = Promise.withResolvers<AttemptResult>();
  #controller: Dispatcher.DispatchController | null = null;
  #accepted = false;
  #aborted = false;
  #done = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  /** Sends the request; resolves when the answer's head was accepted or the try has failed. */
  start(): Promise<AttemptResult> {
    const { target, headers, body } = this.#options;
    try {
      target.dispatcher.dispatch({ path: target.chatPath, method: "POST", headers, body }, this);
    } catch (error) {
      this.#result.resolve({ is: "unreachable", code: nativeCode(error) });
    }
    return this.#result.promise;
  }

  /** Cancels the request upstream. The sink hears no more. */
  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(new Error("cancelled"));
    this.#result.resolve({ is: "unreachable", code: "cancelled" });
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
    if (!this.#options.accept(status)) {
      this.#aborted = true;
      this.#result.resolve({ is: "declined", status });
      controller.abort(new Error("declined"));
      return;
    }
    this.#accepted = true;
    this.#result.resolve({ is: "accepted" });
    this.#options.sink.head(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#aborted && !this.#options.sink.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#done = true;
    if (!this.#aborted) this.#options.sink.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#done = true;
    if (this.#aborted) return;
    if (this.#accepted) this.#options.sink.broken(nativeCode(error));
    else this.#result.resolve({ is: "unreachable", code: nativeCode(error) });
  }
}
