// What the trail may be told of a configuration: every option that counts, no secret, and no more than fits.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { changedOptions, effectiveOptions, toldDifference } from "../../src/config/effective.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { tempFolder } from "../support/temp.ts";

const mark = (secret: string) => `mark-${secret.length}`;

async function optionsOf(yaml: string, env: Record<string, string> = {}) {
  const home = tempFolder();
  writeFileSync(join(home, "daybook.yaml"), yaml);
  const config = await loadConfig({
    env: { DAYBOOK_HOME: "/h", ...env },
    cwd: home,
    homedir: home,
    flags: {},
  });
  return effectiveOptions(config, mark);
}

const PROVIDERS = `
providers:
  - { name: openai, api_key: sk-canary, headers: { x-team: canary-header, x.team.key: canary-dotted } }
  - { name: ollama }
routes:
  - model: gpt-*
    providers: [{ provider: openai }, { provider: ollama, upstream_model: llama3 }]
    price: { prompt_per_million: 1, completion_per_million: 2 }
`;

test("options have the names of the file, lists the names of their entries, secrets only marks", async () => {
  const options = await optionsOf(PROVIDERS, { HTTPS_PROXY: "http://user:canary@proxy:1" });
  assert.equal(options.listen, "127.0.0.1:4141");
  assert.equal(options["limits.max_body_bytes"], 33_554_432);
  assert.equal(options["providers.openai.retries.max"], 2);
  assert.equal(options["audit.retention_days.admin"], 365);
  assert.equal(options["providers.openai.base_url"], "https://api.openai.com");
  assert.equal(options["providers.openai.api_key"], "mark-9");
  assert.equal(options["providers.openai.headers.x-team"], "mark-13");
  assert.equal(options["providers.openai.headers.x.team.key"], "mark-13");
  assert.equal(options["providers.ollama.protocols"], "openai, anthropic");
  assert.equal(options["routes.gpt-*.providers.ollama.upstream_model"], "llama3");
  assert.equal(options["routes.gpt-*.providers.ollama.place"], 2);
  assert.equal(options["routes.gpt-*.price.prompt_micros"], 1_000_000);
  assert.match(String(options["proxy.https_proxy"]), /^mark-/);
  assert.doesNotMatch(JSON.stringify(options), /canary/);
  assert.deepEqual(Object.keys(options), Object.keys(options).toSorted());
});

test("secrets for the start alone are left out", async () => {
  const secrets = {
    DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: "canary",
    DAYBOOK_SECRET_KEY: "canary",
    OPENAI_API_KEY: "canary",
  };
  assert.deepEqual(await optionsOf("", secrets), await optionsOf(""));
});

test("a difference names what came, went and changed, and says of secrets no more than that", async () => {
  const before = await optionsOf(PROVIDERS);
  const after = await optionsOf(`
limits: { max_body_bytes: 5 }
providers:
  - { name: openai, api_key: sk-other-canary, base_url: "https://eu.example" }
`);
  const names = changedOptions(before, after);
  const { oldValues, newValues } = toldDifference(names, before, after);
  assert.deepEqual([oldValues["limits.max_body_bytes"], newValues["limits.max_body_bytes"]], [33_554_432, 5]);
  const told = (name: string) => [oldValues[name], newValues[name]];
  assert.deepEqual(told("providers.openai.base_url"), ["https://api.openai.com", "https://eu.example"]);
  assert.deepEqual(told("providers.openai.api_key"), ["set", "set to another"]);
  assert.deepEqual(told("providers.openai.headers.x-team"), ["set", null]);
  assert.deepEqual(told("providers.ollama.base_url"), ["http://127.0.0.1:11434", null]);
  assert.deepEqual(told("routes.gpt-*.price.completion_micros"), [2_000_000, null]);
  assert.doesNotMatch(JSON.stringify([oldValues, newValues]), /mark-|canary/);
  assert.deepEqual(changedOptions(after, after), []);
});

test("what does not fit an event is counted", async () => {
  const many = Array.from({ length: 500 }, (_, index) => `  - { name: p${index}, backend_type: simulated }`);
  const after = await optionsOf(`providers:\n${many.join("\n")}\n`);
  const before = await optionsOf("");
  const names = changedOptions(before, after);
  const { oldValues, newValues } = toldDifference(names, before, after);
  const shown = Object.keys(newValues).length - 1;
  assert.equal(newValues.more, names.length - shown);
  assert.equal(oldValues.more, newValues.more);
  assert.ok(shown > 20 && JSON.stringify(newValues).length < 7000);
});
