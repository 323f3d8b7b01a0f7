// The completeness matrix at every other endpoint: whatever happens to a request, exactly one event, with the columns
// of the outcome table, in both modes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { request } from "undici";
import { openSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { assertOneEvent, type Columns, deadPort } from "../support/matrix.ts";
import { rawPost, sendRaw } from "../support/raw-socket.ts";
import { until } from "../support/until.ts";

interface Endpoint {
  readonly path: string;
  readonly action: string;
  /** Members beside the model. */
  readonly body: Record<string, unknown>;
  readonly bad: Record<string, unknown>;
  readonly streams: boolean;
  /** Of an answer that was asked for with TOKENS. */
  readonly usage: Columns;
  /** Of an answer whose provider tells nothing. */
  readonly untold: Columns;
}

const TOKENS = { prompt_tokens: 7, completion_tokens: 5 };
const MESSAGES = [{ role: "user", content: "How are you?" }];
const USAGE: Columns = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12, tokens_estimated: false };
const ESTIMATED: Columns = { tokens_estimated: true };
const NO_TOKENS: Columns = { prompt_tokens: null, completion_tokens: null, total_tokens: null };

// biome-ignore format: one endpoint, one line
const ENDPOINTS: readonly Endpoint[] = [
  { path: "/v1/completions", action: "completion", body: { prompt: "How are you?" }, bad: { prompt: "x", max_tokens: "many" }, streams: true, usage: USAGE, untold: ESTIMATED },
  { path: "/v1/embeddings", action: "embedding", body: { input: "How are you?" }, bad: { input: 7 }, streams: false, usage: { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 }, untold: ESTIMATED },
  { path: "/v1/responses", action: "response", body: { input: "How are you?" }, bad: { input: "x", stream: "yes" }, streams: true, usage: USAGE, untold: ESTIMATED },
  { path: "/v1/messages", action: "message", body: { messages: MESSAGES, max_tokens: 99 }, bad: { messages: "x" }, streams: true, usage: USAGE, untold: ESTIMATED },
  { path: "/v1/messages/count_tokens", action: "count_tokens", body: { messages: MESSAGES }, bad: { messages: "x" }, streams: false, usage: NO_TOKENS, untold: NO_TOKENS },
];

interface Case {
  readonly name: string;
  readonly simulate?: Record<string, unknown>;
  readonly stream?: boolean;
  readonly model?: string;
  readonly columns: Columns | ((endpoint: Endpoint) => Columns);
}

const failure = (error_code: string, status_code: number, more: Columns = {}): Columns => ({
  status: "error",
  error_code,
  status_code,
  ...more,
});
const OK: Columns = { status: "success", status_code: 200, error_code: null, error_message: null };

// biome-ignore format: one case, one line
const CASES: readonly Case[] = [
  { name: "ok", simulate: TOKENS, columns: ({ usage }) => ({ ...OK, ...usage, streaming: false, model: "demo", route: "demo", backend_type: "local", provider: "sim", method: "POST" }) },
  { name: "ok stream", simulate: TOKENS, stream: true, columns: ({ usage }) => ({ ...OK, ...usage, streaming: true }) },
  { name: "404 model", model: "nobody-serves-this", columns: failure("not_found", 404, { model: "nobody-serves-this", route: null }) },
  { name: "provider 4xx", simulate: { status: 422 }, columns: failure("provider_error", 422) },
  { name: "provider 429", simulate: { status: 429, error_type: "rate_limit_error" }, columns: failure("provider_error", 429, { error_type: "rate_limit_error" }) },
  { name: "provider 5xx", simulate: { status: 503 }, columns: failure("provider_error", 503) },
  { name: "provider 5xx on a stream", simulate: { status: 500 }, stream: true, columns: failure("provider_error", 500, { streaming: true }) },
  { name: "provider hangs", simulate: { failure: "hang" }, columns: failure("timeout", 504, { status: "timeout" }) },
  { name: "provider hangs mid-stream", simulate: { completion_tokens: 5, pace_ms: 60_000 }, stream: true, columns: failure("timeout", 504, { status: "timeout" }) },
  { name: "provider resets", simulate: { failure: "reset" }, columns: failure("provider_unreachable", 502) },
  { name: "provider refuses", model: "refused", columns: failure("provider_unreachable", 502, { error_type: "ECONNREFUSED", provider: "dead" }) },
  { name: "error within the stream", simulate: { failure: "mid_stream_error" }, stream: true, columns: failure("stream_interrupted", 502) },
  { name: "reset within the stream", simulate: { failure: "mid_stream_reset" }, stream: true, columns: failure("stream_interrupted", 502) },
  { name: "stream ends short", simulate: { failure: "truncated" }, stream: true, columns: failure("stream_interrupted", 502) },
  { name: "stream ends within an event", simulate: { failure: "truncated_json" }, stream: true, columns: failure("stream_interrupted", 502) },
  { name: "reset within JSON", simulate: { failure: "mid_stream_reset" }, columns: failure("stream_interrupted", 502) },
  { name: "JSON shorter than announced", simulate: { failure: "truncated" }, columns: failure("stream_interrupted", 502) },
  { name: "JSON cut", simulate: { failure: "truncated_json" }, columns: failure("stream_interrupted", 502) },
  { name: "usage missing", simulate: { failure: "no_usage" }, columns: ({ untold }) => ({ ...OK, ...untold }) },
  { name: "usage missing in a stream", simulate: { failure: "no_usage" }, stream: true, columns: ({ untold }) => ({ ...OK, ...untold }) },
  { name: "fallback", model: "fallback", simulate: TOKENS, columns: ({ usage }) => ({ ...OK, ...usage, provider: "sim" }) },
];

