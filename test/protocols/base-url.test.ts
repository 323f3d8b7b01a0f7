import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointUrl, serverUrl } from "../../src/protocols/base-url.ts";

const chat = (base: string) => endpointUrl(base, "/v1/chat/completions").href;

test("a base URL with and without its version and trailing slashes is the same", () => {
  for (const base of [
    "https://api.openai.com",
    "https://api.openai.com/",
    "https://api.openai.com/v1",
    "https://api.openai.com/v1//",
  ]) {
    assert.equal(chat(base), "https://api.openai.com/v1/chat/completions");
    assert.equal(endpointUrl(base, "/v1/models").href, "https://api.openai.com/v1/models");
  }
});

test("a prefix before the version is kept, and gets a version when it has none", () => {
  assert.equal(chat("https://api.groq.com/openai/v1"), "https://api.groq.com/openai/v1/chat/completions");
  assert.equal(chat("https://openrouter.ai/api/v1/"), "https://openrouter.ai/api/v1/chat/completions");
  assert.equal(chat("https://openrouter.ai/api/"), "https://openrouter.ai/api/v1/chat/completions");
  assert.equal(chat("http://127.0.0.1:11434"), "http://127.0.0.1:11434/v1/chat/completions");
});

test("another version, or a path behind the version, is the whole base", () => {
  assert.equal(
    chat("https://open.example/api/paas/v4/"),
    "https://open.example/api/paas/v4/chat/completions",
  );
  assert.equal(
    chat("https://gen.example/v1beta/openai/"),
    "https://gen.example/v1beta/openai/chat/completions",
  );
  assert.equal(chat("https://api.example/v1/openai"), "https://api.example/v1/openai/chat/completions");
});

test("a name that only looks like a version is a prefix", () => {
  assert.equal(chat("https://host.example/v1x"), "https://host.example/v1x/v1/chat/completions");
  assert.equal(chat("https://v1.example/models"), "https://v1.example/models/v1/chat/completions");
});

test("a query is kept and a fragment is not", () => {
  assert.equal(
    chat("https://x.example/openai/v1/?api-version=preview#top"),
    "https://x.example/openai/v1/chat/completions?api-version=preview",
  );
});

test("what is not an http URL is refused without naming it", () => {
  for (const base of [
    "",
    "api.openai.com",
    "localhost:11434",
    "ftp://host/",
    "/v1",
    "https://user:hunter2@",
  ]) {
    assert.throws(() => chat(base), {
      name: "TypeError",
      message: "A base URL is absolute and starts with http:// or https://.",
    });
  }
});

test("Anthropic's endpoints stand below a vendor's prefix, as they do at Anthropic", () => {
  const messages = (base: string) => endpointUrl(base, "/v1/messages/count_tokens").href;
  assert.equal(messages("https://api.anthropic.com"), "https://api.anthropic.com/v1/messages/count_tokens");
  assert.equal(
    messages("https://api.deepseek.com/anthropic/"),
    "https://api.deepseek.com/anthropic/v1/messages/count_tokens",
  );
  assert.equal(messages("http://127.0.0.1:11434/v1/"), "http://127.0.0.1:11434/v1/messages/count_tokens");
});

test("Azure's versioned path and a deployment of its own are complete bases", () => {
  assert.equal(
    chat("https://res.openai.azure.com/openai/v1/"),
    "https://res.openai.azure.com/openai/v1/chat/completions",
  );
  assert.equal(
    chat("https://res.openai.azure.com/openai/deployments/gpt-4o/?api-version=2024-10-21"),
    "https://res.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
  );
});

test("with an API version, Azure is addressed by deployment, however its resource was written", () => {
  const azure = { apiVersion: "2024-10-21", deployment: "gpt 4o/é" };
  for (const base of [
    "https://res.openai.azure.com",
    "https://res.openai.azure.com/",
    "https://res.openai.azure.com/openai",
    "https://res.openai.azure.com/openai/v1/",
    "https://res.openai.azure.com/openai/deployments/other?api-version=2023-05-15",
  ]) {
    assert.equal(
      endpointUrl(base, "/v1/chat/completions", azure).href,
      "https://res.openai.azure.com/openai/deployments/gpt%204o%2F%C3%A9/chat/completions?api-version=2024-10-21",
    );
    assert.equal(
      endpointUrl(base, "/v1/responses", azure).href,
      "https://res.openai.azure.com/openai/responses?api-version=2024-10-21",
    );
    assert.equal(
      endpointUrl(base, "/v1/models", { ...azure, deployment: null }).href,
      "https://res.openai.azure.com/openai/models?api-version=2024-10-21",
    );
  }
  assert.equal(
    endpointUrl("https://gate.example/team", "/v1/embeddings", azure).pathname,
    "/team/openai/deployments/gpt%204o%2F%C3%A9/embeddings",
  );
});

test("a deployment is never a step up in the path", () => {
  for (const deployment of [".", "..", "../../admin"]) {
    const { pathname } = endpointUrl("https://res.example", "/v1/embeddings", {
      apiVersion: "1",
      deployment,
    });
    assert.match(pathname, /^\/openai\/deployments\/[^/]+\/embeddings$/);
  }
});

test("a server's own path stands beside its versioned API", () => {
  for (const base of [
    "http://127.0.0.1:11434",
    "http://127.0.0.1:11434/v1/",
    "http://127.0.0.1:11434/v1/openai",
  ])
    assert.equal(serverUrl(base, "/api/tags").href, "http://127.0.0.1:11434/api/tags");
  assert.equal(
    serverUrl("https://host.example/llm/v1", "/api/tags").href,
    "https://host.example/llm/api/tags",
  );
});
