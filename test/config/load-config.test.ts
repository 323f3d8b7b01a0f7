// The configuration from file, variables and flags: where it is found, what lies over what, what comes out.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { EXAMPLE } from "../../src/config/reference.ts";
import { withDefaults } from "../../src/limits/limits.ts";

let root: string;
let folders = 0;

before(async () => {
  root = await mkdtemp(join(tmpdir(), "daybook-config-"));
});
after(() => rm(root, { recursive: true }));

interface Given {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: { config?: string; profile?: string };
}

/** Loads in a folder of its own with `work/` as the current folder and `me/` as the user's own. */
async function load({
  files = {},
  env = {},
  flags = {},
}: Given): Promise<Config & { at: (path: string) => string }> {
  const folder = join(root, String(++folders));
  const at = (path: string) => join(folder, path);
  await mkdir(at("work"), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(at(path), ".."), { recursive: true });
    await writeFile(at(path), text);
  }
  const placed = Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace("{at}", folder)]),
  );
  return { ...(await loadConfig({ env: placed, cwd: at("work"), homedir: at("me"), flags })), at };
}

const loadText = (text: string, env: Readonly<Record<string, string>> = {}) =>
  load({ files: { "work/daybook.yaml": text }, env });

test("without a file and variables everything has its default", async () => {
  const { at, ...config } = await load({});
  assert.deepEqual(config, {
    file: null,
    profile: null,
    home: at("me/.daybook"),
    store: `sqlite:${at("me/.daybook/events.db")}`,
    bootstrap: { adminToken: null, apiKey: null },
    listen: { host: "127.0.0.1", port: 4141 },
    allowInsecurePublic: false,
    tls: null,
    providers: [],
    routes: [],
    policies: [],
    found: { openaiApiKey: null, anthropicApiKey: null, ollamaHost: null },
    secretKey: null,
    proxy: null,
    limits: { maxBodyBytes: 33_554_432 },
    quotas: { keys: withDefaults({}), users: withDefaults({}) },
    credits: { required: false, assumedMaxTokens: 4096 },
    timeoutsMs: { chat: 900_000, completions: 600_000, embeddings: 120_000 },
    journal: { maxMb: 1024, reserveMb: 32 },
    trustedProxies: [],
    mcp: { servers: [], auditLists: false, maxStreamsPerKey: 100 },
    anchors: [],
    exportTargets: [],
    audit: {
      modes: {
        inference: "open",
        mcp: "open",
        file: "open",
        exec: "open",
        auth: "strict",
        quota: "open",
        api: "open",
        admin: "strict",
        system: "open",
      },
      retentionDays: {
        inference: 30,
        mcp: 90,
        file: 30,
        exec: 30,
        auth: 365,
        quota: 30,
        api: 30,
        admin: 365,
        system: 365,
      },
      maxMb: 0,
      userAgent: false,
      mcp: { enabled: true, arguments: "redacted" },
    },
  });
});

test("the file is --config, else DAYBOOK_CONFIG, else ./daybook.yaml, else the one in the data folder", async () => {
  const port = (number: number) => `listen: 127.0.0.1:${number}\n`;
  const files = {
    "work/flag.yaml": port(1),
    "work/variable.yaml": port(2),
    "work/daybook.yaml": port(3),
    "home/daybook.yaml": port(4),
    "me/.daybook/daybook.yaml": port(5),
  };
  const portOf = async (given: Given) => (await load(given)).listen.port;
  const variables = { DAYBOOK_CONFIG: "variable.yaml", DAYBOOK_HOME: "{at}/home" };
  assert.equal(await portOf({ files, env: variables, flags: { config: "flag.yaml" } }), 1);
  assert.equal(await portOf({ files, env: variables }), 2);
  assert.equal(await portOf({ files, env: { DAYBOOK_HOME: "{at}/home" } }), 3);
  const { "work/daybook.yaml": _, ...others } = files;
  assert.equal(await portOf({ files: others, env: { DAYBOOK_HOME: "{at}/home" } }), 4);
  assert.equal(await portOf({ files: others }), 5);
});

test("a file that was asked for and cannot be read is refused by name", async () => {
  const refused = { code: "no_config", message: /work\/absent\.yaml \(ENOENT\)/ };
  await assert.rejects(load({ flags: { config: "absent.yaml" } }), refused);
  await assert.rejects(load({ env: { DAYBOOK_CONFIG: "absent.yaml" } }), refused);
  await assert.rejects(load({ files: { "work/daybook.yaml/x": "" } }), {
    code: "no_config",
    message: /EISDIR/,
  });
});

