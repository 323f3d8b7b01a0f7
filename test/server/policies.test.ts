// Policies in the whole server: of the file and of the API, in force from the next request on, told by the trail.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { request } from "undici";
import { API_KEY, chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { startUpstream } from "../support/upstream.ts";

const FILE = `policies:
  - name: large
    match: { kind: inference, model: "demo*" }
    when: max_tokens > 100 || tools > 1
    effect: warn
    reason: That is a lot.
`;

const create = (daybook: TestDaybook, body: object) =>
  daybook.ask("/admin/policies", { method: "POST", body });

test("a policy that is made denies the next request, and one that is taken away no other", async (t) => {
  const daybook = await startDaybook(t);
  assert.equal((await chat(daybook.url)).status, 200);
  const { status, json } = await create(daybook, {
    name: "no-demo",
    match: { model: ["demo", "other-*"] },
    when: "!stream",
    effect: "deny",
    reason: "Use another model.",
  });
  assert.equal(status, 201);
  const { id } = json as { id: string };
  const denied = await chat(daybook.url);
  assert.equal(denied.status, 403);
  assert.match(JSON.stringify(denied), /Use another model\./);
  assert.equal((await chat(daybook.url, { stream: true })).status, 200);
  const off = { name: "no-demo", match: { model: "demo" }, effect: "deny", enabled: false };
  assert.equal((await daybook.ask(`/admin/policies/${id}`, { method: "PUT", body: off })).status, 200);
  assert.equal((await chat(daybook.url)).status, 200);
  assert.equal((await daybook.ask(`/admin/policies/${id}`, { method: "DELETE" })).status, 204);
  assert.deepEqual((await daybook.ask("/admin/policies")).json, []);
  const events = await daybook.events("kind=inference");
  assert.deepEqual(
    events.map(({ status_code, error_code, policy_decision, policies }) => [
      status_code,
      error_code,
      policy_decision,
      policies,
    ]),
    [
      [200, null, "n/a", null],
      [403, "policy_denied", "deny", '["no-demo"]'],
      [200, null, "n/a", null],
      [200, null, "n/a", null],
    ],
  );
  assert.deepEqual([events[1]?.policy_reason, events[1]?.provider], ["Use another model.", null]);
  assert.deepEqual(
    (await daybook.events("entity_type=policy")).map(({ kind, action }) => [kind, action]),
    [
      ["admin", "policy_created"],
      ["admin", "policy_updated"],
      ["admin", "policy_deleted"],
    ],
  );
});

test("policies of the file come first, cannot be changed in the API, and follow a reload", async (t) => {
  const daybook = await startDaybook(t, { yaml: FILE });
  await create(daybook, { name: "own", effect: "allow" });
  const listed = (await daybook.ask("/admin/policies")).json as {
    id: string | null;
    name: string;
    source: string;
  }[];
  assert.deepEqual(
    listed.map(({ name, source }) => [name, source]),
    [
      ["large", "file"],
      ["own", "control"],
    ],
  );
  assert.equal(listed[0]?.id, null);
  assert.equal((await create(daybook, { name: "large", effect: "deny" })).status, 409);
  await chat(daybook.url, { body: { max_tokens: 101 } });
  writeFileSync(join(daybook.home, "daybook.yaml"), `listen: 127.0.0.1:0\n${FILE.replace("warn", "deny")}`);
  const { json } = await daybook.ask("/admin/reload", { method: "POST" });
  assert.deepEqual(json, { changed: ["policies.large.effect"], needs_restart: [] });
  assert.equal((await chat(daybook.url, { body: { max_tokens: 101 } })).status, 403);
  const events = await daybook.events("kind=inference");
  assert.deepEqual(
    events.map(({ policy_decision, policy_reason, policies }) => [policy_decision, policy_reason, policies]),
    [
      ["warn", "That is a lot.", '["large","own"]'],
      ["deny", "That is a lot.", '["large"]'],
    ],
  );
});

test("a file whose policy cannot be used is refused with its place", async (t) => {
  const daybook = await startDaybook(t);
  const bad = FILE.replace("max_tokens > 100", "max_token > 100");
  writeFileSync(join(daybook.home, "daybook.yaml"), `listen: 127.0.0.1:0\n${bad}`);
  const { status, json } = await daybook.ask("/admin/reload", { method: "POST" });
  assert.equal(status, 500);
  assert.match(
    (json as { detail: string }).detail,
    /daybook\.yaml:5:\d+: policies\[0\]\.when: Unknown variable: max_token/,
  );
});

test("what the policies say of a request can be asked without sending one", async (t) => {
  const daybook = await startDaybook(t, { yaml: FILE });
  const ask = (body: object) => daybook.ask("/admin/policies/test", { method: "POST", body });
  const question = { kind: "mcp", name: "write", server: "files", arguments: { path: "/etc/x" } };
  assert.deepEqual((await ask({ question })).json, { decision: "n/a", reason: null, policies: [] });
  assert.deepEqual((await ask({ question: { kind: "inference", model: "demo-1", tools: 2 } })).json, {
    decision: "warn",
    reason: "That is a lot.",
    policies: ["large"],
  });
  const policy = {
    name: "p",
    match: { kind: "mcp" },
    when: 'arguments.path.startsWith("/etc")',
    effect: "deny",
  };
  assert.deepEqual((await ask({ question, policy })).json, {
    decision: "deny",
    reason: "Policy p denies this.",
    policies: ["p"],
  });
  const refused = await ask({ question, policy: { ...policy, when: "arguments.path.foo()" } });
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.json), /when: /);
});

