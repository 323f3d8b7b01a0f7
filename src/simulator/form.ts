// An endpoint that the simulated provider serves: how its requests are read, and what its answers look like. Pure.
import type { Asked } from "./request.ts";
import type { Text } from "./words.ts";

export interface Form {
  /** What the request asks for; throws a Refusal. `toolWanted`: a directive wants a tool to be called. */
  readonly read: (request: Record<string, unknown>, toolWanted: boolean) => Asked;
  /** The whole answer, JSON. */
  readonly body: (answer: Answer) => string;
  /** Null: this endpoint has no streams. */
  readonly stream: ((answer: Answer) => EventStream) | null;
  readonly errors: Errors;
}

/** How a dialect says that something went wrong. */
export interface Errors {
  readonly body: (message: string, type: string, param: string | null, code: string | null) => string;
  /** Within a stream, with its blank line. */
  readonly event: (message: string, type: string) => string;
  /** Type and code for a status. */
  readonly about: (status: number) => readonly [type: string, code: string | null];
}

export interface Answer extends Text {
  /** Of this simulator's requests. */
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  /** Name of the tool to call. */
  readonly tool: string | null;
  readonly isCut: boolean;
  /** Null where none is reported. */
  readonly usage: Usage | null;
  /** In a chat stream, usage is reported only when it was asked for. */
  readonly usageInStream: boolean;
  /** Of embeddings. */
  readonly inputs: number;
  readonly dimensions: number;
  readonly base64: boolean;
}

/** As OpenAI counts: cached ones are part of the prompt, reasoning is part of the completion. */
export interface Usage {
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
  readonly reasoning: number;
}

/** A stream's events, each with its blank line. `event(0)` opens the message; `ending` goes to the terminator. */
export interface EventStream {
  /** How many events precede the ending. */
  readonly length: number;
  readonly event: (index: number) => string;
  readonly ending: string;
}
