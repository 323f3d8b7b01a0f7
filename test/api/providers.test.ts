// Providers, routes and models through the API of a whole Daybook, before real upstreams.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chat, startDaybook } from "../support/daybook.ts";
import { startJsonUpstream } from "../support/json-upstream.ts";

const ANSWER = {
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "served-as",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 },
};
const LIST = { object: "list", data: [{ id: "b" }, { id: "a" }] };

const openaiLike = ({ path }: { path: string }) => ({ body: path === "/v1/models" ? LIST : ANSWER });

test("a provider and a route made now serve the next request, at the route's price; a new price leaves old events", async (t) => {
  const { url, asked } = await startJsonUpstream(t, openaiLike);
  const daybook = await startDaybook(t);
  const made = await daybook.ask("/admin/providers", {
    method: "POST",
    body: {
      name: "mine",
      backend_type: "acme",
      protocols: ["openai"],
      base_url: `${url}/v1/`,
      api_key: "sk-canary-key-1",
      headers: { "X-Team": "canary-header-1" },
    },
  });
  assert.equal(made.status, 201, made.text);
  assert.doesNotMatch(made.text, /canary/);
  const { id: providerId, api_key_stored, headers } = made.json as Record<string, unknown>;
  assert.deepEqual([api_key_stored, headers], [true, ["x-team"]]);
  const route = await daybook.ask("/admin/routes", {
    method: "POST",
    body: {
      model: "m-*",
      providers: [{ provider: "mine", upstream_model: "there" }],
      price: { prompt_per_million: 2, completion_per_million: 4 },
    },
  });
  assert.equal(route.status, 201, route.text);
  const { id: routeId } = route.json as { id: string };
  assert.equal((await chat(daybook.url, { model: "m-1" })).status, 200);
  assert.deepEqual(
    asked.map(({ path, headers: { authorization, "x-team": team } }) => [path, authorization, team]),
    [["/v1/chat/completions", "Bearer sk-canary-key-1", "canary-header-1"]],
  );
  assert.equal(JSON.parse(asked[0]?.body ?? "{}").model, "there");
  const replaced = await daybook.ask(`/admin/routes/${routeId}`, {
    method: "PUT",
    body: {
      model: "m-*",
      providers: [{ provider: "mine" }],
      price: { prompt_per_million: 20, completion_per_million: 40 },
    },
  });
  assert.equal(replaced.status, 200, replaced.text);
  assert.equal((await chat(daybook.url, { model: "m-1" })).status, 200);
  const events = await daybook.events("kind=inference");
  assert.deepEqual(
    events.map((event) => [event.provider_id, event.route_id, event.route, event.cost_micros]),
    [
      [providerId, routeId, "m-*", 4000],
      [providerId, routeId, "m-*", 40_000],
    ],
  );
});

