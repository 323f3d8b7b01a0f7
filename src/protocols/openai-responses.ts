// OpenAI responses: a string or items in, a response object out, and a stream with events of its own.
import { JsonAnswer } from "./answer-body.ts";
import { EventStream } from "./answer-stream.ts";
import { ARRAY, BOOLEAN, memberRules, NUMBER, REQUIRED_NAME, refuse } from "./member-rules.ts";
import { errorBody, responsesErrorEvent } from "./openai-errors.ts";
import { RESPONSES_BODY } from "./openai-responses-answer.ts";
import { ResponsesEvents } from "./openai-responses-stream.ts";
import type { Protocol } from "./protocol.ts";
import { errorTypeOf } from "./provider-errors.ts";
import { largestLimit, lengthOf, readRequest, renamedBody } from "./request-body.ts";

const RULES = memberRules({
  model: REQUIRED_NAME,
  input: {
    must: "a string or an array",
    is: (value) => typeof value === "string" || ARRAY.is(value),
  },
  stream: BOOLEAN,
  background: {
    must: "false or null: an answer that is fetched later does not pass through Daybook",
    is: (value) => value !== true && BOOLEAN.is(value),
  },
  max_output_tokens: NUMBER,
  tools: ARRAY,
});

/** One of these must say what is to be answered. */
const ASKING = ["input", "prompt", "previous_response_id", "conversation"];

export const OPENAI_RESPONSES: Protocol = {
  action: "response",
  endpoint: "/v1/responses",
  dialect: "openai",
  metered: true,
  parseRequest(body) {
    const read = readRequest(body, RULES);
    if ("message" in read) return read;
    const { request, value } = read;
    if (ASKING.every((name) => value[name] === undefined || value[name] === null))
      return refuse("input", `\`input\` must be a string or an array.${chatHint(value)}`);
    return {
      ...request,
      streaming: value.stream === true,
      maxTokens: largestLimit(value.max_output_tokens),
      toolCount: lengthOf(value.tools),
    };
  },
  upstreamBody: renamedBody,
  createStream: () => new EventStream(new ResponsesEvents()),
  createAnswer: () => new JsonAnswer(RESPONSES_BODY),
  errorType: errorTypeOf,
  errorBody,
  errorEvent: responsesErrorEvent,
};

function chatHint({ messages }: Record<string, unknown>): string {
  return Array.isArray(messages) ? " `messages` belong to /v1/chat/completions." : "";
}
