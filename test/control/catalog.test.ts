// Providers and routes of control.db, beside those of the file: made, changed, shown, and told to the trail without
// a secret.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ControlParts, openParts } from "../../src/control/parts.ts";
import { completeProvider, providerSchema } from "../../src/providers/provider.ts";
import { completeRoute } from "../../src/providers/route.ts";
import { tempFolder } from "../support/temp.ts";

const T0 = 1_700_000_000_000;
const ACTOR = { caller: "cli", userId: "usr_1" } as const;
const SECRET = "sk-canary-key-0123456789";
const HEADER = "canary-header-value";
const NONE = { openaiApiKey: null, anthropicApiKey: null, ollamaHost: null };

const open = (folder = tempFolder(), secretKey: string | null = null): Promise<ControlParts> =>
  openParts({ path: join(folder, "control.db"), clock: () => T0, secretKey });

const fileProvider = (name: string) =>
  completeProvider(providerSchema.parse({ name, backend_type: "simulated" }), {
    id: null,
    source: "file",
    path: (path) => path,
  });
const fileRoute = (model: string, provider: string) =>
  completeRoute({ model, providers: [{ provider }] }, { id: null, source: "file" });

async function told({ control }: ControlParts) {
  const entries = await control.outboxAfter(0, 100);
  return entries.map(({ facts }) => ({
    action: facts.action,
    entityType: facts.entityType,
    old: facts.oldValues as Record<string, unknown> | null,
    new: facts.newValues as Record<string, unknown> | null,
  }));
}

test("a provider is kept over restarts, its secrets sealed, and the trail sees flags and names", async () => {
  const folder = tempFolder();
  const parts = await open(folder);
  const { catalog, control } = parts;
  const made = await catalog.providers.create(ACTOR, {
    name: "openai",
    api_key: SECRET,
    headers: { "X-Team": HEADER },
  });
  assert.equal(catalog.providerNamed("openai")?.provider.apiKey, SECRET);
  await catalog.providers.update(ACTOR, "openai", {
    api_key: `${SECRET}2`,
    headers: { "X-Team": HEADER },
    base_url: "https://eu.example",
  });
  await catalog.providers.update(ACTOR, "openai", { headers: { "X-Team": `${HEADER}2` }, enabled: false });
  await catalog.providers.update(ACTOR, "openai", { api_key: null });
  await catalog.providers.delete(ACTOR, "openai", "not used");
  const [created, rekeyed, disabled, keyless, deleted, ...more] = await told(parts);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [created, rekeyed, disabled, keyless, deleted].map((entry) => [entry?.action, entry?.entityType]),
    [
      ["provider_connection_created", "provider_connection"],
      ["provider_connection_updated", "provider_connection"],
      ["provider_connection_updated", "provider_connection"],
      ["provider_connection_updated", "provider_connection"],
      ["provider_connection_deleted", "provider_connection"],
    ],
  );
  assert.equal(created?.old, null);
  assert.deepEqual(
    [created?.new?.name, created?.new?.backend_type, created?.new?.base_url, created?.new?.enabled],
    ["openai", "openai", "https://api.openai.com", true],
  );
  assert.deepEqual([created?.new?.api_key_stored, created?.new?.headers], [true, ["X-Team"]]);
  assert.deepEqual(rekeyed?.old, { base_url: "https://api.openai.com", api_key_changed: false });
  assert.deepEqual(rekeyed?.new, { base_url: "https://eu.example", api_key_changed: true });
  assert.deepEqual(disabled?.old, { enabled: true, headers_changed: false });
  assert.deepEqual(disabled?.new, { enabled: false, headers_changed: true });
  assert.deepEqual(keyless?.old, { api_key_stored: true, api_key_changed: false });
  assert.deepEqual(keyless?.new, { api_key_stored: false, api_key_changed: true });
  assert.equal(deleted?.new, null);
  assert.equal(deleted?.old?.base_url, "https://eu.example");
  assert.match(made.id, /^prv_[0-9a-f]{16}$/);
  await control.close();
});

test("no byte on disk holds a secret of a provider", async () => {
  const folder = tempFolder();
  const parts = await open(folder);
  await parts.catalog.providers.create(ACTOR, {
    name: "openai",
    api_key: SECRET,
    headers: { "x-a": HEADER },
  });
  await parts.catalog.providers.update(ACTOR, "openai", { api_key: `${SECRET}2` });
  await parts.control.close();
  const files = readdirSync(folder);
  assert.ok(files.includes("control.db") && files.includes("secret.key"));
  for (const file of files) assert.doesNotMatch(readFileSync(join(folder, file), "latin1"), /canary/, file);
  const again = await open(folder);
  const { provider } = again.catalog.providerNamed("openai") ?? assert.fail("it is gone");
  assert.deepEqual([provider.apiKey, provider.headers], [`${SECRET}2`, { "x-a": HEADER }]);
  await again.control.close();
});

