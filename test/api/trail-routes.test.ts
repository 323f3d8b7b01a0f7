import assert from "node:assert/strict";
import { test } from "node:test";
import { type EventJson, eventJson } from "../../src/event/json.ts";
import { failed } from "../../src/event/outcomes.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { NODE_ID, START } from "../read/trail.ts";
import { type Answer, serveApi, TOKENS } from "./served-api.ts";

function models({ json }: Answer): unknown[] {
  return (json as EventJson[]).map(({ model }) => model);
}

/** The next page's path, as a client resolves it (RFC 8288, section 3.1). */
function nextOf({ headers }: Answer, base: string): string | null {
  const [, target] = /^<([^>]*)>; rel="next"$/.exec(String(headers.link ?? "")) ?? [];
  if (target === undefined) return null;
  const url = new URL(target, base);
  return url.pathname + url.search;
}

test("a list is a JSON array of whole events, newest first", async () => {
  await using api = await serveApi([{ model: "a" }, { model: "b", outcome: failed("timeout") }]);
  const answer = await api.ask("/admin/audit-logs");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  assert.deepEqual(models(answer), ["b", "a"]);
  const store = await openStore(api.trail.address, "read");
  const { events } = await store.query({ where: {}, limit: 10 });
  assert.deepEqual(answer.json, events.map(eventJson));
  assert.equal((answer.json as EventJson[])[0]?.recorded_at, "2026-01-31T12:00:01.000Z");
  await store.close();
});

test("an empty trail is an empty array without a next page", async () => {
  await using api = await serveApi();
  const answer = await api.ask("/admin/audit-logs");
  assert.deepEqual([answer.status, answer.json, answer.headers.link], [200, [], undefined]);
});

test("following next shows every event once, also while others arrive", async () => {
  await using api = await serveApi(Array.from({ length: 7 }, (_, index) => ({ model: `m${index}` })));
  const seen: unknown[] = [];
  let path: string | null = "/admin/audit-logs?limit=3";
  while (path !== null) {
    const answer: Answer = await api.ask(path);
    assert.equal(answer.headers["x-as-of"], `${NODE_ID}=7`);
    seen.push(...models(answer));
    path = nextOf(answer, api.url);
    await api.trail.append({ model: "late" });
  }
  assert.deepEqual(seen, ["m6", "m5", "m4", "m3", "m2", "m1", "m0"]);
});

test("next keeps every parameter, and its bounds do not move with the clock", async () => {
  let now = START + 3_600_000;
  await using api = await serveApi(
    [{ model: "a" }, { model: "b" }, { model: "a" }, { kind: "system", action: "gap", model: "a" }],
    {
      now: () => now,
    },
  );
  const first = await api.ask("/admin/audit-logs?limit=2&model=a&model=b&since=1h&include=system&user_id=");
  now += 3_600_000;
  const path = nextOf(first, api.url) ?? "";
  const parameters = new URL(path, api.url).searchParams;
  assert.deepEqual(parameters.getAll("model"), ["a", "b"]);
  assert.deepEqual(
    ["limit", "since", "include", "user_id"].map((name) => parameters.get(name)),
    ["2", "2026-01-31T12:00:00.000Z", "system", ""],
  );
  assert.deepEqual(models(await api.ask(path)), ["b", "a"]);
});

test("filters narrow the list; bounds are inclusive; system events need asking", async () => {
  await using api = await serveApi([
    { model: "a", userId: "ann" },
    { model: "b", policyDecision: "deny", outcome: failed("policy_denied") },
    { kind: "system", action: "gap" },
    { kind: "admin", action: "api_key_created" },
  ]);
  const count = async (search: string) =>
    ((await api.ask(`/admin/audit-logs?${search}`)).json as unknown[]).length;
  assert.equal(await count(""), 3);
  assert.equal(await count("include=system"), 4);
  assert.equal(await count("kind=system"), 1);
  assert.equal(await count("user_id=ann"), 1);
  assert.equal(await count("user_id=&kind=inference"), 1);
  assert.equal(await count("policy=denied&status=error&status_code=403"), 1);
  assert.equal(await count("start_time=2026-01-31T12:00:01Z&end_time=2026-01-31T13:00:01%2B01:00"), 1);
});

test("a wrong parameter is a problem that names it and what is right", async () => {
  await using api = await serveApi();
  for (const [search, said] of [
    ["limit=0", /limit must be a whole number from 1 to 1000/],
    ["limit=1001", /1 to 1000/],
    ["statsu=error", /Did you mean status\?/],
    ["since=yesterday", /since must be/],
    ["cursor=abc", /The cursor is not one that Daybook gave out/],
    ["cursor=abc.def", /The cursor is not one that Daybook gave out/],
  ] as const) {
    const answer = await api.ask(`/admin/audit-logs?${search}`);
    assert.equal(answer.status, 400, search);
    assert.match((answer.json as { detail: string }).detail, said);
  }
  assert.equal((await api.ask("/admin/audit-logs/stats?limit=5")).status, 400);
});

