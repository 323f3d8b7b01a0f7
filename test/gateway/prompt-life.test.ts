// A prompt may be large and its answer long: the one must not live as long as the other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { request } from "undici";
import { Routes } from "../../src/gateway/routes.ts";
import { startUpstream } from "../support/upstream.ts";
import { KEY, provider, route, serveGateway } from "./served-gateway.ts";

const STREAMS = 10;
const PROMPT_BYTES = 2_000_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("while an answer streams, nothing is kept of its prompt but what is still being sent", async (t) => {
  const upstream = await startUpstream(t, (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"choices":[{"index":0,"delta":{"content":"W"}}]}\n\n');
  });
  const routes = new Routes([provider("up", upstream.url)], [route("demo", ["up"])]);
  const gateway = await serveGateway(t, { routes, maxBodyBytes: 2 * PROMPT_BYTES });
  const before = usedBytes();
  // Letters beyond Latin-1: as text they would take two bytes each.
  const content = `€${"x".repeat(PROMPT_BYTES)}`;
  const body = Buffer.from(
    JSON.stringify({ model: "demo", stream: true, messages: [{ role: "user", content }] }),
  );
  const answers = [];
  for (let n = 0; n < STREAMS; n++) {
    const answer = await request(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body,
    });
    await answer.body[Symbol.asyncIterator]().next();
    answers.push(answer);
  }
  // The upstream of this test keeps each body, and the connection to it what it has sent.
  const prompts = (usedBytes() - before) / (STREAMS * body.length);
  assert.ok(prompts < 2.6, `each prompt is held ${prompts.toFixed(1)} times`);
  for (const { body: rest } of answers) rest.destroy();
});