test("a call is denied by its arguments: the server is never asked, and what would hang the thread neither", async (t) => {
  const upstream = await startUpstream(t, (response, { body }) => {
    const { id } = JSON.parse(String(body)) as { id: number };
    const answer = { jsonrpc: "2.0", id, result: { content: [] } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  const daybook = await startDaybook(t, {
    yaml: `mcp: { servers: [{ name: files, url: "${upstream.url}/mcp" }] }
policies:
  - name: etc
    match: { kind: mcp, server: files, name: write_file }
    when: arguments.path.startsWith("/etc/") || arguments.path.matches("^(/[a-z]+)+$")
    effect: deny
    reason: Not there.
`,
  });
  const call = async (given: object) => {
    const { statusCode, body } = await request(`${daybook.url}/mcp/files`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${API_KEY}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "write_file", arguments: given },
      }),
    });
    return { statusCode, json: (await body.json()) as { error?: { message: string } } };
  };
  const hostile = { path: `${"/a".repeat(300_000)}!` };
  const [denied, let_, costly, missing] = await Promise.all([
    call({ path: "/etc/passwd" }),
    call({ path: "/home/ana/1" }),
    call(hostile),
    call({}),
  ]);
  assert.equal(let_.json.error, undefined);
  // What tools there are Daybook may ask by itself.
  const calls = upstream.asked.filter(({ body }) => String(body).includes('"tools/call"'));
  assert.equal(calls.length, 1);
  assert.match(denied.json.error?.message ?? "", /Not there\./);
  assert.match(costly.json.error?.message ?? "", /etc could not be decided \(too_costly\)/);
  assert.match(missing.json.error?.message ?? "", /etc could not be decided \(no_such_key\)/);
  const events = await daybook.events("kind=mcp");
  assert.deepEqual(
    events
      .map(({ name, policy_decision, error_code, status_code }) => [
        name,
        policy_decision,
        error_code,
        status_code,
      ])
      .sort(),
    [
      ["write_file", "deny", "policy_denied", 403],
      ["write_file", "deny", "policy_denied", 403],
      ["write_file", "deny", "policy_denied", 403],
      ["write_file", "n/a", null, 200],
    ],
  );
  const { json } = await daybook.ask("/admin/policies/dry-run", {
    method: "POST",
    body: { policies: [{ name: "etc", effect: "warn" }], q: "kind:mcp" },
  });
  const { judged, changed, transitions } = json as {
    judged: number;
    changed: number;
    transitions: { was: string; would_be: string; count: number }[];
  };
  assert.deepEqual([judged, changed], [4, 4]);
  assert.deepEqual(transitions.map(({ was, would_be, count }) => [was, would_be, count]).sort(), [
    ["deny", "warn", 3],
    ["n/a", "warn", 1],
  ]);
});