test("without its key control.db is refused, and says which key it needs", async () => {
  const folder = tempFolder();
  const parts = await open(folder);
  const { id } = await parts.catalog.providers.create(ACTOR, { name: "openai", api_key: SECRET });
  await parts.control.close();
  rmSync(join(folder, "secret.key"));
  const refused = {
    code: "secret_key",
    message: new RegExp(`provider ${id} needs the key [0-9a-f]{8}, but .*not there`),
  };
  await assert.rejects(open(folder), refused);
  const other = Buffer.from("0123456789abcdef0123456789ABCDEF").toString("hex");
  await assert.rejects(open(folder, other), {
    code: "secret_key",
    message: /DAYBOOK_SECRET_KEY is another one/,
  });
});

test("what a provider cannot be is refused without its values", async () => {
  const { catalog, control } = await open();
  const refusals: [Parameters<typeof catalog.providers.create>[1], RegExp][] = [
    [{ name: "a" }, /backend_type: is missing/],
    [{ name: "a", backend_type: "acme", base_url: "http://a" }, /protocols: is missing/],
    [{ name: "a", backend_type: "local" }, /base_url: is missing/],
    [{ name: "openai", api_key: `${SECRET} with space` }, /api_key: expected a key/],
    [{ name: "openai", headers: { Host: "x" } }, /headers.Host: /],
    [{ name: "openai", ca_file: "absent.pem" }, /ca_file: cannot be read as a certificate \(ENOENT\)/],
    [{ name: "openai", base_url: "http://user:pass@a" }, /may not hold a user or password/],
  ];
  for (const [given, message] of refusals) {
    await assert.rejects(catalog.providers.create(ACTOR, given), (error: Error & { code: string }) => {
      assert.equal(error.code, "bad_argument");
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /canary|pass@/);
      return true;
    });
  }
  assert.deepEqual(await control.outboxAfter(0, 10), []);
  await control.close();
});

test("a stored secret is never sent to another host than it was given for", async () => {
  const { catalog, control } = await open();
  const { providers } = catalog;
  await providers.create(ACTOR, { name: "openai", api_key: SECRET, headers: { "X-Team": HEADER } });
  const other = "https://elsewhere.example";
  const again = { api_key: SECRET, headers: { "X-Team": HEADER } };
  for (const [patch, kept] of [
    [{ base_url: other }, "api_key and headers:"],
    [{ base_url: "http://api.openai.com" }, "api_key and headers:"],
    [{ base_url: other, headers: null }, "api_key:"],
    [{ base_url: other, api_key: null }, "headers:"],
    // The name tells the address.
    [{ name: "groq", backend_type: null }, "api_key and headers:"],
  ] as const) {
    await assert.rejects(providers.update(ACTOR, "openai", patch), (error: Error & { code: string }) => {
      assert.deepEqual([error.code, error.message.includes(kept)], ["bad_argument", true], error.message);
      return true;
    });
  }
  assert.equal((await control.outboxAfter(0, 10)).length, 1);
  await providers.update(ACTOR, "openai", { base_url: "https://api.openai.com/v1/" });
  await providers.update(ACTOR, "openai", { base_url: other, ...again });
  await providers.update(ACTOR, "openai", {
    base_url: "https://third.example",
    api_key: null,
    headers: null,
  });
  assert.equal(catalog.providerNamed("openai")?.provider.apiKey, null);
  await control.close();
});

test("a ca_file that is no file, or far too large, is refused and nobody waits for it", async () => {
  const { catalog, control } = await open();
  const folder = tempFolder();
  const [pipe, large] = [join(folder, "pipe"), join(folder, "large")];
  execFileSync("mkfifo", [pipe]);
  writeFileSync(large, "");
  truncateSync(large, 2 ** 21);
  for (const ca_file of [pipe, large, "/dev/zero"]) {
    await assert.rejects(catalog.providers.create(ACTOR, { name: "openai", ca_file }), {
      code: "bad_argument",
    });
  }
  await control.close();
});

