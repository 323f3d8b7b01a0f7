import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inBandError, knownErrorType } from "../../src/protocols/provider-errors.ts";

test("known types and codes are told", () => {
  assert.equal(
    knownErrorType({ error: { type: "rate_limit_error", code: "rate_limit_exceeded" } }),
    "rate_limit_error",
  );
  assert.equal(
    knownErrorType({ type: "error", error: { type: "overloaded_error", message: "busy" } }),
    "overloaded_error",
  );
  assert.equal(
    knownErrorType({ error: { type: "exceed_context_size_error", code: 400 } }),
    "exceed_context_size_error",
  );
});

test("a known code is told where the type is unknown or says less", () => {
  assert.equal(
    knownErrorType({ error: { type: "tokens", code: "rate_limit_exceeded" } }),
    "rate_limit_exceeded",
  );
  assert.equal(
    knownErrorType({ error: { type: "invalid_request_error", code: "invalid_api_key" } }),
    "invalid_api_key",
  );
  assert.equal(
    knownErrorType({ error: { type: "invalid_request_error", code: null } }),
    "invalid_request_error",
  );
  assert.equal(
    knownErrorType({ error: { type: "invalid_request_error", code: "quince" } }),
    "invalid_request_error",
  );
});

test("nothing else of an error gets out, whatever stands in it", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("quince", "toString", "__proto__", "constructor", "Invalid_Request_Error"),
  );
  const body = fc.oneof(
    fc.anything(),
    fc.record({
      error: fc.oneof(text, fc.anything(), fc.record({ type: text, code: text, message: text, param: text })),
    }),
  );
  fc.assert(fc.property(body, (value) => assert.equal(knownErrorType(value), null)));
});

test("an error member of any truthy value is an error", () => {
  assert.deepEqual(inBandError({ error: { type: "api_error" } }), { type: "api_error" });
  assert.deepEqual(inBandError({ error: "quince" }), { type: null });
  for (const error of [undefined, null, false, ""]) assert.equal(inBandError({ error }), null);
});
