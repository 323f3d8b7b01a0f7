// The completeness matrix of MCP: whatever happens to a call, exactly one event, with the columns of the outcome table,
// in both modes; and requests that leave none leave none.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { request } from "undici";
import { ACCEPT, AUTH, callTool, postMcp } from "../mcp/call.ts";
import { ok, type ScriptedServer, sse, startScripted } from "../mcp/scripted-server.ts";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { assertConserved, assertOneEvent, type Columns, deadPort, eventsOf } from "../support/matrix.ts";
import { rawPost, sendRaw } from "../support/raw-socket.ts";
import { until } from "../support/until.ts";

interface Cell {
  readonly name: string;
  readonly send: (daybook: TestDaybook, requestId: string) => Promise<unknown>;
  readonly columns: Columns;
}

const PATH = "/mcp/scripted";
const HEAD = (text: string) => text.includes("\r\n\r\n");

const callOf = (name: string, more: object = {}, id: unknown = 1) => callTool(name, undefined, more, id);
const post = (daybook: TestDaybook, body: unknown, options: Parameters<typeof postMcp>[2] = {}) =>
  postMcp(daybook.url, body, options);

const call =
  (name: string, more: { path?: string; headers?: Record<string, string> } = {}) =>
  (daybook: TestDaybook, id: string) =>
    post(daybook, callOf(name), { ...more, headers: { "x-request-id": id, ...more.headers } });

const raw =
  (body: string, headers: Record<string, string>, until?: (text: string) => boolean, path = PATH) =>
  (daybook: TestDaybook, id: string) =>
    sendRaw(daybook.url, rawPost(path, body, { "x-request-id": id, ...headers }), until);

/** Leaves when `until` is true of what came back. */
const leave =
  (name: string, until: (text: string) => boolean) => async (daybook: TestDaybook, id: string) => {
    const { socket } = await raw(JSON.stringify(callOf(name)), { ...AUTH, ...ACCEPT }, until)(daybook, id);
    socket.destroy();
    if (!socket.closed) await once(socket, "close");
  };

const TOOL: Columns = {
  kind: "mcp",
  action: "tool",
  provider: "scripted",
  method: "POST",
  endpoint: "/mcp/{server}",
  caller: "http",
};
const OK: Columns = { ...TOOL, status: "success", status_code: 200, error_code: null, error_message: null };
const failure = (error_code: string, status_code: number, more: Columns = {}): Columns => ({
  ...TOOL,
  status: "error",
  status_code,
  error_code,
  ...more,
});
const refused = (error_code: string, status_code: number, more: Columns = {}): Columns => ({
  kind: "mcp",
  action: "request",
  status: "error",
  status_code,
  error_code,
  endpoint: "/mcp/{server}",
  ...more,
});

