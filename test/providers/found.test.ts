// Providers that the environment tells of.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ollamaUrl, providersIn } from "../../src/providers/found.ts";

test("each variable tells of its provider; none tells of none", () => {
  assert.deepEqual(providersIn({ openaiApiKey: null, anthropicApiKey: null, ollamaHost: null }), []);
  const found = providersIn({ openaiApiKey: "sk-1", anthropicApiKey: "sk-2", ollamaHost: "gpu" });
  assert.deepEqual(
    found.map(({ variable, provider }) => [variable, provider]),
    [
      ["OPENAI_API_KEY", { name: "openai", api_key: "sk-1" }],
      ["ANTHROPIC_API_KEY", { name: "anthropic", api_key: "sk-2" }],
      ["OLLAMA_HOST", { name: "ollama", base_url: "http://gpu:11434" }],
    ],
  );
});

test("OLLAMA_HOST is read as Ollama reads it", () => {
  const cases: [string, string | null][] = [
    ["127.0.0.1", "http://127.0.0.1:11434"],
    ["0.0.0.0:8000", "http://127.0.0.1:8000"],
    ["[::]:11434", "http://127.0.0.1:11434"],
    [":9000", "http://127.0.0.1:9000"],
    ["gpu.local:80", "http://gpu.local"],
    ["http://gpu", "http://gpu"],
    ["https://gpu.example:8443/ollama/", "https://gpu.example:8443/ollama"],
    ["[::1]", "http://[::1]:11434"],
    [" gpu ", "http://gpu:11434"],
    ["user:secret@gpu", null],
    ["not a host", null],
  ];
  for (const [text, url] of cases) assert.equal(ollamaUrl(text), url, text);
});
