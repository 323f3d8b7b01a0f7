// What of a client's headers a provider sees, and what of a provider's a client.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Routes } from "../../src/gateway/routes.ts";
import { answerStatus, startUpstream } from "../support/upstream.ts";
import { provider, route, serveGateway } from "./served-gateway.ts";

const CHAT = "/v1/chat/completions";
const MESSAGES = "/v1/messages";

/** The headers that a provider with these options gets. */
async function asked(
  t: TestContext,
  path: string,
  options: Record<string, unknown>,
  headers: Record<string, string> = {},
) {
  const upstream = await startUpstream(t, (response) => answerStatus(response, 400));
  const up = provider("up", upstream.url, { api_key: "their-key", ...options });
  const gateway = await serveGateway(t, { routes: new Routes([up], [route("demo", ["up"])]) });
  await gateway.post(path, { model: "demo", max_tokens: 9, messages: [] }, headers);
  const [one] = upstream.asked;
  if (one === undefined) throw new Error("nothing was asked");
  return { path: one.path, ...one.headers } as Record<string, string | undefined>;
}

test("the key goes where the provider's protocol wants it, and the client's own goes nowhere", async (t) => {
  const openai = await asked(t, CHAT, {});
  assert.deepEqual([openai.authorization, openai["x-api-key"]], ["Bearer their-key", undefined]);
  const anthropic = await asked(t, MESSAGES, {});
  assert.deepEqual([anthropic["x-api-key"], anthropic.authorization], ["their-key", undefined]);
  const azure = await asked(t, CHAT, {
    backend_type: "azure",
    protocols: ["openai"],
    api_version: "2024-10-21",
  });
  assert.deepEqual([azure["api-key"], azure.authorization], ["their-key", undefined]);
  assert.equal(azure.path, "/openai/deployments/demo/chat/completions?api-version=2024-10-21");
});

test("Anthropic's version is the client's, else the usual one; beta features pass", async (t) => {
  assert.equal((await asked(t, MESSAGES, {}))["anthropic-version"], "2023-06-01");
  const client = { "anthropic-version": "2099-01-01", "anthropic-beta": "a,b", "openai-beta": "c" };
  const seen = await asked(t, MESSAGES, {}, client);
  assert.deepEqual(
    [seen["anthropic-version"], seen["anthropic-beta"], seen["openai-beta"]],
    ["2099-01-01", "a,b", "c"],
  );
  assert.equal((await asked(t, CHAT, {}))["anthropic-version"], undefined);
});

test("nothing else of a client's headers gets through, and the provider's own go over all", async (t) => {
  const seen = await asked(
    t,
    CHAT,
    { headers: { "x-team": "blue", "openai-beta": "ours" } },
    {
      cookie: "a=b",
      "x-forwarded-for": "192.0.2.1",
      "user-agent": "me",
      "openai-beta": "theirs",
      "x-team": "red",
    },
  );
  assert.deepEqual(
    [seen.cookie, seen["x-forwarded-for"], seen["user-agent"], seen["openai-beta"], seen["x-team"]],
    [undefined, undefined, "daybook", "ours", "blue"],
  );
  assert.deepEqual([seen["accept-encoding"], seen["content-type"]], ["identity", "application/json"]);
});

test("limits of our own stand in the answer instead of the provider's", async (t) => {
  const upstream = await startUpstream(t, (response) =>
    answerStatus(response, 400, {
      "x-ratelimit-limit-requests": "7",
      "anthropic-ratelimit-tokens-limit": "8",
    }),
  );
  const routes = () => new Routes([provider("up", upstream.url)], [route("demo", ["up"])]);
  const body = { model: "demo", messages: [] };
  const theirs = await (await serveGateway(t, { routes: routes() })).post(CHAT, body);
  assert.deepEqual(
    [theirs.headers["x-ratelimit-limit-requests"], theirs.headers["anthropic-ratelimit-tokens-limit"]],
    ["7", "8"],
  );
  const headers = { "x-ratelimit-limit-requests": "3" };
  const admission = { admit: () => ({ ok: true, headers, settle: () => ({}) }) as const };
  const ours = await (await serveGateway(t, { routes: routes(), admission })).post(CHAT, body);
  assert.deepEqual(
    [ours.headers["x-ratelimit-limit-requests"], ours.headers["anthropic-ratelimit-tokens-limit"]],
    ["3", undefined],
  );
});