test("no byte in the data folder, and no answer, holds a provider's secret", async (t) => {
  const { url } = await startJsonUpstream(t, openaiLike);
  const daybook = await startDaybook(t, {
    yaml: `providers: [{ name: fixed, backend_type: acme, protocol: openai, base_url: "${url}", api_key: canary-file-key, headers: { x-a: canary-file-header } }]\n`,
  });
  const body = { backend_type: "acme", protocol: "openai", base_url: url };
  const ask = (method: "POST" | "PATCH" | "DELETE" | "GET", path: string, sent?: unknown) =>
    daybook.ask(path, { method, body: sent });
  const answers = [
    await ask("POST", "/admin/providers", {
      ...body,
      name: "mine",
      api_key: "canary-1",
      headers: { "x-a": "canary-2" },
    }),
    await ask("PATCH", "/admin/providers/mine", { api_key: "canary-3" }),
    await ask("PATCH", "/admin/providers/mine", { headers: { "x-b": "canary-4" }, api_key: null }),
    await ask("POST", "/admin/providers", { ...body, name: "mine", api_key: "canary-5" }),
    await ask("POST", "/admin/providers", {
      ...body,
      name: "bad",
      api_key: "canary 6",
      headers: { host: "canary-7" },
    }),
    await ask("POST", "/admin/providers", { ...body, name: "canary-8 no name" }),
    await ask("POST", "/admin/providers/mine/test"),
    await ask("POST", "/admin/providers/fixed/sync"),
    await ask("GET", "/admin/providers"),
    await ask("DELETE", "/admin/providers/mine"),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 200, 200, 409, 400, 400, 200, 200, 200, 204],
  );
  for (const { text } of answers) assert.doesNotMatch(text, /canary/);
  assert.doesNotMatch((await daybook.get("/metrics")).text, /canary/);
  await daybook.settle();
  await daybook.server.close(0);
  const files = readdirSync(daybook.home, { recursive: true }).map(String);
  const checked = files.filter(
    (file) => file !== "daybook.yaml" && statSync(join(daybook.home, file)).isFile(),
  );
  assert.ok(checked.includes("control.db") && checked.includes("events.db") && checked.length >= 5);
  for (const file of checked)
    assert.doesNotMatch(readFileSync(join(daybook.home, file), "latin1"), /canary/, file);
});

test("those of the file are shown and cannot be changed", async (t) => {
  const daybook = await startDaybook(t, {
    yaml: "providers: [{ name: fixed, backend_type: simulated }]\nroutes: [{ model: m, providers: [{ provider: fixed }] }]\n",
  });
  const providers = (await daybook.ask("/admin/providers")).json as Record<string, unknown>[];
  assert.deepEqual(
    providers.map(({ name, source, id, enabled, created_at }) => [name, source, id, enabled, created_at]),
    [["fixed", "file", null, true, null]],
  );
  const routes = (await daybook.ask("/admin/routes")).json as Record<string, unknown>[];
  assert.deepEqual(
    routes.map(({ model, source, id }) => [model, source, id]),
    [["m", "file", null]],
  );
  for (const method of ["PATCH", "DELETE"] as const)
    assert.equal((await daybook.ask("/admin/providers/fixed", { method, body: {} })).status, 404);
  const again = { name: "fixed", backend_type: "simulated" };
  assert.equal((await daybook.ask("/admin/providers", { method: "POST", body: again })).status, 409);
});

test("which route a model takes is said with its providers, how they are, the price and why", async (t) => {
  const { url } = await startJsonUpstream(t, () => ({ status: 500, body: {} }));
  const daybook = await startDaybook(t, {
    yaml: `providers:
  - { name: ill, backend_type: acme, protocol: openai, base_url: "${url}", retries: { max: 0 }, breaker: { failures: 1 } }
  - { name: well, backend_type: simulated }
routes:
  - { model: "gpt-*", providers: [{ provider: ill }, { provider: well, upstream_model: demo }], price: { prompt_per_million: 1, completion_per_million: 2 } }
  - { model: "*", providers: [{ provider: well }] }
  - { model: exact, providers: [{ provider: well }] }
`,
  });
  assert.equal((await chat(daybook.url, { model: "gpt-9" })).status, 200);
  const resolve = async (model: string) =>
    (await daybook.ask(`/admin/routes/resolve?model=${model}`)).json as {
      route: { model: string; price: unknown } | null;
      why: string;
      providers: { provider: string; upstream_model: string; state: string }[];
      others: unknown;
    };
  const glob = await resolve("gpt-9");
  assert.deepEqual(
    [glob.route?.model, glob.route?.price],
    ["gpt-*", { prompt_micros: 1_000_000, cached_prompt_micros: 1_000_000, completion_micros: 2_000_000 }],
  );
  assert.match(glob.why, /first glob that stands for this name, of the configuration file/);
  assert.deepEqual(
    glob.providers.map(({ provider, upstream_model, state }) => [provider, upstream_model, state]),
    [
      ["ill", "gpt-9", "open"],
      ["well", "demo", "closed"],
    ],
  );
  assert.deepEqual(glob.others, [{ model: "*", enabled: true }]);
  assert.match((await resolve("exact")).why, /exactly this name/);
  const [ill] = (await daybook.ask("/admin/providers")).json as { health: Record<string, unknown> }[];
  assert.deepEqual([ill?.health.state, ill?.health.failures, ill?.health.last_code], ["open", 1, 500]);
  assert.equal((await daybook.ask("/admin/routes/resolve")).status, 400);
});

