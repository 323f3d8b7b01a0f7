import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointUrl } from "../../src/protocols/base-url.ts";

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