test("names are unique with those of the file, which cannot be changed here", async () => {
  const { catalog, control } = await open();
  catalog.setFixed({ providers: [fileProvider("fixed")], routes: [fileRoute("m", "fixed")] });
  await catalog.providers.create(ACTOR, { name: "mine", backend_type: "simulated" });
  for (const name of ["fixed", "mine"])
    await assert.rejects(catalog.providers.create(ACTOR, { name, backend_type: "simulated" }), {
      code: "conflict",
    });
  await assert.rejects(catalog.providers.update(ACTOR, "mine", { name: "fixed" }), { code: "conflict" });
  await assert.rejects(catalog.providers.update(ACTOR, "fixed", { enabled: false }), {
    code: "unknown_entity",
  });
  await assert.rejects(catalog.providers.delete(ACTOR, "fixed"), { code: "unknown_entity" });
  await assert.rejects(catalog.routes.create(ACTOR, { model: "m", providers: [{ provider: "mine" }] }), {
    code: "conflict",
  });
  await assert.rejects(catalog.routes.create(ACTOR, { model: "n", providers: [{ provider: "none" }] }), {
    code: "bad_argument",
    message: /There is no provider "none"/,
  });
  const route = await catalog.routes.create(ACTOR, {
    model: "n",
    providers: [{ provider: "mine" }, { provider: "fixed", upstream_model: "x" }],
  });
  await assert.rejects(catalog.providers.delete(ACTOR, "mine"), {
    code: "conflict",
    message: /serves the routes n/,
  });
  await catalog.routes.delete(ACTOR, route.id);
  await catalog.providers.delete(ACTOR, "mine");
  await control.close();
});

test("a route is replaced as a whole, and its price is told in whole micros", async () => {
  const parts = await open();
  const { catalog, control } = parts;
  await catalog.providers.create(ACTOR, { name: "a", backend_type: "simulated" });
  const { id } = await catalog.routes.create(ACTOR, {
    model: "gpt-*",
    providers: [{ provider: "a" }],
    price: { prompt_per_million: 0.15, completion_per_million: 0.6 },
  });
  const providers = [{ provider: "a", upstream_model: "gpt-4o" }];
  await catalog.routes.replace(ACTOR, id, { model: "gpt-*", providers });
  assert.equal(catalog.routes.withId(id)?.route.price, null);
  await catalog.routes.replace(ACTOR, id, { model: "gpt-*", providers, enabled: false });
  assert.deepEqual(catalog.served.routes, []);
  await catalog.routes.replace(ACTOR, id, { model: "gpt-*", providers });
  await catalog.routes.delete(ACTOR, id);
  const [, created, replaced, disabled, deleted, ...more] = await told(parts);
  assert.deepEqual(more, [], "what changes nothing is no change");
  assert.deepEqual(created, {
    action: "model_route_created",
    entityType: "model_route",
    old: null,
    new: {
      model: "gpt-*",
      providers: ["a"],
      enabled: true,
      prompt_micros: 150_000,
      cached_prompt_micros: 150_000,
      completion_micros: 600_000,
    },
  });
  assert.deepEqual(replaced?.old, {
    providers: ["a"],
    prompt_micros: 150_000,
    cached_prompt_micros: 150_000,
    completion_micros: 600_000,
  });
  assert.deepEqual(replaced?.new, {
    providers: ["a=gpt-4o"],
    prompt_micros: null,
    cached_prompt_micros: null,
    completion_micros: null,
  });
  assert.deepEqual([disabled?.old, disabled?.new], [{ enabled: true }, { enabled: false }]);
  assert.deepEqual(
    [deleted?.action, deleted?.new, deleted?.old?.enabled],
    ["model_route_deleted", null, false],
  );
  await control.close();
});

test("the file's routes come first, then control's globs by how much they say; the rest is not served", async () => {
  const { catalog, control } = await open();
  const changes: number[] = [];
  catalog.onChanged(() => changes.push(catalog.served.routes.length));
  assert.deepEqual(
    catalog.served.routes.map(({ model }) => model),
    ["demo"],
    "the simulation while there is nothing",
  );
  catalog.setFixed({ providers: [fileProvider("fixed")], routes: [fileRoute("z-*", "fixed")] });
  await catalog.providers.create(ACTOR, { name: "mine", backend_type: "simulated" });
  await catalog.providers.create(ACTOR, { name: "off", backend_type: "simulated", enabled: false });
  const providers = [{ provider: "mine" }];
  for (const model of ["*", "gpt-4*", "gpt-*"]) await catalog.routes.create(ACTOR, { model, providers });
  await catalog.routes.create(ACTOR, { model: "off", providers, enabled: false });
  assert.deepEqual(
    catalog.served.routes.map(({ model }) => model),
    ["z-*", "gpt-4*", "gpt-*", "*"],
  );
  assert.deepEqual(
    catalog.served.providers.map(({ name }) => name),
    ["fixed", "mine"],
  );
  assert.deepEqual(
    catalog.listProviders().map(({ provider, enabled }) => [provider.name, provider.source, enabled]),
    [
      ["fixed", "file", true],
      ["mine", "control", true],
      ["off", "control", false],
    ],
  );
  assert.deepEqual(changes.at(-1), 4);
  catalog.setFixed({ providers: [fileProvider("mine")], routes: [] });
  assert.deepEqual(
    catalog.listProviders().map(({ provider }) => [provider.name, provider.source]),
    [
      ["mine", "file"],
      ["off", "control"],
    ],
    "a name that the file takes is the file's",
  );
  await control.close();
});

