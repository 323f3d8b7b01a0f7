// What is refused, with file, line, column and option, and without a value in any message.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { EXAMPLE } from "../../src/config/reference.ts";
import { DaybookError } from "../../src/event/errors.ts";

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "daybook-refusals-"));
});
after(() => rm(folder, { recursive: true }));

async function load(
  text: string,
  env: Readonly<Record<string, string>> = {},
  profile?: string,
): Promise<Config> {
  await writeFile(join(folder, "daybook.yaml"), text);
  return loadConfig({ env, cwd: folder, homedir: folder, flags: { profile } });
}

/** The detail of the refusal, with the file's folder left out. */
async function refusal(
  text: string,
  env: Readonly<Record<string, string>> = {},
  profile?: string,
): Promise<string> {
  const error: unknown = await load(text, env, profile).then(
    () => assert.fail(`accepted: ${text}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DaybookError, String(error));
  assert.equal(error.code, "bad_config");
  return error.detail.replaceAll(`${folder}/`, "");
}

const SECRET = "sk-do-not-show-me";

for (const [name, text, expected] of [
  [
    "an unknown option names the nearest one",
    "lissen: 127.0.0.1:1",
    "daybook.yaml:1:1: lissen: there is no such option: did you mean listen?",
  ],
  [
    "an unknown option deep inside names the nearest one there",
    "providers:\n  - name: a\n    backend_type: simulated\n    baseurl: x",
    "daybook.yaml:4:5: providers[0].baseurl: there is no such option: did you mean base_url?",
  ],
  [
    "a wrong type says what was expected and found",
    "journal:\n  max_mb: lots",
    "daybook.yaml:2:3: journal.max_mb: expected an integer from 32 to 1048576, found text.",
  ],
  [
    "a fraction is no integer",
    "limits: { max_body_bytes: 1.5 }",
    "daybook.yaml:1:11: limits.max_body_bytes: expected an integer from 1 to 1073741824, found a number.",
  ],
  [
    "a number out of bounds",
    "timeouts_ms: { chat: 0 }",
    "daybook.yaml:1:16: timeouts_ms.chat: expected an integer from 1 to 2147483647.",
  ],
  [
    "a list where a map belongs",
    "limits: []",
    "daybook.yaml:1:1: limits: expected a map of options, found a list.",
  ],
  [
    "text where a list belongs",
    "providers: demo",
    "daybook.yaml:1:1: providers: expected a list, found text.",
  ],
  [
    "an option without a value",
    "audit:\n  modes:",
    "daybook.yaml:2:3: audit.modes: expected a map of options, found nothing.",
  ],
  ["a list as the whole file", "- listen", "daybook.yaml:1:1: expected a map of options."],
  [
    "yes is text, not true",
    "allow_insecure_public: yes",
    "daybook.yaml:1:1: allow_insecure_public: expected true or false, found text.",
  ],
  [
    "an address without a port",
    "listen: localhost",
    "daybook.yaml:1:1: listen: expected host:port, such as 127.0.0.1:4141 or [::1]:4141.",
  ],
  [
    "a port alone",
    "listen: 4141",
    "daybook.yaml:1:1: listen: expected host:port, such as 127.0.0.1:4141 or [::1]:4141, found a number.",
  ],
  [
    "a store that is none",
    "store: mysql://x",
    "daybook.yaml:1:1: store: expected sqlite:PATH or https://ingest:TOKEN@HOST.",
  ],
  [
    "a proxy that is no address",
    "trusted_proxies: [10.0.0.0/8, proxy]",
    "daybook.yaml:1:31: trusted_proxies[1]: expected an IP address or a network such as 10.0.0.0/8.",
  ],
  [
    "a network wider than its family",
    "trusted_proxies: [10.0.0.0/33]",
    "daybook.yaml:1:19: trusted_proxies[0]: expected an IP address or a network such as 10.0.0.0/8.",
  ],
  [
    "admin events cannot be opened",
    "audit: { modes: { admin: open } }",
    "daybook.yaml:1:19: audit.modes.admin: admin events are always strict: this cannot be changed.",
  ],
  [
    "system events cannot be changed",
    "audit: { modes: { system: strict } }",
    "daybook.yaml:1:19: audit.modes.system: system events are always open: this cannot be changed.",
  ],
  [
    "a mode that is none",
    "audit: { modes: { mcp: off } }",
    "daybook.yaml:1:19: audit.modes.mcp: expected strict or open.",
  ],
  [
    "no days at all",
    "audit: { retention_days: { mcp: 0 } }",
    "daybook.yaml:1:28: audit.retention_days.mcp: expected an integer from 1 to 36500.",
  ],
  [
    "a reserve as large as the journal",
    "journal: { max_mb: 32, reserve_mb: 32 }",
    "daybook.yaml:1:24: journal.reserve_mb: expected less than journal.max_mb.",
  ],
  [
    "a provider without an address",
    "providers:\n  - { name: a, backend_type: local }",
    "daybook.yaml:2:5: providers[0].base_url: is missing: neither name nor backend_type tells it.",
  ],
  [
    "a provider without a name",
    "providers:\n  - { backend_type: simulated }",
    "daybook.yaml:2:5: providers[0].name: is missing: expected a name of at most 64 letters, digits, dots, hyphens and underscores.",
  ],
  [
    "a backend that does not tell its protocol",
    "providers:\n  - { name: a, backend_type: acme, base_url: 'http://a' }",
    "daybook.yaml:2:5: providers[0].protocols: is missing: expected openai or anthropic, since backend_type does not tell.",
  ],
  [
    "two providers of one name",
    "providers:\n  - { name: a, backend_type: simulated }\n  - { name: a, backend_type: simulated }",
    'daybook.yaml:3:7: providers[1].name: "a" is the name of providers[0] already.',
  ],
  [
    "two routes for one model",
    "routes:\n  - { model: m, providers: [{ provider: demo }] }\n  - { model: m, providers: [{ provider: demo }] }",
    'daybook.yaml:3:7: routes[1].model: "m" is the model of routes[0] already.',
  ],
  [
    "two MCP servers of one name",
    "mcp: { servers: [{ name: f, url: 'http://a' }, { name: f, url: 'http://b' }] }",
    'daybook.yaml:1:50: mcp.servers[1].name: "f" is the name of mcp.servers[0] already.',
  ],
  [
    "a route to an unknown provider names the nearest one",
    "providers:\n  - { name: openai, backend_type: simulated }\n  - { name: local, backend_type: simulated }\nroutes:\n  - model: m\n    providers: [{ provider: opnai }]",
    'daybook.yaml:6:19: routes[0].providers[0].provider: there is no provider "opnai": did you mean openai?',
  ],
  [
    "a route to nothing",
    "routes: [{ model: m, providers: [] }]",
    "daybook.yaml:1:22: routes[0].providers: expected at least one provider.",
  ],
  [
    "a glob of another sort",
    "routes: [{ model: 'gpt-[45]', providers: [{ provider: demo }] }]",
    'daybook.yaml:1:12: routes[0].model: expected a model name or a glob with "*".',
  ],
  [
    "a price that is no number",
    "routes:\n  - model: m\n    providers: [{ provider: demo }]\n    price: { prompt_per_million: cheap, completion_per_million: 1 }",
    "daybook.yaml:4:14: routes[0].price.prompt_per_million: expected a number of USD from 0 to 1000000, with at most 6 decimals, found text.",
  ],
  [
    "a price finer than a micro",
    "routes:\n  - model: m\n    providers: [{ provider: demo }]\n    price: { prompt_per_million: 0.0000001, completion_per_million: 1 }",
    "daybook.yaml:4:14: routes[0].price.prompt_per_million: expected a number of USD from 0 to 1000000, with at most 6 decimals.",
  ],
  [
    "a variable that is not set",
    `providers:\n  - name: a\n    backend_type: simulated\n    api_key: \${ABSENT}`,
    "daybook.yaml:4:5: providers[0].api_key: the environment variable ABSENT is not set, or empty.",
  ],
  [
    "a variable that is not closed",
    `store: sqlite:\${HOME/x`,
    `daybook.yaml:1:1: store: "\${" is not followed by a variable's name and "}": write "$\${" for the text itself.`,
  ],
  [
    "a profile's unknown option, though the profile is not chosen",
    "profiles:\n  dev:\n    lisen: x",
    "daybook.yaml:3:5: profiles.dev.lisen: there is no such option: did you mean listen?",
  ],
  [
    "a profile within a profile",
    "profiles:\n  dev:\n    profiles: {}",
    "daybook.yaml:3:5: profiles.dev.profiles: there is no such option: did you mean providers?",
  ],
  [
    "an anchor's alias",
    "listen: &a x\nstore: *a",
    "daybook.yaml:2:8: anchors and aliases are not supported: write the value out.",
  ],
  [
    "IPv6 without quotes",
    "listen: [::1]:4141",
    "daybook.yaml:1:14: text where none can be: quote the value if it holds brackets or quotes.",
  ],
  ["one option twice", "listen: a:1\nlisten: b:1", "daybook.yaml:2:1: the same name twice in one map."],
  ["a tab", "audit:\n\tmax_mb: 1", "daybook.yaml:2:1: a tab as indentation: use spaces."],
  ["an unknown tag", "listen: !x y", 'daybook.yaml:1:9: an unknown tag: quote the text if its "!" is meant.'],
  ["two documents", "a: 1\n---\nb: 1", 'daybook.yaml:2:1: more than one document ("---").'],
] as const) {
  test(`refused: ${name}`, async () => assert.equal(await refusal(text), expected));
}

test("a bad URL says why", async () => {
  const urlRefusal = async (url: string) => {
    const detail = await refusal(`providers:\n  - name: a\n    backend_type: openai\n    base_url: "${url}"`);
    return detail.slice("daybook.yaml:4:5: providers[0].base_url: ".length);
  };
  for (const url of ["api.openai.com", "ftp://x", "http:x", "https://", "//x", ""]) {
    assert.equal(await urlRefusal(url), "expected a URL that starts with http:// or https://.", url);
  }
  assert.match(await urlRefusal(`https://me:${SECRET}@x`), /^a URL may not hold a user or password/);
  assert.match(await urlRefusal(`https://x/?key=${SECRET}`), /^a base URL has no "\?"/);
});

test("headers that frame the message, or could start another one, are refused", async () => {
  const headers = (text: string) =>
    refusal(`providers: [{ name: a, backend_type: simulated, headers: ${text} }]`);
  assert.match(
    await headers("{ Content-Length: '1' }"),
    /headers\.Content-Length: Daybook sets this header itself\.$/,
  );
  assert.match(await headers("{ 'a b': x }"), /expected a header name\.$/);
  assert.match(await headers('{ X-A: "x\\r\\nX-B: y" }'), /headers\.X-A: expected printable ASCII text\.$/);
});

test("all problems are told at once, each with its place", async () => {
  assert.deepEqual((await refusal("lisen: x\njournal: { max_mb: x, reserve_mb: y }")).split("\n"), [
    "daybook.yaml:2:12: journal.max_mb: expected an integer from 32 to 1048576, found text.",
    "daybook.yaml:2:23: journal.reserve_mb: expected an integer from 1 to 1024, found text.",
    "daybook.yaml:1:1: lisen: there is no such option: did you mean listen?",
  ]);
});

test("a problem in a variable or profile is placed there", async () => {
  const text =
    "timeouts_ms: { chat: 1 }\ntrusted_proxies: [10.0.0.1, 10.0.0.2]\nprofiles:\n  dev:\n    timeouts_ms:\n      chat: x\n    trusted_proxies: [y]\n";
  assert.match(await refusal("", { DAYBOOK_LISTEN: "x" }), /^DAYBOOK_LISTEN: listen: expected host:port/);
  assert.match(
    await refusal("", { DAYBOOK_TRUSTED_PROXIES: "::1,x" }),
    /^DAYBOOK_TRUSTED_PROXIES: trusted_proxies\[1\]/,
  );
  assert.match(
    await refusal("", { DAYBOOK_AUDIT_MODES_ADMIN: "open" }),
    /^DAYBOOK_AUDIT_MODES_ADMIN: .* cannot be changed/,
  );
  const [chat, proxy] = (await refusal(text, {}, "dev")).split("\n");
  assert.match(chat ?? "", /^daybook\.yaml:6:7: timeouts_ms\.chat/);
  assert.match(proxy ?? "", /^daybook\.yaml:7:23: trusted_proxies\[0\]/);
});

test("a list that a profile replaces hides what stood there", async () => {
  const text =
    "providers:\n  - name: a\n    backend_type: openai\n    base_url: http://a\nprofiles:\n  dev:\n    providers:\n      - { name: a, backend_type: local }\n";
  assert.match(await refusal(text, {}, "dev"), /^daybook\.yaml:8:9: providers\[0\]\.base_url: is missing/);
});

test("the refusal's message says what to do", async () => {
  await assert.rejects(
    load("x: 1"),
    /^DaybookError: Cannot use the configuration .*docs\/reference\/configuration\.md/s,
  );
});

test("whatever the file holds, it is accepted or refused with a place, and no value is shown", async () => {
  const lines = EXAMPLE.replace(`\${OPENAI_API_KEY}`, SECRET).split("\n");
  const junk = fc.constantFrom(
    "",
    " ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    ":",
    "- ",
    "&a ",
    "*a",
    "!t ",
    "|",
    `\${`,
    "%",
    "@",
    "\u0000",
    "\n---\n",
    "1e999",
    "null",
  );
  const change = fc.record({ line: fc.nat(lines.length - 1), column: fc.nat(60), junk, drop: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const text = [...lines];
      for (const { line, column, junk: inserted, drop } of changes) {
        const before = text[line] ?? "";
        text[line] = before.slice(0, column) + inserted + before.slice(column + drop);
      }
      try {
        await load(text.join("\n"));
      } catch (error) {
        assert.ok(error instanceof DaybookError, String(error));
        if (error.code === "public_without_tls") return;
        assert.equal(error.code, "bad_config");
        assert.match(error.detail, /daybook\.yaml:\d+:\d+: /);
        for (const part of ["sk-do", "not-show", "show-me"])
          assert.ok(!error.message.includes(part), error.message);
      }
    }),
    { numRuns: 500 },
  );
});
