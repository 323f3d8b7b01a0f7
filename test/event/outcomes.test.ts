import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRow } from "../../src/event/encode.ts";
import { COLUMN, type Facts } from "../../src/event/fields.ts";
import { answered, FAILURES, failed, failedAsSent } from "../../src/event/outcomes.ts";
import { chatFacts } from "../support/facts.ts";

const AS_SENT = ["provider_error", "protocol_error", "tool_error"] as const;

test("every failure has one status and one code, whatever it is given with", () => {
  for (const [code, spec] of Object.entries(FAILURES)) {
    if (spec.statusCode === null) continue;
    const outcome = failed(code as Parameters<typeof failed>[0], "ECONNRESET");
    assert.equal(outcome.status, spec.status);
    assert.equal(outcome.statusCode, spec.statusCode ?? null);
    assert.equal(outcome.errorCode, code);
    assert.equal(outcome.errorMessage, spec.message);
    assert.ok(spec.message.length <= 500);
  }
});

test("failures of providers and servers keep the status that was sent", () => {
  for (const code of AS_SENT) assert.equal(failedAsSent(code, 418).statusCode, 418);
});

test("an error type that is not a token is left out", () => {
  assert.equal(failed("timeout", "a sentence, not a token").errorType, null);
  assert.equal(failed("timeout", "x".repeat(65)).errorType, null);
  assert.equal(failed("timeout", "jsonrpc.-32602").errorType, "jsonrpc.-32602");
});

test("facts cannot carry an outcome", () => {
  const forged = { ...chatFacts(1), status: "success", statusCode: 200, errorCode: "none" } as Facts;
  const row = encodeRow(forged, failed("unauthorized"), { count: 0 });
  assert.deepEqual(
    [row[COLUMN.status], row[COLUMN.status_code], row[COLUMN.error_code]],
    ["error", 401, "unauthorized"],
  );
  const success = encodeRow(forged, answered(200), { count: 0 });
  assert.deepEqual([success[COLUMN.status], success[COLUMN.error_code]], ["success", null]);
});