test("the demo stays while a route asks for it", async () => {
  const { catalog, control } = await open();
  await catalog.routes.create(ACTOR, { model: "gpt-*", providers: [{ provider: "demo" }] });
  await catalog.providers.create(ACTOR, { name: "mine", backend_type: "simulated" });
  assert.deepEqual(
    catalog.served.providers.map(({ name }) => name),
    ["mine", "demo"],
  );
  await control.close();
});

test("what a provider said that it serves is kept sorted, and told as a difference", async () => {
  const folder = tempFolder();
  const parts = await open(folder);
  const { catalog, control } = parts;
  catalog.setFixed({ providers: [fileProvider("fixed")], routes: [] });
  await catalog.saveModels(ACTOR, "fixed", ["b", "a", "b"]);
  await catalog.saveModels(ACTOR, "fixed", ["c", "a"]);
  assert.deepEqual(catalog.providerNamed("fixed")?.provider.models, ["a", "c"]);
  assert.equal(catalog.providerNamed("fixed")?.syncedAt, T0);
  const [first, second] = await told(parts);
  assert.deepEqual(first, {
    action: "provider_models_synced",
    entityType: "provider_models",
    old: { models: 0, removed: [] },
    new: { models: 2, added: ["a", "b"] },
  });
  assert.deepEqual(
    [second?.old, second?.new],
    [
      { models: 2, removed: ["b"] },
      { models: 2, added: ["c"] },
    ],
  );
  await control.close();
  const again = await open(folder);
  again.catalog.setFixed({ providers: [fileProvider("fixed")], routes: [] });
  assert.deepEqual(again.catalog.providerNamed("fixed")?.provider.models, ["a", "c"]);
  await again.control.close();
});

test("what the environment tells of is made once, when there is nothing else", async () => {
  const folder = tempFolder();
  const parts = await open(folder);
  const found = { ...NONE, anthropicApiKey: SECRET, ollamaHost: "gpu" };
  assert.deepEqual(await parts.catalog.addFound(NONE), []);
  assert.deepEqual(
    (await parts.catalog.addFound(found)).map(({ variable }) => variable),
    ["ANTHROPIC_API_KEY", "OLLAMA_HOST"],
  );
  assert.deepEqual(
    parts.catalog.served.routes.map(({ model, providers }) => [model, providers[0]?.provider]),
    [
      ["claude-*", "anthropic"],
      ["*", "ollama"],
    ],
  );
  const entries = await parts.control.outboxAfter(0, 100);
  assert.deepEqual(
    entries.map(({ facts }) => [facts.action, facts.caller]),
    [
      ["provider_connection_created", "system"],
      ["model_route_created", "system"],
      ["provider_connection_created", "system"],
      ["model_route_created", "system"],
    ],
  );
  for (const { route } of parts.catalog.listRoutes())
    await parts.catalog.routes.delete(ACTOR, route.id ?? "");
  for (const name of ["anthropic", "ollama"]) await parts.catalog.providers.delete(ACTOR, name);
  assert.deepEqual(await parts.catalog.addFound(found), [], "what was taken away stays away");
  await parts.control.close();
  const configured = await open();
  configured.catalog.setFixed({ providers: [fileProvider("fixed")], routes: [] });
  assert.deepEqual(await configured.catalog.addFound(found), []);
  await configured.control.close();
});

test("another process's changes show, and its secrets open with the same key", async (t) => {
  const folder = tempFolder();
  const [one, two] = [await open(folder), await open(folder)];
  t.after(() => Promise.all([one.control.close(), two.control.close()]));
  const shown = Promise.withResolvers<void>();
  two.catalog.onChanged(() => {
    if (two.catalog.providerNamed("openai") !== null) shown.resolve();
  });
  await one.catalog.providers.create(ACTOR, { name: "openai", api_key: SECRET });
  await shown.promise;
  assert.equal(two.catalog.providerNamed("openai")?.provider.apiKey, SECRET);
});
