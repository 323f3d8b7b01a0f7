import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, FAILURES } from "../../src/event/outcomes.ts";
import { errorBody, errorEvent, openaiErrorType } from "../../src/protocols/openai-errors.ts";
import { eventData } from "../../src/protocols/sse.ts";

const CODES = Object.keys(FAILURES) as ErrorCode[];

test("an error has OpenAI's shape and the request's id", () => {
  const body = errorBody({
    code: "invalid_request",
    message: "`model` must be a non-empty string.",
    param: "model",
    requestId: "req-1",
  });
  assert.deepEqual(JSON.parse(body), {
    error: {
      message: "`model` must be a non-empty string.",
      type: "invalid_request_error",
      param: "model",
      code: "invalid_request",
    },
    request_id: "req-1",
  });
});

test("the message is the code's own sentence unless another is given", () => {
  for (const code of CODES) {
    const { error } = JSON.parse(errorBody({ code, requestId: "r" })) as { error: Record<string, unknown> };
    assert.deepEqual(error, {
      message: FAILURES[code].message,
      type: openaiErrorType(code),
      param: null,
      code,
    });
  }
});

test("an error in a stream is one event with the same body", () => {
  const error = { code: "stream_interrupted", message: "two\nlines", requestId: "r" } as const;
  const event = Buffer.from(errorEvent(error));
  assert.ok(event.toString().endsWith("\n\n"));
  assert.equal(eventData(event), errorBody(error));
});

test("the type says whose fault it is: a server_error is not the client's", () => {
  for (const code of CODES) {
    const { statusCode } = FAILURES[code];
    const clients = typeof statusCode === "number" && statusCode < 499;
    assert.equal(openaiErrorType(code) !== "server_error", clients, code);
  }
});
