// What a client with a key, or a server, may try: to have another message executed than is judged, to go on with a
// session of somebody else's, to learn a key, to fill the memory.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { request } from "undici";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { startUpstream } from "../support/upstream.ts";
import { AUTH, callTool, postMcp } from "./call.ts";
import { startScripted } from "./scripted-server.ts";

const DENY = `policies: [{ name: no-delete, match: { kind: mcp, name: delete }, effect: deny }]\n`;
const behind = (t: TestContext, url: string, more = "") =>
  startDaybook(t, { yaml: `mcp: { servers: [{ name: scripted, url: "${url}" }] }\n${more}` });

async function otherKey(daybook: TestDaybook): Promise<Record<string, string>> {
  const user = JSON.parse(
    (await daybook.ask("/admin/users", { method: "POST", body: { name: "eve" } })).text,
  ) as { id: string };
  const made = await daybook.ask("/admin/api-keys", {
    method: "POST",
    body: { name: "other", user_id: user.id },
  });
  return { authorization: `Bearer ${(JSON.parse(made.text) as { secret: string }).secret}` };
}

test("a body that its Content-Type gives another charset is refused", async (t) => {
  const server = await startScripted(t);
  const daybook = await behind(t, server.url, DENY);
  // As UTF-7, which some servers' readers take, +ACI- is a quotation mark.
  const body = callTool("fine", { x: "+ACIAfQAs-+ACI-name+ACI-:+ACI-delete+ACI-" });
  for (const charset of ["utf-7", '"utf-7"', "UTF-16le", "utf-8; charset=utf-7"]) {
    const headers = { "content-type": `application/json; charset=${charset}` };
    assert.equal((await postMcp(daybook.url, body, { headers })).status, 400, charset);
  }
  assert.deepEqual(server.called, []);
  for (const charset of ["utf-8", "UTF-8", '"utf-8"']) {
    const headers = { "content-type": `application/json;charset=${charset}` };
    assert.equal((await postMcp(daybook.url, callTool("fine"), { headers })).status, 200, charset);
  }
  const codes = (await daybook.events("kind=mcp")).map(({ error_code }) => error_code);
  assert.deepEqual(codes, [...Array(4).fill("invalid_request"), null, null, null]);
});

test("an execution without an id, which nobody would see, is refused", async (t) => {
  const server = await startScripted(t);
  const daybook = await behind(t, server.url, DENY);
  for (const method of ["tools/call", "resources/read", "prompts/get"]) {
    const { status } = await postMcp(daybook.url, { jsonrpc: "2.0", method, params: { name: "delete" } });
    assert.equal(status, 400, method);
  }
  assert.equal(server.asked.length, 0);
  assert.equal((await daybook.events("kind=mcp")).length, 3);
});

test("a session is its key's: another key neither reads it, nor calls off what runs in it, nor ends it", async (t) => {
  const server = await startUpstream(t, (response, { method, body }) => {
    if (method !== "POST") return void response.writeHead(200, { "content-type": "text/event-stream" }).end();
    const { id } = JSON.parse(body.toString()) as { id: unknown };
    response.writeHead(200, { "content-type": "application/json", "mcp-session-id": "s-of-ana" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result: {} }));
  });
  const daybook = await behind(t, server.url);
  const eve = await otherKey(daybook);
  await postMcp(daybook.url, { jsonrpc: "2.0", id: 0, method: "initialize", params: {} });
  const before = server.asked.length;
  const session = { "mcp-session-id": "s-of-ana" };
  const off = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
  const hers = { headers: { ...eve, ...session } };
  assert.equal((await postMcp(daybook.url, off, hers)).status, 404);
  assert.equal((await postMcp(daybook.url, callTool("fine"), hers)).status, 404);
  for (const method of ["GET", "DELETE"] as const) {
    const { statusCode, body } = await request(`${daybook.url}/mcp/scripted`, { method, ...hers });
    await body.dump();
    assert.equal(statusCode, 404, method);
  }
  assert.equal(server.asked.length, before);
  assert.equal((await postMcp(daybook.url, callTool("fine"), { headers: session })).status, 200);
  const events = await daybook.events("kind=mcp");
  assert.deepEqual(
    events.map(({ error_code, error_type }) => [error_code, error_type]),
    [...Array(4).fill(["not_found", "unknown_session"]), [null, null]],
  );
});

test("a key or token of Daybook's never reaches a server, in whichever header it comes", async (t) => {
  const server = await startScripted(t);
  const daybook = await behind(t, server.url);
  const shown = [AUTH.authorization, API_KEY, "Bearer dbt_of-somebody-else-0123456789"];
  for (const authorization of shown)
    await postMcp(daybook.url, callTool("fine"), { headers: { authorization, "x-api-key": API_KEY } });
  assert.ok(server.asked.length >= shown.length);
  for (const { headers } of server.asked) assert.doesNotMatch(JSON.stringify(headers), /db[kts]_/);
});

test("calls at once to a tool that no list has shown all wait for its schema", async (t) => {
  const list = Promise.withResolvers<void>();
  const listing = Promise.withResolvers<void>();
  const inputSchema = { type: "object", properties: { phrase: { type: "string", sensitive: true } } };
  const server = await startUpstream(t, async (response, { body }) => {
    const { id, method } = JSON.parse(body.toString()) as { id: unknown; method: string };
    const isList = method === "tools/list";
    if (isList) {
      listing.resolve();
      await list.promise;
    }
    const result = isList ? { tools: [{ name: "act", inputSchema }] } : { content: [] };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  const daybook = await behind(t, server.url);
  const call = (id: number) => postMcp(daybook.url, callTool("act", { phrase: "sesame" }, {}, id));
  const first = call(1);
  await listing.promise;
  const others = [call(2), call(3)];
  // It has been read by the time that what came after it is answered.
  await postMcp(daybook.url, { jsonrpc: "2.0", method: "tools/call", params: {} });
  list.resolve();
  await Promise.all([first, ...others]);
  const events = await daybook.events("kind=mcp&action=tool");
  assert.deepEqual(
    events.map(({ input_json }) => input_json),
    Array(3).fill('{"phrase":"[REDACTED]"}'),
  );
});

test("an answer of messages without end passes, and is not kept", async (t) => {
  const part = Buffer.from("{}".repeat(32_768));
  const server = await startUpstream(t, async (response, { body }) => {
    const { id, method } = JSON.parse(body.toString()) as { id: unknown; method: string };
    response.writeHead(200, { "content-type": "application/json" });
    if (method !== "tools/list") {
      response.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{}}`);
      for (let sent = 0; sent < 64 << 20; sent += part.length)
        if (!response.write(part)) await once(response, "drain");
    }
    response.end();
  });
  const daybook = await behind(t, server.url);
  const before = process.memoryUsage().heapUsed;
  const answer = await request(`${daybook.url}/mcp/scripted`, {
    method: "POST",
    headers: { ...AUTH, "content-type": "application/json" },
    body: JSON.stringify(callTool("fine")),
  });
  let most = 0;
  for await (const _ of answer.body) most = Math.max(most, process.memoryUsage().heapUsed);
  assert.ok(most - before < 256 << 20, `${most - before} bytes more`);
  assert.equal((await daybook.events("kind=mcp"))[0]?.status, "success");
});
