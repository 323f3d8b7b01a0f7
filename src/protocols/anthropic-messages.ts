// Anthropic Messages, and the endpoint that counts a message's tokens without sending it to a model.

import { type BodyReader, JsonAnswer } from "./answer-body.ts";
import { EventStream } from "./answer-stream.ts";
import { ANTHROPIC_BODY, COUNT_BODY } from "./anthropic-answer.ts";
import { anthropicErrorBody, anthropicErrorEvent } from "./anthropic-errors.ts";
import { AnthropicEvents } from "./anthropic-stream.ts";
import {
  ARRAY,
  BOOLEAN,
  type MemberRules,
  memberRules,
  NUMBER,
  REQUIRED_ARRAY,
  REQUIRED_NAME,
} from "./member-rules.ts";
import type { Protocol } from "./protocol.ts";
import { errorTypeOf } from "./provider-errors.ts";
import { largestLimit, lengthOf, readRequest, renamedBody } from "./request-body.ts";

const COUNTED = { model: REQUIRED_NAME, messages: REQUIRED_ARRAY, tools: ARRAY };

export const ANTHROPIC_MESSAGES = messages({
  action: "message",
  endpoint: "/v1/messages",
  metered: true,
  rules: memberRules({ ...COUNTED, stream: BOOLEAN, max_tokens: NUMBER }),
  body: ANTHROPIC_BODY,
});

export const ANTHROPIC_COUNT_TOKENS = messages({
  action: "count_tokens",
  endpoint: "/v1/messages/count_tokens",
  metered: false,
  rules: memberRules(COUNTED),
  body: COUNT_BODY,
});

interface MessagesOptions {
  readonly action: "message" | "count_tokens";
  readonly endpoint: `/v1/${string}`;
  readonly metered: boolean;
  readonly rules: MemberRules;
  readonly body: BodyReader;
}

function messages({ rules, body: bodyReader, ...what }: MessagesOptions): Protocol {
  return {
    ...what,
    dialect: "anthropic",
    parseRequest(body) {
      const read = readRequest(body, rules);
      if ("message" in read) return read;
      const { request, value } = read;
      return {
        ...request,
        streaming: what.metered && value.stream === true,
        maxTokens: what.metered ? largestLimit(value.max_tokens) : null,
        toolCount: lengthOf(value.tools),
      };
    },
    upstreamBody: renamedBody,
    createStream: () => new EventStream(new AnthropicEvents()),
    createAnswer: () => new JsonAnswer(bodyReader),
    errorType: errorTypeOf,
    errorBody: anthropicErrorBody,
    errorEvent: anthropicErrorEvent,
  };
}