test("no route for a model is an answer too", async (t) => {
  const daybook = await startDaybook(t);
  const { status, json } = await daybook.ask("/admin/routes/resolve?model=none");
  const { route, providers } = json as { route: unknown; providers: unknown };
  assert.deepEqual([status, route, providers], [200, null, []]);
});

test("a provider is tried with one call, whose outcome is its answer and its event", async (t) => {
  const { url, asked } = await startJsonUpstream(t, () => ({
    status: 401,
    body: { error: { type: "authentication_error", message: "canary" } },
  }));
  const daybook = await startDaybook(t, {
    yaml: `providers:
  - { name: refusing, backend_type: acme, protocol: openai, base_url: "${url}" }
  - { name: gone, backend_type: acme, protocol: openai, base_url: "http://127.0.0.1:1" }
  - { name: well, backend_type: simulated }
`,
  });
  const results: Record<string, unknown>[] = [];
  for (const name of ["refusing", "gone", "well"]) {
    const { status, json } = await daybook.ask(`/admin/providers/${name}/test`, { method: "POST" });
    assert.equal(status, 200);
    results.push(json as Record<string, unknown>);
  }
  assert.deepEqual(
    results.map(({ ok, status, error_code, error_type }) => [ok, status, error_code, error_type]),
    [
      [false, 401, "provider_error", "authentication_error"],
      [false, null, "provider_unreachable", "ECONNREFUSED"],
      [true, null, null, null],
    ],
  );
  assert.equal(asked.length, 1);
  const events = (await daybook.events("kind=admin")).filter(
    ({ action }) => action === "provider_connection_tested",
  );
  assert.deepEqual(
    events.map(({ provider, entity_type, attempts }) => [
      provider,
      entity_type,
      (JSON.parse(String(attempts)) as { code: unknown }[])[0]?.code,
    ]),
    [
      ["refusing", "provider_connection", 401],
      ["gone", "provider_connection", "ECONNREFUSED"],
      ["well", "provider_connection", "ok"],
    ],
  );
});

test("a list of models that a provider does not give is a 502 with one event, and changes nothing", async (t) => {
  const { url } = await startJsonUpstream(t, () => ({ status: 404, body: {} }));
  const daybook = await startDaybook(t, {
    yaml: `providers: [{ name: odd, backend_type: acme, protocol: openai, base_url: "${url}" }]\n`,
  });
  const { status, json } = await daybook.ask("/admin/providers/odd/sync", {
    method: "POST",
    headers: { "x-request-id": "sync-1" },
  });
  assert.deepEqual([status, (json as { code: string }).code], [502, "provider_unreachable"]);
  const [event, ...more] = await daybook.events("request_id=sync-1");
  assert.deepEqual([event?.action, event?.status_code, more.length], ["provider_models_synced", 502, 0]);
});

test("what providers said that they serve is listed under globs", async (t) => {
  const { url } = await startJsonUpstream(t, openaiLike);
  const daybook = await startDaybook(t, {
    yaml: `providers: [{ name: mine, backend_type: acme, protocol: openai, base_url: "${url}" }]
routes: [{ model: "*", providers: [{ provider: mine }] }]\n`,
  });
  assert.deepEqual((await daybook.ask("/admin/models")).json, []);
  const synced = await daybook.ask("/admin/providers/mine/sync", { method: "POST" });
  assert.deepEqual(synced.json, { provider: "mine", models: ["a", "b"] });
  assert.deepEqual((await daybook.ask("/admin/models")).json, [
    { id: "a", route: "*", providers: ["mine"] },
    { id: "b", route: "*", providers: ["mine"] },
  ]);
});

