import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { chat, startDaybook } from "../support/daybook.ts";
import { startUpstream } from "../support/upstream.ts";

const chunk = (members: object) => `data: ${JSON.stringify({ model: "served", ...members })}\n\n`;
/** As Mistral ends its streams: with the usage unasked, in the last chunk of the answer itself. */
const STREAM =
  chunk({ choices: [{ index: 0, delta: { content: "At nine." }, finish_reason: null }] }) +
  chunk({
    choices: [{ index: 0, delta: { content: "" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
  }) +
  "data: [DONE]\n\n";

function answerStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(STREAM);
}

test("a provider that refuses to be asked for a stream's usage is not asked", async (t) => {
  const upstream = await startUpstream(t, answerStream);
  const provider = (name: string, more: string) =>
    `  - { name: ${name}, protocols: [openai], base_url: "${upstream.url}"${more} }\n`;
  const route = (name: string) => `  - { model: ${name}-model, providers: [{ provider: ${name} }] }\n`;
  const daybook = await startDaybook(t, {
    yaml: `providers:\n${provider("mistral", "")}${provider("told", ", backend_type: acme, ask_usage: false")}${provider("other", ", backend_type: acme")}routes:\n${["mistral", "told", "other"].map(route).join("")}`,
  });
  for (const name of ["mistral", "told", "other"]) {
    const { status, text } = await chat(daybook.url, {
      model: `${name}-model`,
      stream: true,
      headers: { "x-request-id": name },
    });
    assert.deepEqual([status, text], [200, STREAM]);
    const [event] = await daybook.events(`request_id=${name}`);
    assert.deepEqual(
      [event?.prompt_tokens, event?.completion_tokens, event?.tokens_estimated],
      [9, 4, false],
    );
  }
  const asked = upstream.asked.map(({ body }) => "stream_options" in JSON.parse(body.toString()));
  assert.deepEqual(asked, [false, false, true]);
});