test("paths are relative to the file, in variables to the current folder, and ~ is the user's folder", async () => {
  const text = "home: ./data\nstore: sqlite:../events.db\n";
  const file = await load({
    files: { "etc/daybook/my.yaml": text },
    flags: { config: "../etc/daybook/my.yaml" },
  });
  assert.equal(file.file, file.at("etc/daybook/my.yaml"));
  assert.equal(file.home, file.at("etc/daybook/data"));
  assert.equal(file.store, `sqlite:${file.at("etc/events.db")}`);

  const env = { DAYBOOK_HOME: "elsewhere", DAYBOOK_STORE: "sqlite:./mine.db" };
  const variable = await load({ files: { "etc/my.yaml": text }, flags: { config: "../etc/my.yaml" }, env });
  assert.equal(variable.home, variable.at("work/elsewhere"));
  assert.equal(variable.store, `sqlite:${variable.at("work/mine.db")}`);

  const tilde = await loadText("home: ~/data\n");
  assert.equal(tilde.home, tilde.at("me/data"));
  assert.equal(tilde.store, `sqlite:${tilde.at("me/data/events.db")}`);
});

test("the example of the reference page is accepted", async () => {
  const config = await loadText(EXAMPLE, { OPENAI_API_KEY: "sk-1", ANTHROPIC_API_KEY: "sk-2" });
  assert.deepEqual(config.providers[0], {
    id: null,
    source: "file",
    name: "openai",
    backendType: "openai",
    protocols: ["openai"],
    baseUrl: "https://api.openai.com",
    apiVersion: null,
    apiKey: "sk-1",
    headers: {},
    caFile: null,
    askUsage: true,
    passThrough: ["/v1/audio/", "/v1/images/"],
    timeoutsMs: { chat: null, completions: null, embeddings: null },
    retry: { max: 2, waitMs: 500 },
    breaker: { failures: 5, restMs: 10_000 },
    models: [],
  });
  assert.deepEqual(config.routes[0], {
    id: null,
    source: "file",
    model: "gpt-4o-mini",
    providers: [{ provider: "openai", upstreamModel: "gpt-4o-mini-2024-07-18" }],
    price: { promptMicros: 150_000, cachedPromptMicros: 150_000, completionMicros: 600_000 },
  });
  assert.deepEqual(config.mcp.servers, [
    {
      id: null,
      source: "file",
      name: "files",
      url: "http://127.0.0.1:9000/mcp",
      headers: {},
      caFile: null,
      timeoutMs: 900_000,
    },
  ]);
});

test("prices become whole micros, the cached one its own", async () => {
  const price = async (text: string) => {
    const head =
      "providers: [{ name: a, backend_type: simulated }]\nroutes:\n  - model: m\n    providers: [{ provider: a }]\n";
    return (await loadText(`${head}    price: ${text}\n`)).routes[0]?.price;
  };
  assert.deepEqual(
    await price(
      "{ prompt_per_million: 2.5, cached_prompt_per_million: 0.000001, completion_per_million: 0 }",
    ),
    {
      promptMicros: 2_500_000,
      cachedPromptMicros: 1,
      completionMicros: 0,
    },
  );
  assert.equal(
    (await price("{ prompt_per_million: 2.01, completion_per_million: 4.4 }"))?.promptMicros,
    2_010_000,
  );
});

test("what a provider does not say its name or type tells", async () => {
  const { providers } = await loadText(`
providers:
  - { name: a, backend_type: anthropic }
  - { name: ollama }
  - { name: c, backend_type: acme, protocol: anthropic, base_url: "https://c.example", headers: { X-Team: red } }
  - { name: d, backend_type: simulated }
  - { name: openai, backend_type: acme, protocols: [openai, anthropic], base_url: "http://b.example/v1/" }
  - { name: lmstudio, base_url: "http://10.0.0.1:1234" }
  - { name: groq }
`);
  assert.deepEqual(
    providers.map(({ backendType, protocols, baseUrl }) => [backendType, protocols.join(), baseUrl]),
    [
      ["anthropic", "anthropic", "https://api.anthropic.com"],
      ["local", "openai,anthropic", "http://127.0.0.1:11434"],
      ["acme", "anthropic", "https://c.example"],
      ["simulated", "openai,anthropic", null],
      ["acme", "openai,anthropic", "http://b.example/v1/"],
      ["local", "openai,anthropic", "http://10.0.0.1:1234"],
      ["groq", "openai", "https://api.groq.com/openai"],
    ],
  );
  assert.deepEqual(providers[2]?.headers, { "x-team": "red" });
});

test("Azure is reached by its own plain paths, or deployment by deployment with a version", async () => {
  const { providers } = await loadText(`
providers:
  - { name: azure, base_url: "https://one.openai.azure.com/" }
  - { name: two, backend_type: azure, base_url: "https://two.openai.azure.com/openai/v1" }
  - { name: three, backend_type: azure, base_url: "https://three.openai.azure.com", api_version: 2024-10-21 }
`);
  assert.deepEqual(
    providers.map(({ backendType, baseUrl, apiVersion }) => [backendType, baseUrl, apiVersion]),
    [
      ["azure", "https://one.openai.azure.com/openai", null],
      ["azure", "https://two.openai.azure.com/openai/v1", null],
      ["azure", "https://three.openai.azure.com", "2024-10-21"],
    ],
  );
});