test("models are loaded where the backend can, else 501 says why; each leaves its event", async (t) => {
  const { url, asked } = await startJsonUpstream(t, ({ path }) => {
    if (path === "/api/version") return { body: { version: "0.40.12" } };
    return path === "/api/generate" ? { body: {} } : null;
  });
  const daybook = await startDaybook(t, {
    yaml: `providers:
  - { name: ollama, base_url: "${url}" }
  - { name: well, backend_type: simulated }
routes:
  - { model: "org/llama", providers: [{ provider: well }, { provider: ollama, upstream_model: llama3 }] }
  - { model: other, providers: [{ provider: well }] }
`,
  });
  const preload = await daybook.ask("/admin/models/org%2Fllama/preload", { method: "POST" });
  assert.deepEqual(preload.json, { id: "org/llama", provider: "ollama", loaded: true });
  const unload = await daybook.ask("/admin/models/org%2Fllama", { method: "DELETE" });
  assert.deepEqual(unload.json, { id: "org/llama", provider: "ollama", loaded: false });
  assert.deepEqual(
    asked.filter(({ path }) => path === "/api/generate").map(({ body }) => JSON.parse(body).model),
    ["llama3", "llama3"],
  );
  const other = await daybook.ask("/admin/models/other/preload", { method: "POST" });
  assert.equal(other.status, 501);
  assert.match((other.json as { detail: string }).detail, /only Ollama and a llama\.cpp router/);
  assert.equal((await daybook.ask("/admin/models/none/preload", { method: "POST" })).status, 404);
  const secret = "dbt_q6q0McgB5-oghc2h0ecFbiJr1DkdNe3pGu067QrSWSc";
  assert.equal((await daybook.ask(`/admin/models/${secret}/preload`, { method: "POST" })).status, 404);
  const events = (await daybook.events("kind=admin")).filter(({ entity_type }) => entity_type === "model");
  assert.deepEqual(
    events.map(({ action, model, provider, status_code, error_code }) => [
      action,
      model,
      provider,
      status_code,
      error_code,
    ]),
    [
      ["model_preloaded", "org/llama", "ollama", 200, null],
      ["model_unloaded", "org/llama", "ollama", 200, null],
      ["model_preloaded", "other", null, 501, "not_supported"],
      ["model_preloaded", "none", null, 404, "not_found"],
      ["model_preloaded", null, null, 404, "not_found"],
    ],
  );
});

test("a patch of a part of retries, breaker or timeouts leaves the rest of it as it was", async (t) => {
  const daybook = await startDaybook(t);
  const patch = (body: unknown) => daybook.ask("/admin/providers/mine", { method: "PATCH", body });
  const options = {
    retries: { max: 1, wait_ms: 700 },
    breaker: { failures: 9, rest_ms: 800 },
    timeouts_ms: { chat: 1000, embeddings: 2000 },
  };
  const made = { name: "mine", backend_type: "acme", protocol: "openai", base_url: "http://127.0.0.1:9" };
  await daybook.ask("/admin/providers", { method: "POST", body: { ...made, ...options } });
  const parts = { retries: { max: 0 }, breaker: { failures: 3 }, timeouts_ms: { chat: null } };
  const { json } = await patch(parts);
  const { retries, breaker, timeouts_ms } = json as Record<string, unknown>;
  assert.deepEqual(
    { retries, breaker, timeouts_ms },
    {
      retries: { max: 0, wait_ms: 700 },
      breaker: { failures: 3, rest_ms: 800 },
      timeouts_ms: { chat: null, completions: null, embeddings: 2000 },
    },
  );
  const whole = (await patch({ retries: null })).json as Record<string, unknown>;
  assert.deepEqual(whole.retries, { max: 2, wait_ms: 500 });
  assert.equal((await patch({ retries: { most: 1 } })).status, 400);
});
