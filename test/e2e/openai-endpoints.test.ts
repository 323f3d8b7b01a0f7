// OpenAI's official client at the other endpoints: legacy completions, embeddings, responses. Each call leaves its one
// event, with exact counts.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import type { EventJson } from "../../src/event/json.ts";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";

/** The client's shape, as far as these tests use it: the package is fetched for tests alone. */
interface Create {
  create(body: object): Promise<Record<string, never> & AsyncIterable<Record<string, never>>>;
}
interface Stream extends AsyncIterable<{ readonly type: string; readonly delta?: string }> {
  readonly controller: AbortController;
  finalResponse(): Promise<{
    readonly output_text: string;
    readonly usage: { readonly total_tokens: number };
  }>;
}
interface OpenAI {
  readonly completions: Create;
  readonly embeddings: Create;
  readonly models: {
    list(): Promise<{ readonly data: { readonly id: string }[] }>;
    retrieve(id: string): Promise<{ readonly id: string }>;
  };
  readonly responses: {
    create(body: object): Promise<ResponseObject>;
    stream(body: object): Stream;
    parse(body: object): Promise<{ readonly output_parsed: unknown }>;
  };
}
interface ResponseObject {
  readonly status: string;
  readonly output_text: string;
  readonly output: { readonly type: string; readonly name?: string }[];
  readonly usage: { readonly total_tokens: number };
}

const engines = createRequire(new URL("../engines/package.json", import.meta.url));
const { OpenAI: Client } = engines("openai") as { OpenAI: new (options: object) => OpenAI };

const SIZES = { prompt_tokens: 11, completion_tokens: 4, cached_tokens: 3, reasoning_tokens: 1 };
const TOOL = { type: "function", name: "look_up", parameters: { type: "object" } };

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

let seen = 0;

/** The one event of the call before, and that it is one. */
async function newest(): Promise<EventJson> {
  const events = await daybook.events("kind=inference");
  assert.equal(events.length, seen + 1, "one call, one event");
  seen = events.length;
  return events.at(-1) as EventJson;
}

function told(event: EventJson) {
  const { action, endpoint, status, streaming, finish_reason, backend_type, provider } = event;
  return { action, endpoint, status, streaming, finish_reason, backend_type, provider };
}

function counts({
  prompt_tokens,
  completion_tokens,
  total_tokens,
  cached_tokens,
  reasoning_tokens,
}: EventJson) {
  return [prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens];
}

const DEMO = { status: "success", backend_type: "simulated", provider: "demo" };

test("legacy completions, plain and streamed", async () => {
  const body = { model: "demo", prompt: "How are you?", simulate: SIZES };
  const answer = (await client.completions.create(body)) as unknown as {
    choices: { text: string }[];
    usage: { total_tokens: number };
  };
  assert.match(answer.choices[0]?.text ?? "", /^Simulated answer/);
  assert.equal(answer.usage.total_tokens, 15);
  const plain = await newest();
  const about = { ...DEMO, action: "completion", endpoint: "/v1/completions", finish_reason: "stop" };
  assert.deepEqual(told(plain), { ...about, streaming: false });
  assert.deepEqual(counts(plain), [11, 4, 15, 3, 1]);
  const chunks: { choices: unknown[] }[] = [];
  for await (const chunk of await client.completions.create({ ...body, stream: true }))
    chunks.push(chunk as never);
  assert.ok(chunks.every(({ choices }) => choices.length === 1));
  const streamed = await newest();
  assert.deepEqual(told(streamed), { ...about, streaming: true });
  assert.deepEqual([counts(streamed), streamed.ttft_ms === null], [[11, 4, 15, 3, 1], false]);
});

test("embeddings: the vectors come through, and only a prompt is counted", async () => {
  const answer = (await client.embeddings.create({
    model: "demo",
    input: ["one", "two"],
    simulate: { prompt_tokens: 9 },
  })) as unknown as { data: { embedding: number[] }[] };
  assert.deepEqual(
    answer.data.map(({ embedding }) => embedding.length),
    [8, 8],
  );
  const event = await newest();
  assert.deepEqual(told(event), {
    ...DEMO,
    action: "embedding",
    endpoint: "/v1/embeddings",
    finish_reason: null,
    streaming: false,
  });
  assert.deepEqual([event.prompt_tokens, event.total_tokens, event.tokens_estimated], [9, 9, false]);
});

const RESPONSE = { ...DEMO, action: "response", endpoint: "/v1/responses" };

test("responses, plain: the shape is that of responses, never of a chat", async () => {
  const answer = await client.responses.create({ model: "demo", input: "How are you?", simulate: SIZES });
  assert.match(answer.output_text, /^Simulated answer/);
  assert.deepEqual([answer.status, answer.usage.total_tokens], ["completed", 15]);
  const event = await newest();
  assert.deepEqual(told(event), { ...RESPONSE, streaming: false, finish_reason: event.finish_reason });
  assert.deepEqual(counts(event), [11, 4, 15, 3, 1]);
});

test("responses, streamed", async () => {
  const stream = client.responses.stream({
    model: "demo",
    input: [{ role: "user", content: "How are you?" }],
    simulate: SIZES,
  });
  let text = "";
  for await (const event of stream) if (event.type === "response.output_text.delta") text += event.delta;
  const final = await stream.finalResponse();
  assert.deepEqual([final.output_text, final.usage.total_tokens], [text, 15]);
  const event = await newest();
  assert.deepEqual(told(event), { ...RESPONSE, streaming: true, finish_reason: event.finish_reason });
  assert.deepEqual([counts(event), event.ttft_ms === null], [[11, 4, 15, 3, 1], false]);
});

test("responses with a tool, and with structured output", async () => {
  const called = await client.responses.create({
    model: "demo",
    input: "Look it up.",
    tools: [TOOL],
    tool_choice: "required",
  });
  assert.deepEqual([called.output[0]?.type, called.output[0]?.name], ["function_call", "look_up"]);
  assert.equal((await newest()).status, "success");
  const { output_parsed: parsed } = await client.responses.parse({
    model: "demo",
    input: "How are you?",
    text: { format: { type: "json_schema", name: "answer", schema: { type: "object" }, strict: true } },
  });
  assert.equal((await newest()).status, "success");
  assert.ok(parsed === null || typeof parsed === "object");
});

test("responses cut by their own limit are whole answers", async () => {
  const answer = await client.responses.create({
    model: "demo",
    input: "How are you?",
    max_output_tokens: 5,
  });
  assert.equal(answer.status, "incomplete");
  const event = await newest();
  assert.deepEqual([event.status, event.completion_tokens], ["success", 5]);
});

test("responses, aborted: the event says who left", async () => {
  const stream = client.responses.stream({
    model: "demo",
    input: "How are you?",
    simulate: { completion_tokens: 5000, pace_ms: 5 },
  });
  await assert.rejects(async () => {
    for await (const { type } of stream) if (type === "response.output_text.delta") stream.controller.abort();
  });
  let [event] = (await daybook.events("kind=inference")).slice(seen);
  while (event === undefined) [event] = (await daybook.events("kind=inference")).slice(seen);
  seen++;
  assert.deepEqual(
    [event.status, event.error_code, event.action],
    ["cancelled", "client_disconnected", "response"],
  );
});

test("the list of models, in OpenAI's shape", async () => {
  const { data } = await client.models.list();
  assert.deepEqual(
    data.map(({ id }) => id),
    ["demo"],
  );
  assert.equal((await client.models.retrieve("demo")).id, "demo");
});
