// The lists of models, for clients of both dialects.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { request } from "undici";
import { Routes } from "../../src/gateway/routes.ts";
import { KEY, provider, route, type ServedGateway, serveGateway } from "./served-gateway.ts";

const nowhere = "http://127.0.0.1:9";

async function served(t: TestContext, models: readonly string[] | null = null): Promise<ServedGateway> {
  const routes = new Routes(
    [provider("a", nowhere, { models: ["gpt-4o"] })],
    [route("demo", ["a"]), route("gpt-*", ["a"]), route("org/model", ["a"])],
  );
  return serveGateway(t, { routes, key: { id: "key_1", userId: null, models } });
}

interface Listed {
  readonly id?: string;
  readonly object?: string;
  readonly type?: string;
  readonly first_id?: string;
  readonly last_id?: string;
  readonly data?: readonly { readonly id: string }[];
}

const ids = ({ data = [] }: Listed) => data.map(({ id }) => id);

async function get(gateway: ServedGateway, path: string, headers: Record<string, string> = {}) {
  const answer = await request(gateway.url + path, {
    headers: { authorization: `Bearer ${KEY}`, ...headers },
  });
  return { status: answer.statusCode, json: (await answer.body.json()) as Listed };
}

const ANTHROPIC = { "anthropic-version": "2023-06-01" };

test("the list has the routes' public names, in the client's dialect, and is one event", async (t) => {
  const gateway = await served(t);
  const { json: openai } = await get(gateway, "/v1/models");
  assert.deepEqual([openai.object, ids(openai)], ["list", ["demo", "gpt-4o", "org/model"]]);
  const { json: anthropic } = await get(gateway, "/v1/models", ANTHROPIC);
  assert.deepEqual(
    [anthropic.first_id, anthropic.last_id, ids(anthropic)],
    ["demo", "org/model", ids(openai)],
  );
  const events = await gateway.events();
  assert.deepEqual(
    events.map(({ kind, action, endpoint, method, status, api_key_id }) => [
      kind,
      action,
      endpoint,
      method,
      status,
      api_key_id,
    ]),
    Array(2).fill(["api", "models", "/v1/models", "GET", "success", "key_1"]),
  );
});

test("one model by its name, slashes and globs included; one that nobody serves is not found", async (t) => {
  const gateway = await served(t);
  for (const [path, id] of [
    ["demo", "demo"],
    ["org/model", "org/model"],
    ["org%2Fmodel", "org/model"],
    ["gpt-anything", "gpt-anything"],
  ] as const)
    assert.deepEqual((await get(gateway, `/v1/models/${path}`)).json.id, id);
  const missing = await get(gateway, "/v1/models/none", ANTHROPIC);
  assert.deepEqual([missing.status, missing.json.type], [404, "error"]);
  assert.equal((await get(gateway, "/v1/models/%zz")).status, 404);
  const endpoints = (await gateway.events()).map(({ endpoint }) => endpoint);
  assert.deepEqual(new Set(endpoints), new Set(["/v1/models/{model}"]));
});

test("a key sees and may ask for its own models only", async (t) => {
  const gateway = await served(t, ["gpt-*", "org/model"]);
  const { json } = await get(gateway, "/v1/models");
  assert.deepEqual(ids(json), ["gpt-4o", "org/model"]);
  assert.equal((await get(gateway, "/v1/models/demo")).status, 404);
  const { status, text } = await gateway.post("/v1/chat/completions", { model: "demo", messages: [] });
  assert.equal(status, 403);
  assert.match(text ?? "", /may not use this model/);
  const event = (await gateway.events()).at(-1);
  assert.deepEqual(
    [event?.error_code, event?.error_type, event?.model, event?.api_key_id],
    ["forbidden", "model_not_allowed", "demo", "key_1"],
  );
});

test("strict: the list is given when its event is durable", async (t) => {
  const routes = new Routes([], []);
  const gateway = await serveGateway(t, { routes, mode: "strict" });
  assert.equal((await get(gateway, "/v1/models")).status, 200);
  assert.equal((await gateway.events()).length, 1);
});
