import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, FAILURES } from "../../src/event/outcomes.ts";
import { anthropicErrorBody, anthropicErrorEvent } from "../../src/protocols/anthropic-errors.ts";
import { eventData } from "../../src/protocols/sse.ts";

const CODES = Object.keys(FAILURES) as ErrorCode[];
/** Anthropic's documented types. */
const TYPES = new Set([
  "invalid_request_error",
  "authentication_error",
  "billing_error",
  "permission_error",
  "not_found_error",
  "request_too_large",
  "rate_limit_error",
  "timeout_error",
  "api_error",
  "overloaded_error",
]);

test("an error has Anthropic's shape, Daybook's code and the request's id", () => {
  const error = { code: "unauthorized", message: "No API key.", requestId: "req-1" } as const;
  assert.deepEqual(JSON.parse(anthropicErrorBody(error)), {
    type: "error",
    error: { type: "authentication_error", message: "No API key.", code: "unauthorized" },
    request_id: "req-1",
  });
});

test("each code has one of Anthropic's types and by default its own sentence", () => {
  for (const code of CODES) {
    const { error } = JSON.parse(anthropicErrorBody({ code, requestId: "r" })) as {
      error: Record<string, string>;
    };
    assert.ok(TYPES.has(error.type ?? ""), code);
    assert.equal(error.message, FAILURES[code].message);
    const { statusCode } = FAILURES[code];
    if (typeof statusCode === "number" && statusCode < 499) assert.notEqual(error.type, "api_error", code);
  }
});

test("an error in a stream is one event that says what it is", () => {
  const error = { code: "stream_interrupted", message: "two\nlines", requestId: "r" } as const;
  const event = anthropicErrorEvent(error);
  assert.ok(event.startsWith("event: error\ndata: "));
  assert.ok(event.endsWith("\n\n"));
  assert.equal(eventData(Buffer.from(event)), anthropicErrorBody(error));
});