test("streams are asked for their usage, but where the vendor or the file says that it is refused", async () => {
  const { providers } = await loadText(`
providers:
  - { name: openai }
  - { name: mistral }
  - { name: mine, backend_type: mistral, ask_usage: true }
  - { name: old, backend_type: local, base_url: "http://10.0.0.1", ask_usage: false }
`);
  assert.deepEqual(
    providers.map(({ askUsage }) => askUsage),
    [true, false, true, false],
  );
});

test("what a provider may say of its own connections is kept, and the file's paths are made absolute", async () => {
  const config = await loadText(`
tls: { cert: ./tls/cert.pem, key: /etc/key.pem }
providers:
  - name: inside
    backend_type: local
    base_url: https://llm.example
    ca_file: ./ca.pem
    pass_through: [/v1/audio/, /v1/files]
    timeouts_ms: { chat: 5 }
    retries: { max: 0 }
    breaker: { failures: 0, rest_ms: 7 }
    models: [one, two]
`);
  const [provider] = config.providers;
  assert.equal(provider?.caFile, config.at("work/ca.pem"));
  assert.deepEqual(provider?.passThrough, ["/v1/audio/", "/v1/files"]);
  assert.deepEqual(provider?.timeoutsMs, { chat: 5, completions: null, embeddings: null });
  assert.deepEqual(provider?.retry, { max: 0, waitMs: 500 });
  assert.deepEqual(provider?.breaker, { failures: 0, restMs: 7 });
  assert.deepEqual(provider?.models, ["one", "two"]);
  assert.deepEqual(config.tls, { cert: config.at("work/tls/cert.pem"), key: "/etc/key.pem" });
});

test("the environment's proxies, keys and addresses of providers are read here", async () => {
  const config = await loadText("", {
    HTTP_PROXY: "http://big:3128",
    http_proxy: "http://small:3128",
    NO_PROXY: "localhost,.internal",
    OPENAI_API_KEY: "sk-1",
    OLLAMA_HOST: "0.0.0.0",
    DAYBOOK_SECRET_KEY: "k",
  });
  assert.deepEqual(config.proxy, {
    httpProxy: "http://small:3128",
    httpsProxy: null,
    noProxy: "localhost,.internal",
  });
  assert.deepEqual(config.found, { openaiApiKey: "sk-1", anthropicApiKey: null, ollamaHost: "0.0.0.0" });
  assert.equal(config.secretKey, "k");
  assert.equal((await loadText("", { NO_PROXY: "*" })).proxy, null);
});

test("routes without providers may use the simulation", async () => {
  const config = await loadText("routes: [{ model: gpt-*, providers: [{ provider: demo }] }]\n");
  assert.deepEqual(
    config.routes.map(({ model }) => model),
    ["gpt-*"],
  );
});

test("variables stand in for values, as text or as the option's own type", async () => {
  const text = `
listen: \${HOST}:\${PORT}
limits: { max_body_bytes: "\${BYTES}" }
allow_insecure_public: \${OPEN}
trusted_proxies: \${PROXIES}
providers:
  - { name: a, backend_type: simulated, api_key: "\${KEY}", headers: { X-A: "$\${KEY}$" } }
`;
  const env = {
    HOST: "0.0.0.0",
    PORT: "80",
    BYTES: "1024",
    OPEN: "true",
    PROXIES: "10.0.0.0/8, ::1",
    KEY: "12345",
  };
  const config = await loadText(text, env);
  assert.deepEqual(config.listen, { host: "0.0.0.0", port: 80 });
  assert.equal(config.limits.maxBodyBytes, 1024);
  assert.equal(config.allowInsecurePublic, true);
  assert.deepEqual(config.trustedProxies, ["10.0.0.0/8", "::1"]);
  assert.equal(config.providers[0]?.apiKey, "12345");
  assert.deepEqual(config.providers[0]?.headers, { "x-a": `\${KEY}$` });
});

test("a variable's value is taken as it is, never as YAML or another variable", async () => {
  const text = `providers: [{ name: a, backend_type: simulated, headers: { X-A: '\${A}' } }]\n`;
  const { providers } = await loadText(text, { A: `\${B} {x: [1]} $& #`, B: "no" });
  assert.equal(providers[0]?.headers["x-a"], `\${B} {x: [1]} $& #`);
});

