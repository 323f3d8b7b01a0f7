// MCP servers at work: what is recorded of their calls and what is not, limits, and changes while Daybook runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { request } from "undici";
import { startDaybook } from "../support/daybook.ts";
import { until } from "../support/until.ts";
import { ACCEPT, AUTH, callTool, postMcp } from "./call.ts";
import { startScripted } from "./scripted-server.ts";

test("switched off, calls pass and leave no event; what a policy or Daybook refuses does", async (t) => {
  const server = await startScripted(t);
  const daybook = await startDaybook(t, {
    yaml: `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }
audit: { mcp: { enabled: false } }
policies: [{ name: never, match: { kind: mcp, name: never }, effect: deny }]
`,
  });
  for (const name of ["fine", "stream", "tool_error", "status_503"])
    await postMcp(daybook.url, callTool(name));
  assert.deepEqual(server.called, ["fine", "stream", "tool_error", "status_503"]);
  assert.deepEqual(await daybook.events("kind=mcp"), []);
  await postMcp(daybook.url, callTool("never"));
  await postMcp(daybook.url, "{");
  const events = await daybook.events("kind=mcp");
  assert.deepEqual(
    events.map(({ name, error_code }) => [name, error_code]),
    [
      ["never", "policy_denied"],
      [null, "invalid_request"],
    ],
  );
});

test("list calls leave events where that is asked for", async (t) => {
  const server = await startScripted(t);
  const daybook = await startDaybook(t, {
    yaml: `mcp: { audit_lists: true, servers: [{ name: scripted, url: "${server.url}" }] }\n`,
  });
  await postMcp(daybook.url, { jsonrpc: "2.0", id: 1, method: "tools/list" });
  await postMcp(daybook.url, { jsonrpc: "2.0", id: 1, method: "ping" });
  assert.deepEqual(
    (await daybook.events("kind=mcp")).map(({ action }) => action),
    ["list_tools"],
  );
});

test("limits count calls, and a call over one is refused before the server sees it", async (t) => {
  const server = await startScripted(t);
  const daybook = await startDaybook(t, {
    yaml: `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }\nquotas: { keys: { requests_per_minute: 2 } }\n`,
  });
  await postMcp(daybook.url, { jsonrpc: "2.0", id: 1, method: "ping" });
  const answers = [];
  for (let call = 0; call < 3; call++) answers.push(await postMcp(daybook.url, callTool("fine")));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 429],
  );
  const refused = JSON.parse(answers[2]?.text ?? "") as { id: number; error: { data: { code: string } } };
  assert.deepEqual([refused.id, refused.error.data.code], [1, "limit_exceeded"]);
  assert.ok(answers[2]?.headers["retry-after"] !== undefined);
  assert.equal(server.called.length, 2);
  const events = await daybook.events("kind=mcp");
  assert.deepEqual(
    events.map(({ status_code }) => status_code),
    [200, 200, 429],
  );
});

test("a server made, changed and taken away while Daybook runs is served so at once", async (t) => {
  const server = await startScripted(t);
  const daybook = await startDaybook(t);
  const ask = (method: "POST" | "PATCH" | "DELETE", path: string, body: object) =>
    daybook.ask(`/admin/mcp/servers${path}`, { method, body });
  const status = async () => (await postMcp(daybook.url, callTool("fine"))).status;
  assert.equal(await status(), 404);
  const made = await ask("POST", "", {
    name: "scripted",
    url: server.url,
    headers: { "X-Secret": "of-the-server" },
  });
  assert.equal(made.status, 201);
  assert.equal(made.text.includes("of-the-server"), false);
  assert.equal(await status(), 200);
  assert.equal(server.asked.at(-1)?.headers["x-secret"], "of-the-server");
  assert.equal(server.asked.at(-1)?.headers.authorization, undefined);
  assert.equal((await ask("PATCH", "/scripted", { url: "http://127.0.0.1:9/other" })).status, 400);
  await ask("PATCH", "/scripted", { enabled: false });
  assert.equal(await status(), 404);
  await ask("PATCH", "/scripted", { enabled: true });
  assert.equal(await status(), 200);
  const listed = JSON.parse((await daybook.get("/admin/mcp/servers/scripted")).text) as {
    health: { state: string; last_code: string };
    usage: { calls: number; failed: number; names: { name: string }[] };
  };
  assert.deepEqual([listed.health.state, listed.health.last_code], ["up", "ok"]);
  await daybook.settle();
  const all = JSON.parse((await daybook.get("/admin/mcp/servers")).text) as (typeof listed)[];
  assert.deepEqual([all[0]?.usage.calls, all[0]?.usage.names[0]?.name], [2, "fine"]);
  assert.equal((await ask("DELETE", "/scripted", {})).status, 204);
  assert.equal(await status(), 404);
});

test("a key keeps only so many streams open, in both eras, and one that ends makes room", async (t) => {
  const server = await startScripted(t);
  const servers = `[{ name: scripted, url: "${server.url}" }]`;
  const daybook = await startDaybook(t, { yaml: `mcp: { max_streams_per_key: 2, servers: ${servers} }\n` });
  const leaving = new AbortController();
  const listen = (signal?: AbortSignal) =>
    request(`${daybook.url}/mcp/scripted`, {
      headers: { ...AUTH, ...ACCEPT },
      ...(signal ? { signal } : {}),
    });
  const first = await listen(leaving.signal);
  const second = await listen();
  second.body.on("error", () => {});
  assert.deepEqual([first.statusCode, second.statusCode], [200, 200]);
  const third = await listen();
  const { error } = (await third.body.json()) as { error: { message: string; data: { code: string } } };
  assert.deepEqual([third.statusCode, error.data.code], [429, "limit_exceeded"]);
  assert.match(error.message, /2 streams open \(mcp\.max_streams_per_key\)/);
  const stateless = { jsonrpc: "2.0", id: 4, method: "subscriptions/listen", params: {} };
  assert.equal((await postMcp(daybook.url, stateless)).status, 429);
  assert.equal((await postMcp(daybook.url, callTool("fine"))).status, 200);
  first.body.on("error", () => {});
  leaving.abort();
  let again = await listen();
  await until(async () => {
    if (again.statusCode === 200) return true;
    await again.body.dump();
    again = await listen();
    return again.statusCode === 200;
  });
  again.body.on("error", () => {});
  const refusals = (await daybook.events("kind=mcp&error_code=limit_exceeded")).map(
    ({ error_type }) => error_type,
  );
  assert.ok(refusals.length >= 2 && refusals.every((type) => type === "open_streams"));
});
