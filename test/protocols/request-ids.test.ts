import assert from "node:assert/strict";
import { test } from "node:test";
import { requestIdFrom, sessionFrom, traceFrom } from "../../src/protocols/request-ids.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

test("a request id is 1 to 128 letters, digits, dots, underscores and dashes", () => {
  for (const id of ["a", "req_01.Z-9", "x".repeat(128)]) assert.equal(requestIdFrom(id), id);
  for (const id of ["", "x".repeat(129), "a b", "a/b", "é", "a\n", "a, b", undefined])
    assert.equal(requestIdFrom(id), null);
  assert.equal(requestIdFrom(["a", "b"]), null);
});

test("a secret that was put in the wrong header is no id", () => {
  const random = "q6q0McgB5-oghc2h0ecFbiJr1DkdNe3pGu067QrSWSc";
  for (const secret of [
    `dbk_${random}`,
    `dbt_${random}`,
    `dbs_${random}`,
    `sk-proj-${random}`,
    `x.sk-${random}`,
  ]) {
    assert.equal(requestIdFrom(secret), null, secret);
    assert.equal(traceFrom(undefined, secret), null, secret);
  }
  for (const id of ["task-00000000000000000000000001", "dbk_1", "sk-1"]) assert.equal(requestIdFrom(id), id);
});

test("the trace id of a valid traceparent is taken before x-trace-id", () => {
  assert.equal(traceFrom(`00-${TRACE}-${PARENT}-01`, "mine"), TRACE);
  assert.equal(traceFrom(`00-${TRACE}-${PARENT}-00`, undefined), TRACE);
});

test("an invalid traceparent is as if it were not there", () => {
  const invalid = [
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    ` 00-${TRACE}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    TRACE,
    "",
    undefined,
    [`00-${TRACE}-${PARENT}-01`],
  ];
  for (const traceparent of invalid) {
    assert.equal(traceFrom(traceparent, undefined), null);
    assert.equal(traceFrom(traceparent, "run-7.a"), "run-7.a");
  }
});

test("an x-trace-id that is no id is not taken", () => {
  assert.equal(traceFrom(undefined, "two words"), null);
  assert.equal(traceFrom(undefined, ""), null);
});

test("the session is the first of its headers that is an id", () => {
  assert.equal(sessionFrom({ "x-session-id": "s1", "session-id": "s2" }), "s1");
  assert.equal(sessionFrom({ "x-session-id": "two words", "x-claude-code-session-id": "s3" }), "s3");
  assert.equal(sessionFrom({ session_id: "s4" }), "s4");
  assert.equal(sessionFrom({ "session-id": "s5" }), "s5");
  assert.equal(sessionFrom({ "x-session-id": `sk-${"x".repeat(30)}` }), null);
  assert.equal(sessionFrom({}), null);
});