test("DAYBOOK_* variables lie over the file; empty and unknown ones count as not set", async () => {
  const text = "listen: 127.0.0.1:1\njournal: { max_mb: 64 }\naudit: { user_agent: true }\n";
  const config = await loadText(text, {
    DAYBOOK_LISTEN: "[::1]:0",
    DAYBOOK_JOURNAL_RESERVE_MB: "16",
    DAYBOOK_AUDIT_USER_AGENT: "false",
    DAYBOOK_AUDIT_MODES_MCP: "strict",
    DAYBOOK_TIMEOUTS_MS_CHAT: "",
    DAYBOOK_TRUSTED_PROXIES: "10.0.0.1,fd00::/8",
    DAYBOOK_PORT_4141_TCP: "tcp://10.0.0.1:4141",
    DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: "given",
  });
  assert.deepEqual(config.listen, { host: "::1", port: 0 });
  assert.deepEqual(config.journal, { maxMb: 64, reserveMb: 16 });
  assert.equal(config.audit.userAgent, false);
  assert.equal(config.audit.modes.mcp, "strict");
  assert.equal(config.timeoutsMs.chat, 900_000);
  assert.deepEqual(config.trustedProxies, ["10.0.0.1", "fd00::/8"]);
  assert.deepEqual(config.bootstrap, { adminToken: "given", apiKey: null });
});

const PROFILES = `
listen: 127.0.0.1:1
timeouts_ms: { chat: 1, embeddings: 2 }
trusted_proxies: [10.0.0.1, 10.0.0.2]
profiles:
  dev:
    timeouts_ms: { chat: 3 }
    trusted_proxies: [10.0.0.3]
  live:
    listen: \${LIVE_LISTEN}
  empty: {}
`;

test("a profile is chosen by flag, else by variable, and lies under the variables", async () => {
  const files = { "work/daybook.yaml": PROFILES };
  const none = await load({ files });
  assert.equal(none.profile, null);
  assert.equal(none.timeoutsMs.chat, 1);
  const dev = await load({ files, env: { DAYBOOK_PROFILE: "live" }, flags: { profile: "dev" } });
  assert.equal(dev.profile, "dev");
  assert.deepEqual(dev.timeoutsMs, { chat: 3, completions: 600_000, embeddings: 2 });
  assert.deepEqual(dev.trustedProxies, ["10.0.0.3"]);
  const live = await load({ files, env: { DAYBOOK_PROFILE: "live", LIVE_LISTEN: "127.0.0.1:2" } });
  assert.equal(live.listen.port, 2);
  const over = await load({ files, env: { DAYBOOK_TIMEOUTS_MS_CHAT: "4" }, flags: { profile: "dev" } });
  assert.equal(over.timeoutsMs.chat, 4);
  assert.equal((await load({ files, flags: { profile: "empty" } })).listen.port, 1);
});

test("an unknown profile is refused with the known ones", async () => {
  const files = { "work/daybook.yaml": PROFILES };
  const refused = { code: "bad_config", message: /no profile "prod"; known: dev, live, empty\./ };
  await assert.rejects(load({ files, flags: { profile: "prod" } }), refused);
  await assert.rejects(load({ files, env: { DAYBOOK_PROFILE: "prod" } }), refused);
  await assert.rejects(load({ files, flags: { profile: "constructor" } }), { code: "bad_config" });
  await assert.rejects(load({ flags: { profile: "prod" } }), { message: /known: none\./ });
});

test("listening where other machines reach is refused unless it is allowed", async () => {
  const refused = (address: string) => ({ code: "public_without_tls", detail: address });
  await assert.rejects(loadText("listen: 0.0.0.0:4141\n"), refused("0.0.0.0:4141"));
  await assert.rejects(loadText("", { DAYBOOK_LISTEN: "[::]:4141" }), refused("[::]:4141"));
  await assert.rejects(loadText("listen: daybook.example:80\n"), refused("daybook.example:80"));
  const allowed = await loadText("listen: 0.0.0.0:4141\nallow_insecure_public: true\n");
  assert.equal(allowed.listen.host, "0.0.0.0");
  const encrypted = await loadText("listen: 0.0.0.0:4141\ntls: { cert: c.pem, key: k.pem }\n");
  assert.equal(encrypted.listen.host, "0.0.0.0");
});

test("an empty file is a file without options", async () => {
  assert.equal((await loadText("")).listen.port, 4141);
  assert.equal((await loadText("# nothing yet\n")).listen.port, 4141);
});

test("the configuration is frozen all the way down", async () => {
  const seen: object[] = [
    await loadText(EXAMPLE, { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k" }).then(
      ({ at: _, ...config }) => config.providers,
    ),
  ];
  const config = await loadConfig({ env: {}, cwd: root, homedir: root, flags: {} });
  for (let queue: unknown[] = [...seen, config]; queue.length > 0; ) {
    const value = queue.pop();
    if (typeof value !== "object" || value === null) continue;
    assert.ok(Object.isFrozen(value));
    queue = queue.concat(Object.values(value));
  }
});
