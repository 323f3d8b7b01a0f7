// Error bodies of test/fixtures/provider-errors, one folder per provider and rule: the body as it came (with
// `quince` wherever it quotes a prompt or a key), and the `facts.json` that may be known of it.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { PROTOCOLS } from "../../src/protocols/protocols.ts";
import { errorTypeOf, inBandError, knownErrorType } from "../../src/protocols/provider-errors.ts";

const ROOT = new URL("../fixtures/provider-errors/", import.meta.url);
const PROVIDERS = [
  "openai",
  "azure",
  "anthropic",
  "gemini",
  "mistral",
  "groq",
  "deepseek",
  "together",
  "openrouter",
  "vllm",
  "ollama",
  "llamacpp",
  "lmstudio",
];
const names = readdirSync(ROOT).sort();

for (const name of names) {
  test(name, () => {
    const body = readFileSync(new URL(`${name}/response.json`, ROOT));
    const { errorType } = JSON.parse(readFileSync(new URL(`${name}/facts.json`, ROOT), "utf8")) as {
      errorType: string | null;
    };
    for (const protocol of PROTOCOLS.values()) assert.equal(protocol.errorType(body), errorType);
  });
}

test("every provider has its errors, and they quote what may not get out", () => {
  for (const provider of PROVIDERS)
    assert.ok(
      names.some((name) => name.startsWith(`${provider}-`)),
      provider,
    );
  const quoting = names.filter((name) =>
    readFileSync(new URL(`${name}/response.json`, ROOT)).includes("quince"),
  );
  assert.ok(quoting.length >= 35, `${quoting.length}`);
});

test("the code is told where the type is unknown or says less", () => {
  const type = (error: object) => knownErrorType({ error });
  assert.equal(type({ type: "rate_limit_error", code: "rate_limit_exceeded" }), "rate_limit_error");
  assert.equal(type({ type: "tokens", code: "rate_limit_exceeded" }), "rate_limit_exceeded");
  assert.equal(type({ type: "invalid_request_error", code: "invalid_api_key" }), "invalid_api_key");
  assert.equal(type({ type: "invalid_request_error", code: null }), "invalid_request_error");
  assert.equal(type({ type: "invalid_request_error", code: "quince" }), "invalid_request_error");
  assert.equal(type({ type: "invalid_request_error", code: 429 }), "invalid_request_error");
});

test("an error of a body that is cut is found in what is left, unless it only stands in a text", () => {
  const cut = (text: string) => errorTypeOf(Buffer.from(text));
  assert.equal(cut('{"error":{"type" : "server_error"'), "server_error");
  assert.equal(cut('{"type":"invalid_request_error","code":"quince"'), "invalid_request_error");
  assert.equal(cut('{"type":"invalid_request_error","code":"model_not_found"'), "model_not_found");
  assert.equal(cut('{"error":{"message":"{\\"type\\":\\"server_error\\"}"'), null);
  assert.equal(cut('{"error":{"type":"quince"'), null);
  assert.equal(cut(""), null);
});

test("nothing else of an error gets out, whatever stands in it", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("quince", "toString", "__proto__", "constructor", "Invalid_Request_Error"),
  );
  const member = fc.oneof(text, fc.constantFrom(400, 429, 599, "500", null));
  const error = fc.record({ type: text, code: member, status: text, message: text, metadata: fc.anything() });
  const body = fc.oneof(fc.anything(), error, fc.record({ error: fc.oneof(text, fc.anything(), error) }));
  const NUMBERED = new Set([null, "invalid_request_error", "rate_limit_error", "server_error"]);
  fc.assert(
    fc.property(body, (value) => assert.ok(NUMBERED.has(knownErrorType(value)))),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.equal(errorTypeOf(Buffer.from(bytes)), null)));
});

test("an error member of any truthy value is an error, and so is an error object", () => {
  assert.deepEqual(inBandError({ error: { type: "api_error" } }), { type: "api_error" });
  assert.deepEqual(inBandError({ error: "quince" }), { type: null });
  assert.deepEqual(inBandError({ object: "error", type: "BadRequestError" }), { type: "BadRequestError" });
  for (const error of [undefined, null, false, ""]) assert.equal(inBandError({ error }), null);
});
