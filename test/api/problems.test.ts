import assert from "node:assert/strict";
import { test } from "node:test";
import { serveApi, TOKENS } from "./served-api.ts";

test("an error is problem details that lead to its event", async () => {
  await using api = await serveApi();
  const answer = await api.ask("/admin/audit-logs?limit=abc", { headers: { "x-request-id": "mine" } });
  assert.match(String(answer.headers["content-type"]), /^application\/problem\+json/);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual(answer.json, {
    type: "urn:daybook:error:invalid_request",
    title: "The request is not valid.",
    status: 400,
    detail:
      'limit must be a whole number from 1 to 1000, not "abc". docs/reference/api.md lists the parameters.',
    instance: `/admin/audit-logs/${api.events[0]?.event_id}`,
    code: "invalid_request",
    request_id: "mine",
  });
});

test("an error of a path that leaves no event names the path", async () => {
  await using api = await serveApi([], { clientIp: () => "192.0.2.7" });
  const { json, status } = await api.ask("/metrics", { token: null });
  assert.deepEqual([status, (json as { instance: string }).instance], [401, "/metrics"]);
  assert.deepEqual(api.events, []);
});

test("healthz says ok, to anyone", async () => {
  await using api = await serveApi();
  const answer = await api.ask("/healthz", { token: null });
  assert.deepEqual([answer.status, answer.text], [200, '{"status":"ok"}']);
  assert.ok(answer.headers["x-request-id"]);
});

test("readyz answers 503 with what is not ready and what to do", async () => {
  const store = { ok: false, detail: "no schema", remedy: "start once with write access" };
  await using api = await serveApi([], { ready: async () => ({ ok: false, checks: { store } }) });
  const answer = await api.ask("/readyz", { token: null });
  assert.deepEqual([answer.status, answer.json], [503, { status: "not_ready", checks: { store } }]);
  await using well = await serveApi();
  assert.equal((await well.ask("/readyz", { token: null })).status, 200);
});

test("metrics are open to this machine, and need a token from elsewhere or through a proxy", async () => {
  await using api = await serveApi();
  const open = await api.ask("/metrics", { token: null });
  assert.deepEqual([open.status, open.text], [200, "daybook_events_total 1\n"]);
  assert.equal(open.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  for (const headers of [{ "x-forwarded-for": "192.0.2.7" }, { forwarded: "for=192.0.2.7" }]) {
    assert.equal((await api.ask("/metrics", { token: null, headers })).status, 401);
  }
  await using far = await serveApi([], { clientIp: () => "192.0.2.7" });
  assert.equal((await far.ask("/metrics", { token: null })).status, 401);
  assert.equal((await far.ask("/metrics", { token: TOKENS.viewer })).status, 200);
});
