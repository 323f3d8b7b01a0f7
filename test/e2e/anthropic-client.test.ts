// Anthropic's official client, unchanged, against the running server; each of its calls leaves its one event, with
// exact counts.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import type { EventJson } from "../../src/event/json.ts";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";

/** The client's shape, as far as these tests use it: the package is fetched for tests alone. */
interface Message {
  readonly _request_id?: string | null;
  readonly content: {
    readonly type: string;
    readonly text?: string;
    readonly name?: string;
    readonly input?: unknown;
  }[];
  readonly stop_reason: string;
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cache_read_input_tokens: number;
  };
}
interface Stream extends AsyncIterable<{ readonly type: string }> {
  readonly controller: AbortController;
  finalMessage(): Promise<Message>;
}
interface Anthropic {
  readonly messages: {
    create(body: object): Promise<Message>;
    stream(body: object): Stream;
    countTokens(body: object): Promise<{ readonly input_tokens: number }>;
  };
  readonly models: {
    list(): Promise<{ readonly data: { readonly id: string; readonly type: string }[] }>;
    retrieve(id: string): Promise<{ readonly id: string; readonly type: string }>;
  };
}

const engines = createRequire(new URL("../engines/package.json", import.meta.url));
const { default: Client } = engines("@anthropic-ai/sdk") as { default: new (options: object) => Anthropic };

const BODY = { model: "demo", max_tokens: 1000, messages: [{ role: "user", content: "How are you?" }] };
const SIZES = { prompt_tokens: 11, completion_tokens: 4, cached_tokens: 3 };
const TOOL = { name: "look_up", description: "Looks up.", input_schema: { type: "object" } };
const MESSAGE = {
  action: "message",
  endpoint: "/v1/messages",
  status: "success",
  backend_type: "simulated",
  provider: "demo",
  finish_reason: "end_turn",
};

let daybook: TestDaybook;
let client: Anthropic;
const closers: (() => unknown)[] = [];

before(async () => {
  daybook = await startDaybook({ after: (close) => closers.push(close as () => unknown) });
  client = new Client({ apiKey: API_KEY, baseURL: daybook.url, maxRetries: 0 });
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

function told({ action, endpoint, status, streaming, finish_reason, backend_type, provider }: EventJson) {
  return { action, endpoint, status, streaming, finish_reason, backend_type, provider };
}

function counts({ prompt_tokens, completion_tokens, total_tokens, cached_tokens }: EventJson) {
  return [prompt_tokens, completion_tokens, total_tokens, cached_tokens];
}

test("plain: the answer is the provider's, and the event counts the cached tokens with the prompt", async () => {
  const answer = await client.messages.create({ ...BODY, simulate: SIZES });
  assert.match(answer.content[0]?.text ?? "", /^Simulated answer/);
  assert.deepEqual([answer.usage.input_tokens, answer.usage.cache_read_input_tokens], [8, 3]);
  const event = await newest();
  assert.deepEqual(told(event), { ...MESSAGE, streaming: false });
  assert.deepEqual([counts(event), event.tokens_estimated], [[11, 4, 15, 3], false]);
});

test("stream: what the client puts together is what was counted", async () => {
  const stream = client.messages.stream({ ...BODY, simulate: SIZES });
  const types = new Set<string>();
  for await (const { type } of stream) types.add(type);
  assert.ok(types.has("message_stop"));
  const message = await stream.finalMessage();
  assert.deepEqual([message.stop_reason, message.usage.output_tokens], ["end_turn", 4]);
  const event = await newest();
  assert.deepEqual(told(event), { ...MESSAGE, streaming: true });
  assert.deepEqual([counts(event), event.ttft_ms === null], [[11, 4, 15, 3], false]);
});

test("tools, plain and streamed", async () => {
  const body = { ...BODY, tools: [TOOL], tool_choice: { type: "any" } };
  const answer = await client.messages.create(body);
  assert.deepEqual([answer.content[0]?.type, answer.content[0]?.name], ["tool_use", "look_up"]);
  assert.equal((await newest()).finish_reason, "tool_use");
  const message = await client.messages.stream(body).finalMessage();
  assert.deepEqual(message.content[0]?.input, answer.content[0]?.input);
  assert.equal((await newest()).finish_reason, "tool_use");
});

test("an answer that its own limit cuts", async () => {
  const answer = await client.messages.create({ ...BODY, max_tokens: 5 });
  assert.equal(answer.stop_reason, "max_tokens");
  const event = await newest();
  assert.deepEqual(
    [event.status, event.finish_reason, event.completion_tokens],
    ["success", "max_tokens", 5],
  );
});

test("count_tokens: an event that counts nothing, since nothing was used", async () => {
  const { max_tokens: _, ...body } = BODY;
  const { input_tokens } = await client.messages.countTokens({ ...body, simulate: { prompt_tokens: 42 } });
  assert.equal(input_tokens, 42);
  const event = await newest();
  assert.deepEqual(told(event), {
    ...MESSAGE,
    action: "count_tokens",
    endpoint: "/v1/messages/count_tokens",
    streaming: false,
    finish_reason: null,
  });
  assert.deepEqual([event.prompt_tokens, event.total_tokens, event.cost_micros], [null, null, null]);
});

test("abort: the stream ends upstream too, and the event says who left and what came", async () => {
  const stream = client.messages.stream({
    ...BODY,
    simulate: { prompt_tokens: 11, completion_tokens: 5000, pace_ms: 5 },
  });
  await assert.rejects(async () => {
    for await (const { type } of stream) if (type === "content_block_delta") stream.controller.abort();
  });
  let [event] = (await daybook.events("kind=inference")).slice(seen);
  while (event === undefined) [event] = (await daybook.events("kind=inference")).slice(seen);
  seen++;
  assert.deepEqual([event.status, event.status_code, event.action], ["cancelled", 499, "message"]);
  assert.deepEqual([event.prompt_tokens, event.tokens_estimated], [11, true]);
});

test("errors are the client's own classes, in Anthropic's shape", async () => {
  const wrongKey = new Client({ apiKey: "dbk_nobody", baseURL: daybook.url, maxRetries: 0 });
  await assert.rejects(wrongKey.messages.create(BODY), { status: 401, type: "authentication_error" });
  await newest();
  await assert.rejects(client.messages.create({ ...BODY, model: "none" }), {
    status: 404,
    type: "not_found_error",
  });
  await newest();
  await assert.rejects(client.messages.create({ ...BODY, simulate: { status: 529 } }), {
    status: 529,
    type: "overloaded_error",
  });
  const event = await newest();
  assert.deepEqual([event.error_code, event.error_type], ["provider_error", "overloaded_error"]);
  await assert.rejects(
    async () => {
      const stream = client.messages.stream({ ...BODY, simulate: { failure: "mid_stream_reset" } });
      for await (const _ of stream);
    },
    ({ message }: Error) => /answer broke or ended short/.test(message),
  );
  assert.equal((await newest()).error_code, "stream_interrupted");
});

test("the list of models, in Anthropic's shape", async () => {
  const { data } = await client.models.list();
  assert.deepEqual(
    data.map(({ id, type }) => [id, type]),
    [["demo", "model"]],
  );
  assert.equal((await client.models.retrieve("demo")).id, "demo");
  const events = await daybook.events("kind=api");
  assert.deepEqual(
    events.map(({ action, endpoint }) => [action, endpoint]),
    [
      ["models", "/v1/models"],
      ["models", "/v1/models/{model}"],
    ],
  );
});
