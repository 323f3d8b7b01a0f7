import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventJson } from "../../src/event/json.ts";
import { failed, failedAsSent } from "../../src/event/outcomes.ts";
import type { HistogramJson, StatsJson } from "../../src/read/sums-json.ts";
import { type Past, START } from "../read/trail.ts";
import { type Answer, serveApi, TOKENS } from "./served-api.ts";

const PAST: readonly Past[] = [
  { model: "a", userId: "ann", endpoint: "/v1/chat/completions", durationMs: 100, backendType: "openai" },
  { model: "a", userId: "ann", endpoint: "/v1/chat/completions", durationMs: 300, backendType: "openai" },
  { model: "b", userId: "bob", endpoint: "/v1/embeddings", backendType: "local", outcome: failed("timeout") },
  { kind: "mcp", action: "tool", name: "read", userId: "bob", outcome: failedAsSent("tool_error", 200) },
  { kind: "admin", action: "api_key_created", endpoint: "/admin/keys", durationMs: 10 },
  { model: "b", quotaViolation: "daily_cost", outcome: failed("quota_exceeded") },
  { kind: "system", action: "gap" },
];

async function served(now = START + 3_600_000) {
  return serveApi(PAST, { now: () => now });
}

test("an empty trail has zeros and no buckets", async () => {
  await using api = await serveApi();
  const { total_requests, by_status, by_backend, unique_models } = (await api.ask("/admin/audit-logs/stats"))
    .json as StatsJson;
  assert.deepEqual(
    { total_requests, by_status, by_backend, unique_models },
    { total_requests: 0, by_status: {}, by_backend: {}, unique_models: 0 },
  );
  assert.deepEqual((await api.ask("/admin/audit-logs/count")).json, { count: 0 });
  assert.deepEqual(((await api.ask("/admin/audit-logs/histogram")).json as HistogramJson).buckets, []);
});

test("a count takes the filters of a list", async () => {
  await using api = await served();
  const count = async (query: string) => (await api.ask(`/admin/audit-logs/count?${query}`)).json;
  assert.deepEqual(await count(""), { count: 6 });
  assert.deepEqual(await count("include=system"), { count: 7 });
  assert.deepEqual(await count("success=false&type=tool"), { count: 1 });
  assert.deepEqual(await count(`q=${encodeURIComponent("-status:success -model:b")}`), { count: 1 });
  assert.deepEqual(await count("search=EMBED"), { count: 1 });
  assert.equal((await api.ask("/admin/audit-logs/count?limit=1")).status, 400);
});

test("a histogram has the buckets that have events, at multiples of their width", async () => {
  await using api = await served();
  const answer = await api.ask("/admin/audit-logs/histogram?bucket=2s&since=2026-01-31T12:00:00Z");
  const { since, until, bucket_ms, buckets } = answer.json as HistogramJson;
  assert.deepEqual([since, until, bucket_ms], ["2026-01-31T12:00:00.000Z", "2026-01-31T13:00:00.000Z", 2000]);
  assert.deepEqual(
    buckets.map(({ from, requests, failed: failures }) => [from.slice(17, 19), requests, failures]),
    [
      ["00", 2, 0],
      ["02", 2, 2],
      ["04", 2, 1],
    ],
  );
});

test("a histogram chooses its width, and refuses one that cuts too fine", async () => {
  await using api = await served();
  const width = async (query: string) =>
    ((await api.ask(`/admin/audit-logs/histogram?${query}`)).json as HistogramJson).bucket_ms;
  assert.equal(await width(""), 3_600_000);
  assert.equal(await width("since=1h"), 60_000);
  assert.equal(await width("since=7d"), 3 * 3_600_000);
  assert.equal(await width("since=30d"), 24 * 3_600_000);
  assert.equal(await width("since=0"), 32 * 86_400_000);
  for (const query of ["bucket=1s", "bucket=0s", "bucket=1w", "bucket=1s&bucket=1m", "bucket="]) {
    const { status, json } = await api.ask(`/admin/audit-logs/histogram?${query}`);
    assert.equal(status, 400, query);
    assert.match(String((json as { detail: string }).detail), /bucket/, query);
  }
});

test("facets are of the fields that are asked for, the most frequent value first", async () => {
  await using api = await served();
  assert.deepEqual((await api.ask("/admin/audit-logs/facets?fields=model,user_id,kind&limit=1")).json, {
    model: { values: [{ value: "a", requests: 2 }], exact: true },
    user_id: { values: [{ value: "ann", requests: 2 }], exact: true },
    kind: { values: [{ value: "inference", requests: 4 }], exact: true },
  });
  const { json } = await api.ask("/admin/audit-logs/facets?status=timeout");
  assert.deepEqual((json as Record<string, unknown>).model, {
    values: [{ value: "b", requests: 1 }],
    exact: true,
  });
  for (const fields of ["modle", "metadata", "", "__proto__"])
    assert.equal((await api.ask(`/admin/audit-logs/facets?fields=${fields}`)).status, 400, fields);
});

