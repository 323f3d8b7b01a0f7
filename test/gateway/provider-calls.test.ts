// What Daybook itself asks of providers, against servers that answer as theirs do.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { listModels, setLoaded } from "../../src/gateway/provider-calls.ts";
import { Routes } from "../../src/gateway/routes.ts";
import type { Upstream } from "../../src/gateway/upstream.ts";
import { completeProvider, type ProviderInput, providerSchema } from "../../src/providers/provider.ts";
import { type AskedFor, type Reply, startJsonUpstream } from "../support/json-upstream.ts";

function upstream(t: TestContext, given: Partial<ProviderInput> & { base_url: string }): Upstream {
  const spec = providerSchema.parse({ name: "p", backend_type: "local", ...given });
  const provider = completeProvider(spec, { id: null, source: "file", path: (path) => path });
  const routes = new Routes([{ ...provider, baseUrl: given.base_url }], []);
  t.after(() => routes.close());
  return routes.table.providers[0] as Upstream;
}

const list = (...ids: string[]) => ({ object: "list", data: ids.map((id) => ({ id, object: "model" })) });

test("the list is sorted, each name once, whatever the base URL looks like", async (t) => {
  const { url, asked } = await startJsonUpstream(t, ({ path }) =>
    path === "/v1/models" ? { body: list("b", "a", "b", "not a name", "org/c:7b") } : null,
  );
  for (const base_url of [url, `${url}/`, `${url}/v1`, `${url}/v1/`])
    assert.deepEqual(await listModels(upstream(t, { base_url, api_key: "sk-1" })), {
      ok: true,
      value: ["a", "b", "org/c:7b"],
    });
  assert.deepEqual(new Set(asked.map(({ headers }) => headers.authorization)), new Set(["Bearer sk-1"]));
});

test("Anthropic's list is read page by page, with its key and version", async (t) => {
  const { url, asked } = await startJsonUpstream(t, ({ path }) => {
    const after = new URL(path, "http://x").searchParams.get("after_id");
    const page = after === null ? { has_more: true, last_id: "a" } : { has_more: false, last_id: "b" };
    return { body: { data: [{ id: page.last_id }], ...page } };
  });
  const anthropic = upstream(t, { base_url: url, backend_type: "anthropic", api_key: "sk-2" });
  assert.deepEqual(await listModels(anthropic), { ok: true, value: ["a", "b"] });
  assert.deepEqual(
    asked.map(({ path, headers }) => [path, headers["x-api-key"], headers["anthropic-version"]]),
    [
      ["/v1/models?limit=1000", "sk-2", "2023-06-01"],
      ["/v1/models?limit=1000&after_id=a", "sk-2", "2023-06-01"],
    ],
  );
});

test("Azure's list is beside the deployments, with the api-version and its own key header", async (t) => {
  const { url, asked } = await startJsonUpstream(t, () => ({ body: list("gpt-4o") }));
  const azure = upstream(t, {
    base_url: url,
    backend_type: "azure",
    api_version: "2024-10-21",
    api_key: "sk-3",
  });
  assert.deepEqual(await listModels(azure), { ok: true, value: ["gpt-4o"] });
  assert.deepEqual(
    asked.map(({ path, headers }) => [path, headers["api-key"], headers.authorization]),
    [["/openai/models?api-version=2024-10-21", "sk-3", undefined]],
  );
});

test("of a failure only what is known comes back", async (t) => {
  const refusing = await startJsonUpstream(t, () => ({
    status: 401,
    body: { error: { message: "canary text", type: "authentication_error" } },
  }));
  assert.deepEqual(await listModels(upstream(t, { base_url: refusing.url })), {
    ok: false,
    code: "provider_error",
    status: 401,
    errorType: "authentication_error",
  });
  const odd = await startJsonUpstream(t, () => ({ body: "<html>canary</html>" }));
  assert.deepEqual(await listModels(upstream(t, { base_url: odd.url })), {
    ok: false,
    code: "provider_error",
    status: 200,
    errorType: "unreadable_answer",
  });
  assert.deepEqual(await listModels(upstream(t, { base_url: "http://127.0.0.1:1" })), {
    ok: false,
    code: "provider_unreachable",
    status: null,
    errorType: "ECONNREFUSED",
  });
});

const POSTED = ({ method, path, body }: AskedFor) => [method, path, body === "" ? null : JSON.parse(body)];

test("Ollama loads and unloads by generating nothing", async (t) => {
  const { url, asked } = await startJsonUpstream(t, ({ path }): Reply => {
    if (path === "/api/version") return { body: { version: "0.40.12" } };
    return path === "/api/generate" ? { body: { done: true } } : null;
  });
  const ollama = upstream(t, { base_url: `${url}/v1` });
  assert.deepEqual(await setLoaded(ollama, "llama3", true), { ok: true, value: null });
  assert.deepEqual(await setLoaded(ollama, "llama3", false), { ok: true, value: null });
  assert.deepEqual(asked.filter(({ method }) => method === "POST").map(POSTED), [
    ["POST", "/api/generate", { model: "llama3", stream: false, keep_alive: "24h" }],
    ["POST", "/api/generate", { model: "llama3", stream: false, keep_alive: 0 }],
  ]);
});

test("a llama.cpp router is told to load and unload; one that serves one model cannot", async (t) => {
  const router = await startJsonUpstream(t, ({ path }): Reply => {
    if (path === "/models") return { body: { data: [{ id: "m.gguf", status: { value: "unloaded" } }] } };
    return path.startsWith("/models/") ? { body: { success: true } } : null;
  });
  const local = upstream(t, { base_url: router.url });
  assert.deepEqual(await setLoaded(local, "m.gguf", true), { ok: true, value: null });
  assert.deepEqual(await setLoaded(local, "m.gguf", false), { ok: true, value: null });
  assert.deepEqual(router.asked.filter(({ method }) => method === "POST").map(POSTED), [
    ["POST", "/models/load", { model: "m.gguf" }],
    ["POST", "/models/unload", { model: "m.gguf" }],
  ]);
  const single = await startJsonUpstream(t, ({ path }) =>
    path === "/models" ? { body: list("m.gguf") } : null,
  );
  assert.deepEqual(await setLoaded(upstream(t, { base_url: single.url }), "m.gguf", true), {
    ok: false,
    code: "not_supported",
    status: null,
    errorType: null,
  });
  assert.equal(single.asked.filter(({ method }) => method === "POST").length, 0);
});
