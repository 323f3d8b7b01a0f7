// What a wire format is: one endpoint's requests, answers and errors, as pure functions over bytes. Nothing that
// comes out of here but the bytes for upstream and for the client holds content: facts are counts and known words.
import type { ErrorCode } from "../event/outcomes.ts";
import type { RequestBody } from "./request-body.ts";
import type { Usage } from "./usage.ts";

/** Whose clients and providers speak it. */
export type Dialect = "openai" | "anthropic";

export interface Protocol<R extends InferenceRequest = InferenceRequest> {
  readonly action: "chat" | "completion" | "embedding" | "response" | "message" | "count_tokens";
  readonly endpoint: `/v1/${string}`;
  readonly dialect: Dialect;
  /** Whether a call consumes tokens. Where not, missing usage is not estimated and nothing is charged. */
  readonly metered: boolean;
  parseRequest(body: Buffer): R | Refusal;
  /**
   * The body for upstream: the client's own buffer when nothing changes, else with the upstream's name of the model,
   * and with a request for usage (`askUsage`) for streams whose client did not ask.
   */
  upstreamBody(request: R, options: { readonly model: string | null; readonly askUsage: boolean }): Buffer;
  /** Reads an answer of server-sent events. */
  createStream(request: R): AnswerStream;
  /** Reads an answer that is one JSON body. */
  createAnswer(request: R): AnswerBody;
  /** Type of a provider's error from its body, whole or its first 64 KiB: a known word, else null. */
  errorType(body: Buffer): string | null;
  /** JSON text of an error of Daybook's own, as this dialect's clients expect it. */
  errorBody(error: ErrorFacts): string;
  /** The same as a server-sent event, for a stream that has begun. */
  errorEvent(error: ErrorFacts): string;
}

/** Facts of a request. Content is only in its body. */
export interface InferenceRequest {
  /** What `upstreamBody` needs: release it when no further try can follow. */
  readonly body: RequestBody;
  /** As asked for, raw. */
  readonly model: string;
  readonly streaming: boolean;
  /** The most tokens that the answer may have, all its choices together; null when the request sets no limit. */
  readonly maxTokens: number | null;
  /** Tools offered. */
  readonly toolCount: number;
  readonly bodyBytes: number;
  /** Bytes to estimate the prompt's tokens from, where nothing better is known: `bodyBytes` without embedded media. */
  readonly promptBytes: number;
}

/** Why a request is refused, in a sentence of Daybook's own that holds no value of the request. */
export interface Refusal {
  /** The member at fault. */
  readonly param: string | null;
  readonly message: string;
}

export function isRefusal<R extends InferenceRequest>(result: R | Refusal): result is Refusal {
  return "message" in result;
}

/** What an answer tells beside its content. */
export interface AnswerFacts {
  /** As far as the provider has told it: a count that is missing is null, also in an answer that broke. */
  readonly usage: Usage | null;
  /** As served, raw. */
  readonly model: string | null;
  /** One of the protocol's own words; of several choices the first's, in a stream that of the one that finished last. */
  readonly finishReason: string | null;
  /** The answer carries an error, whatever its status said. */
  readonly inBandError: InBandError | null;
}

/** An error inside an answer that began as a success. */
export interface InBandError {
  readonly type: string | null;
}

/** Bytes for the client, in order: `forward` at once, `held` (the terminator and all after it) when the end may show. */
export interface Released {
  readonly forward: Buffer[];
  readonly held: Buffer[];
}

export interface AnswerStream {
  /** What is known so far. Each fact is there as soon as its event is: the end may never come. */
  readonly facts: AnswerFacts;
  /** The stream is whole: its terminator came, or it ended cleanly after a finish reason. */
  readonly terminated: boolean;
  /** Bytes of generated content so far, as JSON writes it: what tokens are estimated from when usage is missing. */
  readonly contentBytes: number;
  feed(chunk: Buffer): Released;
  /** The stream ended cleanly; not for one that broke. Its last event counts without the blank line after it too. */
  finish(): Released;
}

export interface AnswerBody {
  /** Bytes of generated content so far, at most: what tokens are estimated from when usage is missing. */
  readonly contentBytes: number;
  feed(chunk: Buffer): void;
  /** The facts, once the body has ended, well or not. Nothing of the body is kept. */
  finish(): WholeAnswerFacts;
}

export interface WholeAnswerFacts extends AnswerFacts {
  /** A whole JSON object. Of a body too large to keep it is only known that a brace ends it. */
  readonly whole: boolean;
}

/** An error of Daybook's own. */
export interface ErrorFacts {
  readonly code: ErrorCode;
  /** A sentence of Daybook's own; by default the code's. */
  readonly message?: string;
  /** The member of the request at fault. */
  readonly param?: string | null;
  readonly requestId: string;
}