const AUTH = { Authorization: `Bearer ${API_KEY}` };
const untilHead = (text: string) => text.includes("\r\n\r\n");

for (const mode of ["open", "strict"] as const) {
  describe(`${mode} mode`, () => {
    let daybook: TestDaybook;
    let simulator: Simulator;
    const closers: (() => unknown)[] = [];

    before(async () => {
      simulator = await openSimulator();
      closers.push(() => simulator.close());
      const yaml = `
providers:
  - { name: sim, backend_type: local, protocols: [openai, anthropic], base_url: "${simulator.url}", retries: { max: 0 } }
  - { name: dead, backend_type: local, protocols: [openai, anthropic], base_url: "http://127.0.0.1:${await deadPort()}", retries: { max: 0 } }
routes:
  - { model: demo, providers: [{ provider: sim }] }
  - { model: refused, providers: [{ provider: dead }] }
  - { model: fallback, providers: [{ provider: dead }, { provider: sim, upstream_model: demo }] }
limits: { max_body_bytes: 65536 }
timeouts_ms: { chat: 400, completions: 400, embeddings: 400 }
audit: { modes: { inference: ${mode}, api: ${mode} } }
`;
      daybook = await startDaybook({ after: (close) => closers.push(close as () => unknown) }, { yaml });
    });

    after(async () => {
      for (const close of closers.reverse()) await close();
    });

    for (const endpoint of ENDPOINTS) {
      const { path, action, body, bad, streams } = endpoint;
      const about: Columns = { kind: "inference", action, endpoint: path };
      let number = 0;

      const cell = (name: string, columns: Columns, send: (requestId: string) => Promise<unknown>) => {
        const requestId = `${mode}-${action}-${number++}`;
        test(`one event: ${action}: ${name}`, async () => {
          await send(requestId);
          await assertOneEvent(daybook, requestId, { ...about, ...columns });
        });
      };

      const raw = (requestId: string, text: string, headers: Record<string, string>, until = untilHead) =>
        sendRaw(daybook.url, rawPost(path, text, { "x-request-id": requestId, ...headers }), until);

      const bodyOf = ({ simulate, stream = false, model = "demo" }: Omit<Case, "name" | "columns">) =>
        JSON.stringify({ model, ...body, ...(stream ? { stream } : {}), ...(simulate ? { simulate } : {}) });

      for (const { name, columns, ...asked } of CASES) {
        if (asked.stream && !streams) continue;
        cell(name, typeof columns === "function" ? columns(endpoint) : columns, async (requestId) => {
          const answer = await request(daybook.url + path, {
            method: "POST",
            headers: { authorization: `Bearer ${API_KEY}`, "x-request-id": requestId },
            body: bodyOf(asked),
          });
          assert.equal(answer.headers["x-request-id"], requestId);
          await answer.body.dump().catch(() => {});
        });
      }

      cell("401 no key", failure("unauthorized", 401), (id) => raw(id, bodyOf({}), {}));
      cell("401 wrong key", failure("unauthorized", 401, { error_type: "unknown" }), (id) =>
        raw(id, bodyOf({}), { "x-api-key": "dbk_nobody-has-this-key" }),
      );
      cell("405", failure("method_not_allowed", 405, { method: "GET" }), (id) =>
        sendRaw(daybook.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nx-request-id: ${id}\r\n\r\n`, untilHead),
      );
      cell("400 bad JSON", failure("invalid_request", 400), (id) => raw(id, "{", AUTH));
      cell("400 bad field", failure("invalid_request", 400), (id) =>
        raw(id, JSON.stringify({ model: "demo", ...bad }), AUTH),
      );
      cell("413", failure("payload_too_large", 413), (id) => raw(id, "x".repeat(70_000), AUTH));
      cell("no Host", failure("malformed_http", 400), (id) =>
        sendRaw(
          daybook.url,
          `POST ${path} HTTP/1.1\r\nx-request-id: ${id}\r\nContent-Length: 0\r\n\r\n`,
          untilHead,
        ),
      );
      const left = failure("client_disconnected", 499, { status: "cancelled" });
      cell("client leaves before the first byte", left, async (id) => {
        const { requests } = simulator.counts;
        const { socket } = await raw(id, bodyOf({ simulate: { failure: "hang" } }), AUTH, () => true);
        await until(() => simulator.counts.requests > requests);
        socket.destroy();
      });
      if (streams) {
        cell("client leaves mid-stream", left, async (id) => {
          const text = bodyOf({ stream: true, simulate: { completion_tokens: 50, pace_ms: 15 } });
          const { socket } = await raw(id, text, AUTH, (received) => received.includes("data: "));
          socket.destroy();
          if (!socket.closed) await once(socket, "close");
        });
      }
      cell("client leaves right after the last byte", { ...OK }, async (id) => {
        const text = bodyOf({ stream: streams, simulate: TOKENS });
        const { socket } = await raw(id, text, AUTH, (received) =>
          streams ? received.endsWith("\r\n0\r\n\r\n") : received.trimEnd().endsWith("}"),
        );
        socket.destroy();
        if (!socket.closed) await once(socket, "close");
      });
    }
  });
}
