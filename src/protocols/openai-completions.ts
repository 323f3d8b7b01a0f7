// OpenAI chat completions and legacy completions: two endpoints, one wire format but for what is asked.
import { JsonAnswer } from "./answer-body.ts";
import { EventStream } from "./answer-stream.ts";
import { isObject, setMembers, topLevelMembers } from "./json-members.ts";
import {
  ARRAY,
  BOOLEAN,
  memberRules,
  NUMBER,
  OBJECT,
  REQUIRED_ARRAY,
  REQUIRED_NAME,
  type RuleTable,
} from "./member-rules.ts";
import { OPENAI_BODY } from "./openai-answer.ts";
import { errorBody, errorEvent } from "./openai-errors.ts";
import { OpenaiEvents } from "./openai-stream.ts";
import type { InferenceRequest, Protocol } from "./protocol.ts";
import { errorTypeOf } from "./provider-errors.ts";
import { largestLimit, lengthOf, type RequestBody, readRequest, renamed } from "./request-body.ts";

export interface CompletionRequest extends InferenceRequest {
  /** The client itself asked for `stream_options.include_usage`. */
  readonly includeUsage: boolean;
}

export const OPENAI_CHAT = completions("chat", "/v1/chat/completions", {
  model: REQUIRED_NAME,
  messages: REQUIRED_ARRAY,
  stream: BOOLEAN,
  stream_options: OBJECT,
  max_tokens: NUMBER,
  max_completion_tokens: NUMBER,
  tools: ARRAY,
  functions: ARRAY,
  "stream_options.include_usage": BOOLEAN,
});

/** A prompt is text, tokens, or several of either; OpenAI has a default for one that is missing. */
export const OPENAI_COMPLETIONS = completions("completion", "/v1/completions", {
  model: REQUIRED_NAME,
  prompt: {
    must: "a string, an array or null",
    is: (value) => typeof value === "string" || ARRAY.is(value),
  },
  stream: BOOLEAN,
  stream_options: OBJECT,
  max_tokens: NUMBER,
  "stream_options.include_usage": BOOLEAN,
});

function completions(
  action: "chat" | "completion",
  endpoint: `/v1/${string}`,
  table: RuleTable,
): Protocol<CompletionRequest> {
  const rules = memberRules(table);
  return {
    action,
    endpoint,
    dialect: "openai",
    metered: true,
    parseRequest(body) {
      const read = readRequest(body, rules);
      if ("message" in read) return read;
      const { request, value } = read;
      const options = value.stream_options;
      return {
        ...request,
        streaming: value.stream === true,
        includeUsage: isObject(options) && options.include_usage === true,
        maxTokens: times(largestLimit(value.max_tokens, value.max_completion_tokens), choicesOf(value)),
        toolCount: lengthOf(value.tools) + lengthOf(value.functions),
      };
    },
    upstreamBody({ body, model: asked, streaming, includeUsage }, { model, askUsage }) {
      const values = renamed(asked, model);
      if (askUsage && streaming && !includeUsage) values.set("stream_options", askingUsage(body));
      return body.with(values);
    },
    createStream: ({ includeUsage }) => new EventStream(new OpenaiEvents({ stripUsage: !includeUsage })),
    createAnswer: () => new JsonAnswer(OPENAI_BODY),
    errorType: errorTypeOf,
    errorBody,
    errorEvent,
  };
}

/** How many completions are made, each of which may be as long as the limit says; `best_of` are made for `n`. */
function choicesOf({ n, best_of, prompt }: Record<string, unknown>): number {
  const each = Math.max(largestLimit(n) ?? 1, largestLimit(best_of) ?? 1, 1);
  // Tokens are one prompt; texts, or lists of tokens, are one each.
  const isMany = Array.isArray(prompt) && typeof prompt[0] !== "number";
  return isMany ? each * Math.max(prompt.length, 1) : each;
}

function times(limit: number | null, choices: number): number | null {
  return limit === null ? null : Math.min(limit * choices, Number.MAX_SAFE_INTEGER);
}

/** The client's own stream options, and the request for usage. */
function askingUsage(body: RequestBody): string {
  const options = body.valueText("stream_options");
  if (options === null || options === "null") return '{"include_usage":true}';
  return setMembers(options, topLevelMembers(options), new Map([["include_usage", "true"]]));
}