test("stats sum what matches", async () => {
  await using api = await serveApi([
    {
      model: "a",
      backendType: "openai",
      promptTokens: 10,
      completionTokens: 5,
      totalTokens: 15,
      durationMs: 0,
    },
    {
      model: "a",
      cachedTokens: 1,
      costMicros: 7,
      backendType: "openai",
      promptTokens: 1,
      completionTokens: 1,
      totalTokens: 2,
    },
    { model: "b", backendType: "local", outcome: failed("timeout"), count: 3 },
    { kind: "system", action: "gap" },
  ]);
  assert.deepEqual((await api.ask("/admin/audit-logs/stats")).json, {
    total_requests: 5,
    failed: 3,
    by_status: { success: 2, timeout: 3 },
    by_backend: { openai: 2, local: 3 },
    unique_models: 2,
    prompt_tokens: 11,
    completion_tokens: 6,
    total_tokens: 17,
    cached_tokens: 1,
    cost_micros: 7,
    p50_ms: 0,
    p95_ms: 0,
    p99_ms: 0,
  });
  const { json } = await api.ask("/admin/audit-logs/stats?model=b");
  assert.deepEqual((json as { by_status: unknown }).by_status, { timeout: 3 });
});

test("stats of an empty trail are zeros", async () => {
  await using api = await serveApi();
  assert.deepEqual((await api.ask("/admin/audit-logs/stats")).json, {
    total_requests: 0,
    failed: 0,
    by_status: {},
    by_backend: {},
    unique_models: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    total_tokens: 0,
    cached_tokens: 0,
    cost_micros: 0,
    p50_ms: null,
    p95_ms: null,
    p99_ms: null,
  });
});

test("one event is found by its id, whatever its kind", async () => {
  await using api = await serveApi();
  const [id = ""] = await api.trail.append({ kind: "system", action: "gap" });
  const answer = await api.ask(`/admin/audit-logs/${id}`);
  assert.deepEqual([answer.status, (answer.json as EventJson).event_id], [200, id]);
});

test("an id that is unknown, or none at all, is 404", async () => {
  await using api = await serveApi([{}]);
  for (const id of ["01890a5d-ac96-774b-bcce-b302099a8057", "7", "%00", "x".repeat(5000), ""]) {
    const answer = await api.ask(`/admin/audit-logs/${id}`);
    assert.equal(answer.status, 404, id);
    assert.equal((answer.json as { code: string }).code, "not_found");
  }
  assert.equal((await api.ask("/admin/audit-logs/01890a5d-ac96-774b-bcce-b302099a8057?proof=1")).status, 400);
});

test("HEAD answers the head of GET", async () => {
  await using api = await serveApi([{}, {}]);
  const answer = await api.ask("/admin/audit-logs?limit=1", { method: "HEAD" });
  assert.deepEqual([answer.status, answer.text], [200, ""]);
  assert.match(String(answer.headers.link), /rel="next"/);
});

test("a token is asked for, and its role looked at", async () => {
  await using api = await serveApi();
  for (const path of [
    "/admin/audit-logs",
    "/admin/audit-logs/stats",
    "/admin/audit-logs/01890a5d-ac96-774b-bcce-b302099a8057",
  ]) {
    const missing = await api.ask(path, { token: null });
    assert.deepEqual([missing.status, missing.headers["www-authenticate"]], [401, "Bearer"]);
    const wrong = await api.ask(path, { token: "dbt_wrong" });
    assert.deepEqual(
      [wrong.status, wrong.headers["www-authenticate"]],
      [401, 'Bearer error="invalid_token"'],
    );
    assert.ok(!wrong.text.includes("dbt_wrong"));
    assert.equal((await api.ask(path, { token: TOKENS.viewer })).status, 403);
    assert.notEqual((await api.ask(path, { token: TOKENS.auditor })).status, 403);
  }
  for (const authorization of ["Basic YTpi", "Bearer", "Bearer ", `Bearer ${TOKENS.admin} x`, TOKENS.admin]) {
    assert.equal(
      (await api.ask("/admin/audit-logs", { token: null, headers: { authorization } })).status,
      401,
    );
  }
  const lower = { authorization: `bearer ${TOKENS.admin}` };
  assert.equal((await api.ask("/admin/audit-logs", { token: null, headers: lower })).status, 200);
});

test("a viewer sees the events of its own user, and nothing of anybody else's", async () => {
  await using api = await serveApi();
  const { users, tokens } = api.parts;
  const { id } = await users.create({ caller: "cli" }, { name: "ann", role: "viewer" });
  const { secret } = await tokens.create({ caller: "cli" }, { name: "t", role: "viewer", userId: "ann" });
  const [own = "", other = ""] = await api.trail.append(
    { model: "mine", userId: id },
    { model: "theirs", userId: "bob" },
    { model: "of-nobody" },
    { model: "mine-too", userId: id },
  );
  const ask = (path: string) => api.ask(path, { token: secret });
  const page = await ask("/admin/audit-logs?limit=1");
  assert.deepEqual(models(page), ["mine-too"]);
  assert.deepEqual(models(await ask(nextOf(page, api.url) ?? "")), ["mine"]);
  assert.deepEqual(models(await ask(`/admin/audit-logs?user_id=${id}`)), ["mine-too", "mine"]);
  assert.equal(((await ask("/admin/audit-logs/stats")).json as { total_requests: number }).total_requests, 2);
  assert.equal((await ask(`/admin/audit-logs/${own}`)).status, 200);
  assert.equal((await ask(`/admin/audit-logs/${other}`)).status, 404);
  for (const search of ["user_id=bob", `user_id=${id}&user_id=bob`, "user_id="])
    assert.equal((await ask(`/admin/audit-logs?${search}`)).status, 403, search);
});
