// The completeness matrix: whatever happens to a request, exactly one event, with the columns of the outcome
// table, in both modes. And after each cell the connection and the conservation law are as they should be.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { Client } from "undici";
import { openSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import {
  API_KEY,
  type ChatOptions,
  chat,
  chatBody,
  startDaybook,
  type TestDaybook,
} from "../support/daybook.ts";
import { assertConserved, assertOneEvent, type Columns, deadPort, eventsOf } from "../support/matrix.ts";
import { rawPost, sendRaw } from "../support/raw-socket.ts";
import { until } from "../support/until.ts";

interface Cell {
  readonly name: string;
  readonly send: (daybook: TestDaybook, requestId: string) => Promise<unknown>;
  readonly columns: Columns;
}

const AUTH = { Authorization: `Bearer ${API_KEY}` };
const CHAT = "/v1/chat/completions";
const DONE = "data: [DONE]";
const LAST_CHUNK = "\r\n0\r\n\r\n";

const ask = (options: ChatOptions) => (daybook: TestDaybook, requestId: string) =>
  chat(daybook.url, { ...options, headers: { "x-request-id": requestId, ...options.headers } });

const post =
  (body: string, headers: Record<string, string>, until?: (text: string) => boolean, path = CHAT) =>
  (daybook: TestDaybook, requestId: string) =>
    sendRaw(daybook.url, rawPost(path, body, { "x-request-id": requestId, ...headers }), until);

/** Sends a chat request, leaves when `until` is true of what came back, and waits until Daybook has noticed. */
const leave =
  (options: ChatOptions, until: (text: string) => boolean) =>
  async (daybook: TestDaybook, requestId: string) => {
    const { socket } = await post(chatBody(options), AUTH, until)(daybook, requestId);
    socket.destroy();
    if (!socket.closed) await once(socket, "close");
  };

const TOKENS = { prompt_tokens: 7, completion_tokens: 5 };
const USAGE: Columns = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
const OK: Columns = {
  kind: "inference",
  action: "chat",
  status: "success",
  status_code: 200,
  error_code: null,
  error_message: null,
  ...USAGE,
};
const failure = (error_code: string, status_code: number, more: Columns = {}): Columns => ({
  kind: "inference",
  action: "chat",
  status: "error",
  status_code,
  error_code,
  ...more,
});

// biome-ignore format: one cell, one line
const CELLS: readonly Cell[] = [
  { name: "ok", send: ask({ simulate: TOKENS }), columns: { ...OK, streaming: false, finish_reason: "stop", model: "demo", route: "demo", backend_type: "local", provider: "sim", method: "POST", endpoint: CHAT, caller: "http", attempts: null } },
  { name: "ok stream", send: ask({ stream: true, simulate: TOKENS }), columns: { ...OK, streaming: true, finish_reason: "stop" } },
  { name: "ok stream, usage asked for", send: ask({ stream: true, simulate: TOKENS, body: { stream_options: { include_usage: true } } }), columns: { ...OK, streaming: true } },
  { name: "ok, slow", send: ask({ stream: true, simulate: { ...TOKENS, first_byte_ms: 30, pace_ms: 5 } }), columns: OK },
  { name: "401 no key", send: post(chatBody(), {}, (text) => text.includes("\r\n\r\n")), columns: failure("unauthorized", 401, { model: null, api_key_id: null }) },
  { name: "401 wrong key", send: post(chatBody(), { Authorization: "Bearer dbk_nobody-has-this-key" }, (text) => text.includes("\r\n\r\n")), columns: failure("unauthorized", 401) },
  { name: "404 model", send: ask({ model: "nobody-serves-this" }), columns: failure("not_found", 404, { model: "nobody-serves-this", route: null }) },
  { name: "404 path", send: post("{}", AUTH, (text) => text.includes("\r\n\r\n"), "/v1/nothing/here?secret=x"), columns: failure("not_found", 404, { kind: "api", action: "request", endpoint: null }) },
  { name: "403 a policy denies", send: ask({ body: { max_tokens: 666 } }), columns: failure("policy_denied", 403, { policy_decision: "deny", policy_reason: "Not so many.", policies: '["not-666"]', provider: null, model: "demo" }) },
  { name: "403 a policy denies a stream", send: ask({ stream: true, body: { max_tokens: 666 } }), columns: failure("policy_denied", 403, { policy_decision: "deny", streaming: true, provider: null }) },
  { name: "405", send: (daybook, id) => sendRaw(daybook.url, `GET ${CHAT} HTTP/1.1\r\nHost: x\r\nx-request-id: ${id}\r\n\r\n`, (text) => text.includes("\r\n\r\n")), columns: failure("method_not_allowed", 405, { method: "GET" }) },
  { name: "400 bad JSON", send: post('{"model": "demo", ', AUTH, (text) => text.includes("\r\n\r\n")), columns: failure("invalid_request", 400, { model: null }) },
  { name: "400 bad field", send: post('{"model": "demo", "messages": "hi"}', AUTH, (text) => text.includes("\r\n\r\n")), columns: failure("invalid_request", 400) },
  { name: "400 member twice", send: post('{"model": "demo", "messages": [], "model": "other"}', AUTH, (text) => text.includes("\r\n\r\n")), columns: failure("invalid_request", 400) },
  { name: "413 announced", send: ask({ body: { padding: "x".repeat(70_000) } }), columns: failure("payload_too_large", 413) },
  { name: "413 found while reading", send: chunkedTooLarge, columns: failure("payload_too_large", 413) },
  { name: "provider 4xx", send: ask({ simulate: { status: 422 } }), columns: failure("provider_error", 422) },
  { name: "provider 429", send: ask({ simulate: { status: 429, retry_after: 3, error_type: "rate_limit_error" } }), columns: failure("provider_error", 429, { error_type: "rate_limit_error" }) },
  { name: "provider 5xx", send: ask({ simulate: { status: 503 } }), columns: failure("provider_error", 503) },
  { name: "provider 5xx on a stream", send: ask({ stream: true, simulate: { status: 500 } }), columns: failure("provider_error", 500, { streaming: true }) },
  { name: "provider hangs", send: ask({ simulate: { failure: "hang" } }), columns: { ...failure("timeout", 504), status: "timeout" } },
  { name: "provider hangs mid-stream", send: ask({ stream: true, simulate: { completion_tokens: 5, pace_ms: 60_000 } }), columns: { ...failure("timeout", 504), status: "timeout", streaming: true } },
  { name: "provider resets", send: ask({ simulate: { failure: "reset" } }), columns: failure("provider_unreachable", 502, { provider: "sim" }) },
  { name: "provider refuses", send: ask({ model: "refused" }), columns: failure("provider_unreachable", 502, { error_type: "ECONNREFUSED", provider: "dead" }) },
  { name: "error within the stream", send: ask({ stream: true, simulate: { ...TOKENS, failure: "mid_stream_error" } }), columns: failure("stream_interrupted", 502) },
  { name: "reset within the stream", send: ask({ stream: true, simulate: { ...TOKENS, failure: "mid_stream_reset" } }), columns: failure("stream_interrupted", 502) },
  { name: "reset within JSON", send: ask({ simulate: { ...TOKENS, failure: "mid_stream_reset" } }), columns: failure("stream_interrupted", 502) },
  { name: "stream ends short", send: ask({ stream: true, simulate: { ...TOKENS, failure: "truncated" } }), columns: failure("stream_interrupted", 502) },
  { name: "JSON shorter than announced", send: ask({ simulate: { ...TOKENS, failure: "truncated" } }), columns: failure("stream_interrupted", 502) },
  { name: "JSON cut", send: ask({ simulate: { ...TOKENS, failure: "truncated_json" } }), columns: failure("stream_interrupted", 502) },
  { name: "usage missing", send: ask({ simulate: { ...TOKENS, failure: "no_usage" } }), columns: { ...OK, prompt_tokens: 36, completion_tokens: 69, total_tokens: 105, tokens_estimated: true } },
  { name: "fallback after a refusal", send: ask({ model: "fallback", simulate: TOKENS }), columns: { ...OK, provider: "sim", backend_type: "local" } },
  { name: "fallback after a 5xx", send: ask({ model: "fallback-5xx", simulate: TOKENS }), columns: { ...OK, provider: "sim" } },
  { name: "fallback, all fail", send: ask({ model: "fallback", simulate: { status: 500 } }), columns: failure("provider_error", 500, { provider: "sim" }) },
  { name: "client leaves before the first byte", send: leaveBeforeFirstByte, columns: { ...failure("client_disconnected", 499), status: "cancelled" } },
  { name: "client leaves mid-stream", send: leave({ stream: true, simulate: { completion_tokens: 50, pace_ms: 20 } }, (text) => text.includes("data: ")), columns: { ...failure("client_disconnected", 499), status: "cancelled", streaming: true } },
  { name: "client leaves while sending", send: leaveWhileSending, columns: { ...failure("client_disconnected", 499), status: "cancelled", model: null } },
  { name: "client leaves right after the last byte of a stream", send: leave({ stream: true, simulate: TOKENS }, (text) => text.includes(DONE)), columns: OK },
  { name: "client leaves right after the last byte of the body", send: leave({ stream: true, simulate: TOKENS }, (text) => text.endsWith(LAST_CHUNK)), columns: OK },
  { name: "client leaves right after the last byte of JSON", send: leave({ simulate: TOKENS }, (text) => text.trimEnd().endsWith("}")), columns: OK },
  { name: "malformed body framing", send: (daybook, id) => sendRaw(daybook.url, `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nx-request-id: ${id}\r\nAuthorization: Bearer ${API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n`), columns: failure("malformed_http", 400) },
  { name: "no Host", send: (daybook, id) => sendRaw(daybook.url, `POST ${CHAT} HTTP/1.1\r\nx-request-id: ${id}\r\nContent-Length: 0\r\n\r\n`, (text) => text.includes("\r\n\r\n")), columns: failure("malformed_http", 400) },
  { name: "an expectation that nobody meets", send: post(chatBody({ simulate: TOKENS }), { ...AUTH, Expect: "the-unexpected" }, (text) => text.includes("\r\n\r\n")), columns: OK },
];

let upstream: Simulator;

/** Leaves when the provider has the request: nothing has come back, and nothing will. */
async function leaveBeforeFirstByte(daybook: TestDaybook, requestId: string) {
  const { requests } = upstream.counts;
  const { socket } = await post(
    chatBody({ simulate: { failure: "hang" } }),
    AUTH,
    () => true,
  )(daybook, requestId);
  await until(() => upstream.counts.requests > requests);
  socket.destroy();
}

async function chunkedTooLarge(daybook: TestDaybook, requestId: string) {
  const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
  const head = `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nx-request-id: ${requestId}\r\nAuthorization: Bearer ${API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const { text, socket } = await sendRaw(daybook.url, `${head}${chunk.repeat(8)}0\r\n\r\n`, (received) =>
    received.includes("\r\n\r\n"),
  );
  assert.match(text, /^HTTP\/1.1 413 /);
  socket.destroy();
}

async function leaveWhileSending(daybook: TestDaybook, requestId: string) {
  const head = rawPost(CHAT, "x".repeat(1000), { "x-request-id": requestId, ...AUTH }).slice(0, -500);
  const { socket } = await sendRaw(daybook.url, head, () => true);
  await sent(socket);
  socket.destroy();
}

function sent(socket: { write(text: string, done: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => socket.write("x", () => resolve()));
}

async function yaml(mode: "open" | "strict", broken: Simulator): Promise<string> {
  return `
providers:
  - { name: sim, backend_type: local, base_url: "${upstream.url}", retries: { max: 0 } }
  - { name: broken, backend_type: openai, base_url: "${broken.url}/v1/", api_key: upstream-secret, retries: { max: 0 } }
  - { name: dead, backend_type: openai, base_url: "http://127.0.0.1:${await deadPort()}", retries: { max: 0 } }
routes:
  - { model: demo, providers: [{ provider: sim }] }
  - { model: refused, providers: [{ provider: dead }] }
  - { model: fallback, providers: [{ provider: dead }, { provider: sim, upstream_model: demo }] }
  - { model: fallback-5xx, providers: [{ provider: broken }, { provider: sim, upstream_model: demo }] }
policies: [{ name: not-666, when: max_tokens == 666, effect: deny, reason: Not so many. }]
limits: { max_body_bytes: 65536 }
timeouts_ms: { chat: 400 }
audit: { modes: { inference: ${mode}, api: ${mode} } }
`;
}

for (const mode of ["open", "strict"] as const) {
  describe(`${mode} mode`, () => {
    let daybook: TestDaybook;
    const closers: (() => unknown)[] = [];

    before(async () => {
      upstream = await openSimulator();
      const broken = await openSimulator({ defaults: { status: 502 } });
      closers.push(
        () => upstream.close(),
        () => broken.close(),
      );
      daybook = await startDaybook(
        { after: (close) => closers.push(close as () => unknown) },
        { yaml: await yaml(mode, broken) },
      );
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

    test("one event each: a connection that is used again after every kind of end", async () => {
      const client = new Client(daybook.url);
      const bodies = [
        chatBody({ simulate: TOKENS }),
        chatBody({ stream: true, simulate: TOKENS }),
        "{bad",
        chatBody({ model: "none" }),
        chatBody({ simulate: { status: 500 } }),
        chatBody({ simulate: { failure: "no_usage" } }),
      ];
      const before = (await daybook.events()).length;
      for (const [index, body] of [...bodies, ...bodies].entries()) {
        const answer = await client.request({
          method: "POST",
          path: CHAT,
          body,
          headers: { authorization: `Bearer ${API_KEY}`, "x-request-id": `${mode}-reuse-${index}` },
        });
        await answer.body.dump();
      }
      assert.equal((await daybook.events()).length, before + 2 * bodies.length);
      await client.close();
      assertConserved(daybook);
    });

    test("one event: bytes that are no HTTP, and a CONNECT", async () => {
      for (const bytes of [
        "\x16\x03\x01 this is no HTTP\r\n\r\n",
        "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
        "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
      ]) {
        const before = await daybook.events();
        await sendRaw(daybook.url, bytes);
        const news = (await daybook.events()).slice(before.length);
        assert.deepEqual(
          news.map(({ kind, status_code }) => [kind, status_code]),
          [["api", bytes.startsWith("CONNECT") ? 405 : 400]],
        );
      }
      assertConserved(daybook);
    });

    test("the request's id is in the header, in the body of our own errors and in the event", async () => {
      const { headers, text } = await chat(daybook.url, {
        model: "none",
        headers: { traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01` },
      });
      const { request_id } = JSON.parse(text ?? "") as { request_id: string };
      assert.equal(headers["x-request-id"], request_id);
      const [event] = await eventsOf(daybook, request_id);
      assert.deepEqual(
        [event?.request_id, event?.trace_id, headers["x-trace-id"]],
        [request_id, "ab".repeat(16), "ab".repeat(16)],
      );
    });
  });
}