// biome-ignore format: one cell, one line
const CELLS: readonly Cell[] = [
  { name: "ok", send: call("fine"), columns: { ...OK, name: "fine", input_json: '{"city":"Zug"}', redactions: 0 } },
  { name: "ok stream", send: call("stream"), columns: { ...OK, name: "stream" } },
  { name: "ok, the key as x-api-key", send: call("fine", { headers: { authorization: "Bearer of-the-server", "x-api-key": API_KEY } }), columns: OK },
  { name: "protocol error", send: call("protocol_error"), columns: failure("protocol_error", 200, { error_type: "jsonrpc.-32602" }) },
  { name: "protocol error with a status", send: call("status_400_rpc"), columns: failure("protocol_error", 400) },
  { name: "isError", send: call("tool_error"), columns: failure("tool_error", 200) },
  { name: "isError in a stream", send: call("stream_tool_error"), columns: failure("tool_error", 200) },
  { name: "server 4xx", send: call("status_400"), columns: failure("provider_error", 400) },
  { name: "server 5xx", send: call("status_503"), columns: failure("provider_error", 503) },
  { name: "server refuses the connection", send: call("fine", { path: "/mcp/dead" }), columns: failure("provider_unreachable", 502, { provider: "dead", error_type: "ECONNREFUSED" }) },
  { name: "server resets before an answer", send: resetBefore, columns: failure("provider_unreachable", 502) },
  { name: "server resets mid-body", send: call("cut"), columns: failure("stream_interrupted", 502) },
  { name: "server resets mid-stream", send: call("stream_reset"), columns: failure("stream_interrupted", 502) },
  { name: "a stream that ends without the answer", send: call("stream_short"), columns: failure("stream_interrupted", 502) },
  { name: "accepted, and never answered", send: call("no_answer"), columns: failure("stream_interrupted", 502, { error_type: "no_answer" }) },
  { name: "server hangs", send: call("hang"), columns: { ...failure("timeout", 504), status: "timeout" } },
  { name: "server hangs mid-stream", send: call("stream_open"), columns: { ...failure("timeout", 504), status: "timeout" } },
  { name: "401 no key", send: raw(JSON.stringify(callOf("fine")), ACCEPT, HEAD), columns: refused("unauthorized", 401, { api_key_id: null }) },
  { name: "401 wrong key", send: raw(JSON.stringify(callOf("fine")), { ...ACCEPT, authorization: "Bearer dbk_nobody-has-this-key" }, HEAD), columns: refused("unauthorized", 401) },
  { name: "404 server", send: call("fine", { path: "/mcp/nobody" }), columns: refused("not_found", 404) },
  { name: "405", send: (daybook, id) => request(`${daybook.url}${PATH}`, { method: "PUT", headers: { ...AUTH, "x-request-id": id } }).then(({ body }) => body.dump()), columns: refused("method_not_allowed", 405) },
  { name: "400 bad JSON", send: raw('{"jsonrpc": "2.0", ', { ...AUTH, ...ACCEPT }, HEAD), columns: refused("invalid_request", 400) },
  { name: "400 no JSON-RPC", send: raw('{"method":"tools/call","id":1}', { ...AUTH, ...ACCEPT }, HEAD), columns: refused("invalid_request", 400) },
  { name: "400 an argument twice", send: raw('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"p":1,"p":2}}}', { ...AUTH, ...ACCEPT }, HEAD), columns: refused("invalid_request", 400) },
  { name: "400 a name in other letters", send: raw('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"a"}}', { ...AUTH, ...ACCEPT }, HEAD), columns: refused("invalid_request", 400) },
  { name: "400 headers are not what the body says", send: mismatched, columns: refused("invalid_request", 400, { error_type: "header_mismatch" }) },
  { name: "413", send: (daybook, id) => post(daybook, callOf("fine", { arguments: { text: "x".repeat(70_000) } }), { headers: { "x-request-id": id } }), columns: refused("payload_too_large", 413) },
  { name: "malformed body framing", send: (daybook, id) => sendRaw(daybook.url, `POST ${PATH} HTTP/1.1\r\nHost: x\r\nx-request-id: ${id}\r\nAuthorization: Bearer ${API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n`), columns: refused("malformed_http", 400) },
  { name: "no Host", send: (daybook, id) => sendRaw(daybook.url, `POST ${PATH} HTTP/1.1\r\nx-request-id: ${id}\r\nContent-Length: 0\r\n\r\n`, HEAD), columns: refused("malformed_http", 400) },
  { name: "client leaves while it sends", send: leaveWhileSending, columns: refused("client_disconnected", 499, { status: "cancelled" }) },
  { name: "client leaves before the answer", send: leaveBefore, columns: { ...failure("client_disconnected", 499), status: "cancelled" } },
  { name: "client leaves mid-stream", send: leave("stream_open:left", (text) => text.includes("data:")), columns: { ...failure("client_disconnected", 499), status: "cancelled" } },
  { name: "client leaves after the last byte", send: leave("fine", (text) => text.trimEnd().endsWith("}")), columns: OK },
  { name: "client leaves after the last byte of a stream", send: leave("stream", (text) => text.endsWith("0\r\n\r\n")), columns: OK },
  { name: "client calls it off", send: callOff, columns: { ...failure("client_disconnected", 499), status: "cancelled", error_type: "cancelled", session_id: "s1" } },
  { name: "answered on the stream that a client goes on with", send: resume, columns: { ...OK, name: "stream_resumable" } },
  { name: "a session that ends before a stream is gone on with", send: resumeInVain, columns: failure("stream_interrupted", 502, { error_type: "session_ended" }) },
  { name: "resource", send: asks("resources/read", { uri: "file:///notes/1?q=secret" }), columns: { ...OK, action: "resource", name: "file:///notes/1" } },
  { name: "prompt", send: asks("prompts/get", { name: "greet", arguments: { who: "Ana" } }), columns: { ...OK, action: "prompt", name: "greet", input_json: '{"who":"Ana"}' } },
  { name: "what is neither", send: asks("completion/complete", { ref: { type: "ref/prompt", name: "x" } }), columns: { ...OK, action: "complete", name: null, input_json: null } },
  { name: "an unknown method", send: asks("my/secret-method", {}), columns: { ...OK, action: "request", name: null } },
];

