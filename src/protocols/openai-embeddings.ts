// OpenAI embeddings. Their answers are large and hold no text; what is told beside them stands at the ends.
import { type BodyReader, JsonAnswer, modelOf } from "./answer-body.ts";
import { EventStream } from "./answer-stream.ts";
import { memberRules, REQUIRED_NAME } from "./member-rules.ts";
import { errorBody, errorEvent } from "./openai-errors.ts";
import { OpenaiEvents } from "./openai-stream.ts";
import type { Protocol } from "./protocol.ts";
import { errorTypeOf, inBandError } from "./provider-errors.ts";
import { readRequest, renamedBody } from "./request-body.ts";
import { embeddingsUsage } from "./usage.ts";

const RULES = memberRules({
  model: REQUIRED_NAME,
  input: {
    must: "a string or an array",
    is: (value) => typeof value === "string" || Array.isArray(value),
  },
});

/** Vectors are not worth parsing: a megabyte of them takes 10 ms. Small answers, errors among them, are. */
const MAX_KEPT_BYTES = 128 * 1024;

const EMBEDDINGS_BODY: BodyReader = {
  facts: (answer) => ({
    usage: embeddingsUsage(answer.usage),
    model: modelOf(answer),
    finishReason: null,
    inBandError: inBandError(answer),
  }),
  edges: () => ({}),
  generated: false,
};

export const OPENAI_EMBEDDINGS: Protocol = {
  action: "embedding",
  endpoint: "/v1/embeddings",
  dialect: "openai",
  metered: true,
  parseRequest(body) {
    const read = readRequest(body, RULES);
    if ("message" in read) return read;
    return {
      ...read.request,
      streaming: false,
      maxTokens: null,
      toolCount: 0,
    };
  },
  upstreamBody: renamedBody,
  createStream: () => new EventStream(new OpenaiEvents({ stripUsage: false })),
  createAnswer: () => new JsonAnswer(EMBEDDINGS_BODY, { maxKeptBytes: MAX_KEPT_BYTES }),
  errorType: errorTypeOf,
  errorBody,
  errorEvent,
};
