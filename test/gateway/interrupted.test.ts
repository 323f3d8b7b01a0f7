// Streams that break: what the client is left with is whole events, and the last of them says so.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Routes } from "../../src/gateway/routes.ts";
import { startUpstream } from "../support/upstream.ts";
import { provider, route, serveGateway } from "./served-gateway.ts";

const MESSAGES = [{ role: "user", content: "hello" }];
const ENDPOINTS = [
  ["/v1/chat/completions", { messages: MESSAGES }, '{"choices":[{"index":0,"delta":{"content":"a"}}]}'],
  ["/v1/responses", { input: "hello" }, '{"type":"response.output_text.delta","delta":"a"}'],
  [
    "/v1/messages",
    { messages: MESSAGES, max_tokens: 9 },
    '{"type":"content_block_delta","delta":{"text":"a"}}',
  ],
] as const;

for (const mode of ["open", "strict"] as const) {
  for (const [path, body, data] of ENDPOINTS) {
    test(`${mode}: ${path}: after half an event the error is still an event of its own`, async (t) => {
      const event = `data: ${data}\n\n`;
      const upstream = await startUpstream(t, (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end(event + event.slice(0, 20));
      });
      const routes = new Routes([provider("up", upstream.url)], [route("m", ["up"])]);
      const gateway = await serveGateway(t, { routes, mode });
      const { text } = await gateway.post(path, { model: "m", stream: true, ...body });
      const events = text?.split("\n\n") ?? [];
      assert.deepEqual([events[0], events.at(-1)], [event.trimEnd(), ""]);
      const [, told = ""] = /^(?:event: error\n)?data: (.*)$/.exec(events[1] ?? "") ?? [];
      assert.equal((JSON.parse(told) as { error?: unknown }).error !== undefined, true);
      assert.equal(events.length, 3);
      const [recorded] = await gateway.events();
      assert.deepEqual([recorded?.error_code, recorded?.status_code], ["stream_interrupted", 502]);
      assert.equal(recorded?.streaming, true);
    });
  }
}