let server: ScriptedServer;

function asks(method: string, params: object) {
  return (daybook: TestDaybook, id: string) =>
    post(daybook, { jsonrpc: "2.0", id: 1, method, params }, { headers: { "x-request-id": id } });
}

async function mismatched(daybook: TestDaybook, id: string) {
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "other" };
  const { status, text } = await post(daybook, callOf("fine", { _meta: meta }), {
    headers: { "x-request-id": id, ...headers },
  });
  assert.equal(status, 400);
  assert.equal((JSON.parse(text ?? "") as { error: { code: number } }).error.code, -32_020);
}

async function resetBefore(daybook: TestDaybook, id: string) {
  const answer = call("hang:reset")(daybook, id);
  await until(() => server.open.has("hang:reset"));
  server.open.get("hang:reset")?.destroy();
  await answer;
  (server.open as Map<string, unknown>).delete("hang:reset");
}

async function leaveWhileSending(daybook: TestDaybook, id: string) {
  const text = rawPost(PATH, "x".repeat(1000), { "x-request-id": id, ...AUTH }).slice(0, -500);
  const { socket } = await sendRaw(daybook.url, text, () => true);
  await until(() => daybook.server.recorder !== null && socket.writableLength === 0);
  socket.destroy();
}

async function leaveBefore(daybook: TestDaybook, id: string) {
  const { socket } = await raw(
    JSON.stringify(callOf("hang:left")),
    { ...AUTH, ...ACCEPT },
    () => true,
  )(daybook, id);
  await until(() => server.open.has("hang:left"));
  (server.open as Map<string, unknown>).delete("hang:left");
  socket.destroy();
}

async function callOff(daybook: TestDaybook, id: string) {
  const session = { "mcp-session-id": "s1" };
  const { socket } = await raw(
    JSON.stringify(callOf("stream_open:off", {}, "call-7")),
    { ...AUTH, ...ACCEPT, ...session },
    (text) => text.includes("data:"),
  )(daybook, id);
  const params = { requestId: "call-7", reason: "enough" };
  const { status } = await post(
    daybook,
    { jsonrpc: "2.0", method: "notifications/cancelled", params },
    { headers: session },
  );
  assert.equal(status, 202);
  socket.destroy();
}

async function resume(daybook: TestDaybook, id: string) {
  const headers = { "mcp-session-id": `resumed-${id}` };
  await post(daybook, callOf("stream_resumable", {}, 5), { headers: { "x-request-id": id, ...headers } });
  (server.open as Map<string, unknown>).delete("GET");
  const stream = await request(daybook.url + PATH, {
    headers: { ...AUTH, ...headers, accept: "text/event-stream", "last-event-id": "1" },
  });
  stream.body.on("error", () => {}).resume();
  await until(() => server.open.has("GET"));
  server.open.get("GET")?.end(sse(ok(5), "2"));
}

async function resumeInVain(daybook: TestDaybook, id: string) {
  const headers = { "mcp-session-id": `vain-${id}` };
  await post(daybook, callOf("stream_resumable", {}, 5), { headers: { "x-request-id": id, ...headers } });
  const ended = await request(daybook.url + PATH, { method: "DELETE", headers: { ...AUTH, ...headers } });
  await ended.body.dump();
}