test("metrics tell users, failures, response times and changes apart", async () => {
  await using api = await served();
  const metrics = (await api.ask("/admin/audit-logs/metrics?since=2h")).json as Record<string, unknown>;
  assert.deepEqual(metrics.actions_by_user, [
    { user_id: "ann", requests: 2, per_hour: 1 },
    { user_id: "bob", requests: 2, per_hour: 1 },
  ]);
  assert.deepEqual(metrics.failures_by_type, [
    { kind: "inference", action: "chat", requests: 4, failed: 2, failure_rate: 0.5 },
    { kind: "admin", action: "api_key_created", requests: 1, failed: 0, failure_rate: 0 },
    { kind: "mcp", action: "tool", requests: 1, failed: 1, failure_rate: 1 },
  ]);
  const [chat] = metrics.response_time_by_endpoint as { endpoint: string; mean_ms: number }[];
  assert.equal(chat?.endpoint, "/v1/chat/completions");
  assert.ok(Math.abs((chat?.mean_ms ?? 0) - 200) <= 10, "L24: an average is a sum over a count, within 5 %");
  assert.deepEqual(metrics.admin_actions, [
    { action: "api_key_created", requests: 1, failed: 0, per_day: 12 },
  ]);
  assert.deepEqual(metrics.quota_violations, [{ quota: "daily_cost", requests: 1 }]);
  assert.equal(metrics.exact, true);
});

test("metrics of one kind have no changes of another", async () => {
  await using api = await served();
  const { json } = await api.ask("/admin/audit-logs/metrics?since=2h&kind=inference");
  assert.deepEqual((json as { admin_actions: unknown[] }).admin_actions, []);
});

test("metrics of a single millisecond are numbers", async () => {
  await using api = await served();
  const [event] = (await api.ask("/admin/audit-logs?user_id=ann&limit=1")).json as EventJson[];
  const at = encodeURIComponent(event?.recorded_at ?? "");
  const { json } = await api.ask(`/admin/audit-logs/metrics?user_id=ann&since=${at}&until=${at}`);
  const [ann] = (json as { actions_by_user: { requests: number; per_hour: number }[] }).actions_by_user;
  assert.equal(ann?.per_hour, (ann?.requests ?? 0) * 3_600_000);
});

const PATHS = [
  ["/admin/audit-logs", "/api/system/audit-logs", "/admin/audit/logs"],
  ["/admin/audit-logs/stats", "/api/system/audit-logs/stats", "/admin/audit/stats"],
  [
    "/admin/audit-logs/metrics?since=2h",
    "/api/system/audit-logs/metrics?since=2h",
    "/admin/audit/metrics?since=2h",
  ],
  ["/admin/audit-logs/facets", "/api/system/audit-logs/facets", "/admin/audit/facets"],
] as const;

for (const [path, ...others] of PATHS) {
  test(`${path} is answered where others had it, and each leaves its event there`, async () => {
    await using api = await served();
    const answer = await api.ask(path);
    for (const other of others) assert.deepEqual((await api.ask(other)).json, answer.json, other);
    assert.deepEqual(
      api.events.map(({ action, endpoint }) => `${action} ${endpoint}`),
      [path, ...others].map((each) => `queried ${each.split("?")[0]}`),
    );
  });
}

test("rows have an id, and pages by number lead to the same events as offset and limit", async () => {
  await using api = await served();
  const rows = async (query: string) =>
    ((await api.ask(`/admin/audit/logs?${query}`)).json as EventJson[]).map(({ id, event_id }) => {
      assert.equal(id, event_id);
      return id;
    });
  const all = await rows("");
  assert.equal(all.length, 6);
  assert.deepEqual(await rows("page=2&page_size=4"), all.slice(4));
  assert.deepEqual(await rows("offset=1&limit=2"), all.slice(1, 3));
  assert.deepEqual(await rows("offset=6"), []);
  assert.deepEqual(await rows("offset=10000"), []);
  const { status, json } = await api.ask("/admin/audit/logs?offset=10001");
  assert.equal(status, 400);
  assert.match((json as { detail: string }).detail, /cursor/);
});

test("a page by number leads on by cursor, without a further event", async () => {
  await using api = await served();
  const first = await api.ask("/admin/audit-logs?offset=1&limit=2");
  const path = /^<([^>]*)>/.exec(String(first.headers.link))?.[1] ?? "";
  const second = await api.ask(path);
  const models = ({ json }: Answer) => (json as EventJson[]).map(({ kind }) => kind);
  assert.deepEqual(
    [models(first), models(second)],
    [
      ["admin", "mcp"],
      ["inference", "inference"],
    ],
  );
  assert.equal(api.events.length, 1);
});

test("holders without audit:read see sums of their own events only", async () => {
  await using api = await served();
  const sums = ["count", "stats", "histogram", "facets", "metrics"];
  for (const path of sums) {
    const { status } = await api.ask(`/admin/audit-logs/${path}`, { token: TOKENS.viewer });
    assert.equal(status, 403, "this token belongs to no user");
  }
});
