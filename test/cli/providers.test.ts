// providers, routes and models: on the data folder itself, and against another Daybook.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Command } from "commander";
import type { AdminParts } from "../../src/cli/admin.ts";
import { modelsCommand } from "../../src/cli/models.ts";
import { providersCommand } from "../../src/cli/providers.ts";
import { routesCommand } from "../../src/cli/routes.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";
import { startJsonUpstream } from "../support/json-upstream.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { runCommand } from "./written.ts";

const VERBS = { providers: providersCommand, routes: routesCommand, models: modelsCommand };
type Env = Record<string, string>;

/** Runs `daybook VERB …`; what it writes, and its exit code. */
async function daybook(env: Env, verb: keyof typeof VERBS, args: readonly string[], stdin = "") {
  const make = ({ out, err }: Pick<AdminParts, "out" | "err">): Command => {
    const streams = { stdin: Readable.from([stdin]), out, err };
    const command = VERBS[verb]({ env, cwd: "/", homedir: "/nowhere", ...streams, now: Date.now });
    for (const each of [command, ...command.commands]) {
      each.exitOverride();
      each.configureOutput({ writeErr: () => {} });
    }
    return command;
  };
  return runCommand(make, args);
}

const asJson = async (env: Env, verb: keyof typeof VERBS, args: readonly string[], stdin?: string) =>
  JSON.parse((await daybook(env, verb, [...args, "--json"], stdin)).out);

const LIST = { object: "list", data: [{ id: "b" }, { id: "a" }, { id: "b" }] };

test("providers and routes are made, resolved, changed and taken away", async (t) => {
  const there = await startDaybook(t);
  const env = { DAYBOOK_URL: there.url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const made = await asJson(
    env,
    "providers",
    ["create", "openai", "--key-file", "-", "--base-url", "https://eu.example", "--reason", "asked for"],
    "sk-canary-1\n",
  );
  assert.deepEqual([made.name, made.base_url, made.api_key_stored], ["openai", "https://eu.example", true]);
  const headers = join(there.home, "headers");
  writeFileSync(headers, "X-Team: canary-2\n\nX-Other:  canary-3 \n");
  const updated = await daybook(env, "providers", [
    "update",
    "openai",
    "--headers-file",
    headers,
    "--disable",
  ]);
  assert.match(updated.out, /headers +x-team,x-other|headers +x-team, x-other/);
  assert.doesNotMatch(updated.out, /canary/);
  assert.match((await daybook(env, "providers", ["show", "openai"])).out, /enabled +(false|no)/);
  const enabled = await asJson(env, "providers", ["update", "openai", "--enable"]);
  assert.deepEqual(
    [enabled.enabled, enabled.headers, enabled.base_url, enabled.api_key_stored],
    [true, ["x-team", "x-other"], "https://eu.example", true],
    "what is not given stays as it is",
  );

  const route = await asJson(env, "routes", [
    ...["create", "gpt-*", "--provider", "openai=gpt-4o", "--prompt-price", "0.15"],
    ...["--completion-price", "0.6"],
  ]);
  assert.deepEqual(route.providers, [{ provider: "openai", upstream_model: "gpt-4o" }]);
  assert.deepEqual(route.price, {
    prompt_micros: 150_000,
    cached_prompt_micros: 150_000,
    completion_micros: 600_000,
  });
  const resolved = await daybook(env, "routes", ["resolve", "gpt-5"]);
  assert.match(
    resolved.out,
    /route +gpt-\*[\s\S]*first glob that stands for this name[\s\S]*openai as gpt-4o \(closed\)/,
  );
  assert.equal(resolved.code, undefined);
  const none = await daybook(env, "routes", ["resolve", "llama"]);
  assert.match(none.out, /No enabled route has this name/);
  assert.equal(none.code, 1);
  const replaced = await asJson(env, "routes", ["replace", route.id, "gpt-*", "--provider", "openai"]);
  assert.deepEqual([replaced.price, replaced.providers[0].upstream_model], [null, null]);
  assert.match((await daybook(env, "routes", ["list"])).out, /control +gpt-\* +openai/);

  await assert.rejects(daybook(env, "providers", ["delete", "openai"]), {
    message: /serves the routes gpt-\*/,
  });
  await daybook(env, "routes", ["delete", route.id]);
  assert.match((await daybook(env, "providers", ["delete", "openai"])).out, /Deleted the provider openai/);
  await assert.rejects(daybook(env, "providers", ["show", "openai"]), {
    code: "remote_refused",
    message: /answered 404/,
  });
});

test("what the flags cannot say is refused before anything is asked", async () => {
  const env = { DAYBOOK_HOME: tempFolder() };
  const refused = (verb: keyof typeof VERBS, args: string[], message: RegExp, stdin = "") =>
    assert.rejects(daybook(env, verb, args, stdin), { code: "bad_argument", message });
  await refused("routes", ["create", "m", "--provider", "demo", "--prompt-price", "1"], /needs both/);
  await refused(
    "routes",
    ["create", "m", "--provider", "demo", "--prompt-price", "1e3", "--completion-price", "1"],
    /--prompt-price takes USD/,
  );
  await refused("routes", ["create", "m"], /providers: .*at least one provider/);
  await refused("models", ["sync", "--format", "xml"], /--format takes ids or json/);
  await refused("providers", ["create", "openai", "--headers-file", "-"], /not lines such as/, "no header\n");
  await refused(
    "providers",
    ["create", "openai", "--headers-file", "-", "--key-file", "-"],
    /Only one of --key-file and --headers-file/,
  );
});

test("sync prints sorted ids, each once; a provider that fails is named, and the others are asked", async (t) => {
  const { url } = await startJsonUpstream(t, ({ path }) => (path === "/v1/models" ? { body: LIST } : null));
  const home = tempFolder();
  writeFileSync(
    join(home, "daybook.yaml"),
    `providers:
  - { name: one, backend_type: acme, protocol: openai, base_url: "${url}" }
  - { name: two, backend_type: acme, protocol: openai, base_url: "${url}/v1/" }
  - { name: gone, backend_type: acme, protocol: openai, base_url: "http://127.0.0.1:1" }
routes: [{ model: "*", providers: [{ provider: one }] }]
`,
  );
  const env = { DAYBOOK_HOME: home };
  const all = await daybook(env, "models", ["sync"]);
  assert.deepEqual([all.out, all.code], ["a\nb\n", 1]);
  assert.match(all.err, /^gone: .*could not be reached \(ECONNREFUSED\)/);
  assert.deepEqual(await asJson(env, "models", ["sync", "--provider", "two"]), [
    { provider: "two", models: ["a", "b"] },
  ]);
  assert.match(
    (await daybook(env, "models", ["list"])).out,
    /^id +route +providers\na +\* +one\nb +\* +one\n/,
  );
  await assert.rejects(daybook(env, "models", ["load", "a"]), { code: "refused", message: /only Ollama/ });
});

test("against another Daybook, and a running server follows what is done on its folder", async (t) => {
  const there = await startDaybook(t);
  const env = { DAYBOOK_URL: there.url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  await daybook(env, "providers", ["create", "mine", "--type", "simulated"]);
  await daybook(env, "routes", ["create", "m", "--provider", "mine"]);
  assert.equal((await chat(there.url, { model: "m" })).status, 200);
  const tested = await daybook(env, "providers", ["test", "mine"]);
  assert.match(tested.out, /ok +true/);
  await daybook({ DAYBOOK_HOME: there.home }, "routes", ["create", "beside", "--provider", "mine"]);
  await until(async () => (await chat(there.url, { model: "beside" })).status === 200);
});