for (const mode of ["open", "strict"] as const) {
  describe(`${mode} mode`, () => {
    let daybook: TestDaybook;
    const closers: (() => unknown)[] = [];

    before(async () => {
      const t = { after: (close: unknown) => void closers.push(close as () => unknown) } as never;
      server = await startScripted(t);
      const dead = await deadPort();
      daybook = await startDaybook(t, {
        yaml: `
mcp:
  servers:
    - { name: scripted, url: "${server.url}/mcp", timeout_ms: 400 }
    - { name: dead, url: "http://127.0.0.1:${dead}/mcp" }
limits: { max_body_bytes: 65536 }
audit: { modes: { mcp: ${mode} } }
`,
      });
    });

    after(async () => {
      for (const close of closers.reverse()) await close();
    });

    for (const [index, { name, send, columns }] of CELLS.entries()) {
      test(`one event: ${name}`, async () => {
        const requestId = `${mode}-${index}`;
        await send(daybook, requestId);
        await assertOneEvent(daybook, requestId, columns);
      });
    }

    test("one event for each call of a batch, each with its own outcome", async () => {
      const id = `${mode}-batch`;
      const batch = [
        callOf("fine", {}, 1),
        { jsonrpc: "2.0", method: "notifications/x" },
        callOf("tool_error", {}, 2),
        callOf("protocol_error", {}, "3"),
      ];
      const { text } = await post(daybook, batch, { headers: { "x-request-id": id } });
      assert.equal((JSON.parse(text ?? "") as unknown[]).length, 3);
      const events = await eventsOf(daybook, id);
      assert.deepEqual(events.map(({ name, status, error_code }) => [name, status, error_code]).sort(), [
        ["fine", "success", null],
        ["protocol_error", "error", "protocol_error"],
        ["tool_error", "error", "tool_error"],
      ]);
      assertConserved(daybook);
    });

    test("calls of a chain name the event that they belong to, and their trace", async () => {
      await post(daybook, callOf("fine"), { headers: { "x-request-id": `${mode}-chain-1` } });
      const [first] = await eventsOf(daybook, `${mode}-chain-1`);
      const trace = "ab".repeat(16);
      const _meta = {
        "daybook/parent_event_id": first?.event_id,
        traceparent: `00-${trace}-${"cd".repeat(8)}-01`,
      };
      await post(daybook, callOf("fine", { _meta }), { headers: { "x-request-id": `${mode}-chain-2` } });
      await assertOneEvent(daybook, `${mode}-chain-2`, {
        parent_event_id: first?.event_id ?? "",
        trace_id: trace,
      });
    });

    test("no event: initialize, ping, lists, notifications, answers of the client, and streams of the server", async () => {
      const before = (await daybook.events()).length;
      for (const method of [
        "initialize",
        "ping",
        "tools/list",
        "prompts/list",
        "resources/list",
        "server/discover",
      ])
        await post(daybook, { jsonrpc: "2.0", id: 1, method, params: {} });
      await post(daybook, { jsonrpc: "2.0", method: "notifications/initialized" });
      await post(daybook, { jsonrpc: "2.0", id: 9, result: { roots: [] } });
      const stream = await request(daybook.url + PATH, { headers: { ...AUTH, accept: "text/event-stream" } });
      stream.body.on("error", () => {}).destroy();
      assert.equal((await daybook.events()).length, before);
      assertConserved(daybook);
    });

    test("one event each: a connection that is used again after every kind of end", async () => {
      const names = [
        "fine",
        "stream",
        "tool_error",
        "status_503",
        "protocol_error",
        "stream_short",
        "no_answer",
      ];
      const before = (await daybook.events()).length;
      for (const name of [...names, ...names]) await post(daybook, callOf(name));
      assert.equal((await daybook.events()).length, before + 2 * names.length);
      assertConserved(daybook);
    });
  });
}
