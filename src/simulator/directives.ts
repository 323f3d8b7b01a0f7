// What a request may tell the simulated provider, in its body member `simulate`: sizes, pace and failure.
// Names are those of the wire in TypeScript too, so that tests and benches send what they declare.

/**
 * How an answer can go wrong. In a stream, `after_events` events come first (2 unless given, at most all that
 * precede the one with the finish_reason); of a JSON answer, its first half.
 *
 * - `reset`: the connection is reset before any byte.
 * - `hang`: no byte ever comes.
 * - `slow`: whole, but `first_byte_ms` is 1,000 and `pace_ms` 200 unless given, and JSON comes in 8 pieces.
 * - `mid_stream_error`: an error within the stream, then a clean end; for JSON an error body with status 200.
 * - `mid_stream_reset`: the connection is reset midway.
 * - `truncated`: a stream ends cleanly without finish_reason and `[DONE]`; JSON is shorter than its Content-Length.
 * - `truncated_json`: chunked; the last event, or the JSON body, is cut in half and the answer ends cleanly.
 * - `no_usage`: no usage, asked for or not.
 * - `echo`: an error (400 unless `status` says otherwise) that repeats the whole request in every text it has.
 */
export const SIMULATED_FAILURES = [
  "reset",
  "hang",
  "slow",
  "mid_stream_error",
  "mid_stream_reset",
  "truncated",
  "truncated_json",
  "no_usage",
  "echo",
] as const;
export type SimulatedFailure = (typeof SIMULATED_FAILURES)[number];

/** The body member `simulate`. Everything is optional; times are milliseconds. */
export interface Directives {
  /** Reported as is; ⌈bytes of the messages' contents / 4⌉ unless given. */
  readonly prompt_tokens?: number;
  /** Reported as is; 24 words, or as many as the request's own limit allows, unless given. */
  readonly completion_tokens?: number;
  /** Part of prompt_tokens, as OpenAI counts. */
  readonly cached_tokens?: number;
  /** Part of completion_tokens, as OpenAI counts; they have no words. */
  readonly reasoning_tokens?: number;
  readonly first_byte_ms?: number;
  /** Between events of a stream; without it events leave together. */
  readonly pace_ms?: number;
  /** Tokens in one event; 1 unless given. */
  readonly chunk_tokens?: number;
  /** Answers with this status and an error body. */
  readonly status?: number;
  readonly error_type?: string;
  /** Seconds, for the Retry-After header of an error. */
  readonly retry_after?: number;
  readonly failure?: SimulatedFailure;
  readonly after_events?: number;
  /** Calls the first of the request's tools, if it has any. */
  readonly tool?: boolean;
}

/** A request that cannot be answered; the message is our own sentence and never repeats a value. */
export class Refusal extends Error {
  readonly status: number;
  readonly param: string | null;

  constructor(message: string, about: { status?: number; param?: string } = {}) {
    super(message);
    this.name = "Refusal";
    this.status = about.status ?? 400;
    this.param = about.param ?? null;
  }
}

interface Check {
  readonly passes: (value: unknown) => boolean;
  readonly must: string;
}

const TOKENS = integerBetween(0, 1_000_000_000);
const DELAY = integerBetween(0, 3_600_000);

const CHECKS: { readonly [D in keyof Directives]-?: Check } = {
  prompt_tokens: TOKENS,
  completion_tokens: TOKENS,
  cached_tokens: TOKENS,
  reasoning_tokens: TOKENS,
  first_byte_ms: DELAY,
  pace_ms: DELAY,
  chunk_tokens: integerBetween(1, 1_000_000),
  status: integerBetween(400, 599),
  error_type: {
    passes: (value) => typeof value === "string" && /^[A-Za-z0-9_.-]{1,64}$/.test(value),
    must: "must be 1 to 64 characters of A-Z, a-z, 0-9, _, . and -",
  },
  retry_after: integerBetween(0, 86_400),
  failure: {
    passes: (value) => SIMULATED_FAILURES.some((failure) => failure === value),
    must: `must be one of ${SIMULATED_FAILURES.join(", ")}`,
  },
  after_events: TOKENS,
  tool: { passes: (value) => typeof value === "boolean", must: "must be true or false" },
};

/** Checks a `simulate` member; absent and null mean none. Throws a Refusal that names the offending member. */
export function parseDirectives(value: unknown): Directives {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw new Refusal("simulate must be an object.", { param: "simulate" });
  for (const [name, given] of Object.entries(value)) {
    // The name is the client's own text: only a known one is repeated.
    if (!isDirective(name)) {
      const known = Object.keys(CHECKS).join(", ");
      throw new Refusal(`simulate has an unknown member; known are ${known}.`, { param: "simulate" });
    }
    const { passes, must } = CHECKS[name];
    if (!passes(given)) throw new Refusal(`simulate.${name} ${must}.`, { param: `simulate.${name}` });
  }
  return value;
}

/** Whether `value` is an object with members: not null, not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDirective(name: string): name is keyof Directives {
  return Object.hasOwn(CHECKS, name);
}

function integerBetween(min: number, max: number): Check {
  return {
    passes: (value) => typeof value === "number" && Number.isInteger(value) && value >= min && value <= max,
    must: `must be an integer from ${min} to ${max}`,
  };
}
