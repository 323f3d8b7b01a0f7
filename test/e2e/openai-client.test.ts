// The official client, unchanged, against the running server; and each of its calls in the trail and in the CLI.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { EventJson } from "../../src/event/json.ts";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";

/** The client's shape, as far as these tests use it: the package is fetched for tests alone. */
interface Chunk {
  readonly choices: {
    readonly delta: { readonly content?: string; readonly tool_calls?: unknown[] };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly total_tokens: number } | null;
}
interface Completion {
  readonly _request_id?: string;
  readonly choices: {
    readonly message: {
      readonly content: string | null;
      readonly tool_calls?: { function: { name: string } }[];
    };
    readonly finish_reason: string;
  }[];
  readonly usage: { readonly total_tokens: number };
}
type Stream = AsyncIterable<Chunk> & { readonly controller: AbortController };
interface OpenAI {
  readonly chat: {
    readonly completions: { create(body: object, options?: object): Promise<Completion & Stream> };
  };
}

const engines = createRequire(new URL("../engines/package.json", import.meta.url));
const { OpenAI: Client } = engines("openai") as { OpenAI: new (options: object) => OpenAI };

const MESSAGES = [{ role: "user", content: "How are you?" }];
const SIZES = { prompt_tokens: 11, completion_tokens: 4 };

let daybook: TestDaybook;
let client: OpenAI;
const closers: (() => unknown)[] = [];

before(async () => {
  daybook = await startDaybook({ after: (close) => closers.push(close as () => unknown) });
  client = new Client({ apiKey: API_KEY, baseURL: `${daybook.url}/v1`, maxRetries: 0 });
});

after(async () => {
  for (const close of closers.reverse()) await close();
});

async function newest(): Promise<EventJson | undefined> {
  return (await daybook.events("kind=inference")).at(-1);
}

test("plain: the answer is the provider's, and the event has its tokens", async () => {
  const answer = await client.chat.completions.create({ model: "demo", messages: MESSAGES, simulate: SIZES });
  assert.equal(answer.usage.total_tokens, 15);
  const event = await newest();
  assert.deepEqual(
    [event?.status, event?.total_tokens, event?.finish_reason, event?.request_id],
    ["success", 15, "stop", answer._request_id],
  );
});

test("stream: every chunk arrives, the usage that Daybook asked for stays with it", async () => {
  const stream = await client.chat.completions.create({
    model: "demo",
    messages: MESSAGES,
    stream: true,
    simulate: SIZES,
  });
  const chunks: Chunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, "stop");
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  const event = await newest();
  assert.deepEqual([event?.streaming, event?.prompt_tokens, event?.completion_tokens], [true, 11, 4]);
  assert.notEqual(event?.ttft_ms, null);
});

test("stream with usage: the client gets the chunk that it asked for", async () => {
  const body = {
    model: "demo",
    messages: MESSAGES,
    stream: true,
    stream_options: { include_usage: true },
    simulate: SIZES,
  };
  let usage: Chunk["usage"];
  for await (const chunk of await client.chat.completions.create(body)) usage = chunk.usage ?? usage;
  assert.equal(usage?.total_tokens, 15);
  assert.equal((await newest())?.total_tokens, 15);
});

test("tools, plain and streamed", async () => {
  const tools = [
    {
      type: "function",
      function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
    },
  ];
  const body = { model: "demo", messages: MESSAGES, tools, tool_choice: "required" };
  const answer = await client.chat.completions.create(body);
  assert.equal(answer.choices[0]?.message.tool_calls?.[0]?.function.name, "weather");
  assert.equal((await newest())?.finish_reason, "tool_calls");
  let deltas = 0;
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true }))
    deltas += chunk.choices[0]?.delta.tool_calls?.length ?? 0;
  assert.ok(deltas > 0);
  assert.deepEqual([(await newest())?.finish_reason, (await newest())?.streaming], ["tool_calls", true]);
});

test("structured output, as the client asks for it and reads it", async () => {
  const schema = { name: "answer", strict: true, schema: { type: "object", properties: {} } };
  const response_format = { type: "json_schema", json_schema: schema };
  const answer = await client.chat.completions.create({ model: "demo", messages: MESSAGES, response_format });
  assert.equal(JSON.parse(answer.choices[0]?.message.content ?? "").simulated, true);
  assert.equal((await newest())?.status, "success");
});

test("abort: the stream ends upstream too, and the event says who left", async () => {
  const stream = await client.chat.completions.create({
    model: "demo",
    messages: MESSAGES,
    stream: true,
    simulate: { completion_tokens: 5000, pace_ms: 5 },
  });
  for await (const _ of stream) break;
  stream.controller.abort();
  let event = await newest();
  while (event?.streaming !== true || event.status === "success") event = await newest();
  assert.deepEqual(
    [event.status, event.status_code, event.error_code],
    ["cancelled", 499, "client_disconnected"],
  );
});

test("errors are the client's own classes, and carry the request id", async () => {
  const wrongKey = new Client({ apiKey: "dbk_nobody", baseURL: `${daybook.url}/v1`, maxRetries: 0 });
  await assert.rejects(wrongKey.chat.completions.create({ model: "demo", messages: MESSAGES }), {
    name: "Error",
    status: 401,
    code: "unauthorized",
    type: "authentication_error",
  });
  await assert.rejects(client.chat.completions.create({ model: "none", messages: MESSAGES }), {
    status: 404,
    code: "not_found",
    param: "model",
  });
  await assert.rejects(
    client.chat.completions.create({ model: "demo", messages: MESSAGES, simulate: { status: 429 } }),
    { status: 429 },
  );
  const broken = client.chat.completions.create({
    model: "demo",
    messages: MESSAGES,
    stream: true,
    simulate: { failure: "mid_stream_reset" },
  });
  await assert.rejects(
    async () => {
      for await (const _ of await broken);
    },
    { code: "stream_interrupted" },
  );
});

test("daybook log shows the calls, while the server writes and from afar", async () => {
  await daybook.settle();
  const run = promisify(execFile);
  const env = {
    PATH: process.env.PATH,
    DAYBOOK_HOME: daybook.home,
    DAYBOOK_TOKEN: "dbt_test-admin-token-0123456789-abcdefghij",
  };
  const cli = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));
  const events = await daybook.events("kind=inference");
  for (const where of [[], ["--url", daybook.url]]) {
    const { stdout } = await run(process.execPath, [cli, "log", "--json", "--kind", "inference", ...where], {
      env,
    });
    const ids = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as EventJson).event_id);
    assert.deepEqual(
      ids.reverse(),
      events.map(({ event_id }) => event_id),
    );
  }
});
