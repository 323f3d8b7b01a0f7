// What a client of OpenAI's API sees when nothing goes wrong, or when its request is at fault.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Arrival, openSimulator } from "../../src/simulator/simulator.ts";
import { chat, eventsOf } from "./raw-client.ts";

interface Call {
  readonly function: { readonly name?: string; readonly arguments: string };
}
interface Message {
  readonly content?: string | null;
  readonly tool_calls?: readonly [Call];
}
/** As much of a completion, or of a stream's chunk, as these tests look at. */
interface Completion {
  readonly model: string;
  readonly system_fingerprint: string;
  readonly choices: readonly { message: Message; delta: Message; finish_reason: string | null }[];
  readonly usage?: unknown;
}

const arrivals: Arrival[] = [];
const simulator = await openSimulator({ onRequest: (arrival) => arrivals.push(arrival) });
after(() => simulator.close());

const ask = { model: "demo", messages: [{ role: "user", content: "12345678" }] };
const withUsage = { stream: true, stream_options: { include_usage: true } };
const tools = [{ type: "function", function: { name: "look_up" } }];

async function complete(body: unknown): Promise<Completion> {
  return JSON.parse((await chat(simulator.port, body)).body);
}

async function chunks(body: unknown): Promise<Completion[]> {
  const events = eventsOf((await chat(simulator.port, body)).body);
  assert.equal(events.pop(), "[DONE]");
  return events.map((event) => JSON.parse(event));
}

function usageOf(prompt: number, completion: number, cached = 0, reasoning = 0) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

test("an answer says in its head, its fingerprint and its text that it is simulated", async () => {
  const seen = await chat(simulator.port, ask);
  const answer: Completion = JSON.parse(seen.body);
  assert.match(seen.head, /^HTTP\/1\.1 200 OK/);
  assert.match(seen.head, /^x-daybook-simulated: true$/m);
  assert.match(seen.head, /^content-type: application\/json$/m);
  assert.equal(answer.system_fingerprint, "simulated");
  assert.match(answer.choices[0]?.message.content ?? "", /^Simulated answer from the provider/);
  assert.equal(answer.choices[0]?.finish_reason, "stop");
  assert.equal(answer.model, "demo");
  assert.equal(seen.whole, true);
});

test("without directives a prompt costs a token per four bytes, and the answer its 24 words", async () => {
  const content = [
    { type: "text", text: "é€" },
    { type: "image_url", image_url: { url: "data:," } },
  ];
  const messages = [
    { role: "system", content: "12345678" },
    { role: "user", content },
  ];
  const answer = await complete({ ...ask, messages });
  assert.deepEqual(answer.usage, usageOf(4, 24));
  assert.equal(answer.choices[0]?.message.content?.split(" ").length, 24);
});

test("usage is exactly what was asked for", async () => {
  const simulate = {
    prompt_tokens: 7930,
    completion_tokens: 1000,
    cached_tokens: 128,
    reasoning_tokens: 900,
  };
  const answer = await complete({ ...ask, simulate });
  assert.deepEqual(answer.usage, usageOf(7930, 1000, 128, 900));
  assert.equal(answer.choices[0]?.message.content?.split(" ").length, 100, "reasoning has no words");
  const events = await chunks({ ...ask, ...withUsage, simulate });
  assert.deepEqual(events.at(-1)?.usage, usageOf(7930, 1000, 128, 900));
});

test("a stream reports usage only when asked, in one chunk without choices before [DONE]", async () => {
  const asked = await chunks({ ...ask, ...withUsage });
  const last = asked.pop();
  assert.deepEqual(last?.choices, []);
  assert.deepEqual(last?.usage, usageOf(2, 24));
  for (const chunk of asked) {
    assert.equal(chunk.usage, null);
    assert.equal(chunk.choices.length, 1);
  }
  for (const options of [undefined, null, {}, { include_usage: false }]) {
    for (const chunk of await chunks({ ...ask, stream: true, stream_options: options })) {
      assert.equal("usage" in chunk, false);
      assert.equal(chunk.choices.length, 1);
    }
  }
});

test("a stream says what the JSON answer says, so many tokens an event", async () => {
  const seen = await chat(simulator.port, { ...ask, stream: true });
  assert.match(seen.head, /^content-type: text\/event-stream/m);
  assert.match(seen.head, /^x-daybook-simulated: true$/m);
  for (const [completion_tokens, chunk_tokens] of [
    [0, 1],
    [1, 1],
    [50, 1],
    [50, 7],
    [48, 24],
    [500, 1000],
  ] as const) {
    const simulate = { completion_tokens, chunk_tokens };
    const whole = await complete({ ...ask, simulate });
    const events = await chunks({ ...ask, stream: true, simulate });
    assert.equal(events.length, 1 + Math.ceil(completion_tokens / chunk_tokens) + 1);
    const text = events.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
    assert.equal(text, whole.choices[0]?.message.content);
    assert.equal(text.split(" ").filter((word) => word !== "").length, completion_tokens);
    assert.deepEqual(
      new Set(events.slice(0, -1).map((chunk) => chunk.choices[0]?.finish_reason)),
      new Set([null]),
    );
    assert.equal(events.at(-1)?.choices[0]?.finish_reason, "stop");
  }
});

test("a stream longer than one write is whole", async () => {
  const events = await chunks({ ...ask, ...withUsage, simulate: { completion_tokens: 20_000 } });
  assert.equal(events.length, 1 + 20_000 + 2);
});

test("a huge answer has its exact usage and a text of bounded size", async () => {
  const seen = await chat(simulator.port, { ...ask, simulate: { completion_tokens: 1_000_000_000 } });
  assert.deepEqual(JSON.parse(seen.body).usage, usageOf(2, 1_000_000_000));
  assert.ok(seen.body.length < 100_000);
});

test("the request's own limit shortens an answer, but never one whose size was directed", async () => {
  for (const limit of ["max_tokens", "max_completion_tokens"]) {
    const short = await complete({ ...ask, [limit]: 5 });
    assert.deepEqual(short.usage, usageOf(2, 5));
    assert.equal(short.choices[0]?.finish_reason, "length");
    const directed = await complete({ ...ask, [limit]: 5, simulate: { completion_tokens: 9 } });
    assert.deepEqual(directed.usage, usageOf(2, 9));
    assert.equal(directed.choices[0]?.finish_reason, "stop");
  }
});

test("a tool is called when the choice or the directive asks for it, and only then", async () => {
  const named = { type: "function", function: { name: "other" } };
  for (const [extra, name] of [
    [{ tools, tool_choice: "required" }, "look_up"],
    [{ tools, tool_choice: named }, "other"],
    [{ tools, tool_choice: "auto", simulate: { tool: true } }, "look_up"],
  ] as const) {
    const [choice] = (await complete({ ...ask, ...extra })).choices;
    assert.equal(choice?.finish_reason, "tool_calls");
    assert.equal(choice?.message.content, null);
    assert.equal(choice?.message.tool_calls?.[0].function.name, name);
    assert.equal(JSON.parse(choice?.message.tool_calls?.[0].function.arguments ?? "").simulated, true);
  }
  for (const extra of [
    { tools },
    { tools, tool_choice: "none", simulate: { tool: true } },
    { tools: [], simulate: { tool: true } },
    { simulate: { tool: true } },
  ]) {
    const [choice] = (await complete({ ...ask, ...extra })).choices;
    assert.equal(choice?.finish_reason, "stop");
    assert.equal(choice?.message.tool_calls, undefined);
  }
});

test("a streamed tool call comes in deltas that join to JSON", async () => {
  for (const completion_tokens of [0, 1, 30]) {
    const events = await chunks({ ...ask, stream: true, tools, simulate: { tool: true, completion_tokens } });
    const calls = events.map((chunk) => chunk.choices[0]?.delta.tool_calls?.[0].function);
    assert.equal(calls[0]?.name, "look_up");
    assert.equal(JSON.parse(calls.map((call) => call?.arguments ?? "").join("")).simulated, true);
    assert.equal(events.at(-1)?.choices[0]?.finish_reason, "tool_calls");
  }
});

test("where JSON is wanted the text is JSON, whole and streamed", async () => {
  for (const type of ["json_object", "json_schema"]) {
    for (const completion_tokens of [0, 1, 30]) {
      const body = { ...ask, response_format: { type }, simulate: { completion_tokens, chunk_tokens: 4 } };
      const whole = (await complete(body)).choices[0]?.message.content ?? "";
      assert.equal(JSON.parse(whole).simulated, true);
      const events = await chunks({ ...body, stream: true });
      assert.equal(events.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), whole);
    }
  }
});

test("the models are one, and every other path or method is not found in OpenAI's error shape", async () => {
  const models = await fetch(`${simulator.url}/v1/models?limit=1`);
  assert.deepEqual(
    ((await models.json()) as { data: { id: string }[] }).data.map((model) => model.id),
    ["demo"],
  );
  for (const [method, path] of [
    ["GET", "/"],
    ["POST", "/v1/models"],
    ["GET", "/v1/chat/completions"],
  ] as const) {
    const response = await fetch(simulator.url + path, { method });
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("x-daybook-simulated"), "true");
    assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
    assert.equal(error.type, "invalid_request_error");
  }
});

test("a bad request is refused by the member's name and never by its value", async () => {
  const secret = "canary-7f3a";
  for (const [body, param] of [
    [`{"model": ${secret}`, null],
    [`["${secret}"]`, null],
    [{ ...ask, model: [secret] }, "model"],
    [{ ...ask, model: "" }, "model"],
    [{ ...ask, messages: secret }, "messages"],
    [{ ...ask, messages: [] }, "messages"],
    [{ ...ask, messages: [secret] }, "messages"],
    [{ ...ask, stream: secret }, "stream"],
    [{ ...ask, stream_options: { include_usage: true } }, "stream_options"],
    [{ ...ask, n: 2 }, "n"],
    [{ ...ask, max_tokens: secret }, "max_tokens"],
    [{ ...ask, max_completion_tokens: 0 }, "max_completion_tokens"],
    [{ ...ask, simulate: secret }, "simulate"],
    [{ ...ask, simulate: { [secret]: 1 } }, "simulate"],
    [{ ...ask, simulate: { pace_ms: secret } }, "simulate.pace_ms"],
  ] as const) {
    const seen = await chat(simulator.port, body);
    assert.match(seen.head, /^HTTP\/1\.1 400 /);
    const { error } = JSON.parse(seen.body);
    assert.equal(error.type, "invalid_request_error");
    assert.equal(error.param, param);
    assert.equal(seen.text.includes(secret), false);
  }
});

test("each request has its number, and its own id is told at its arrival", async () => {
  const before = simulator.counts.requests;
  arrivals.length = 0;
  const first = await chat(simulator.port, ask, { "x-request-id": "gateway-1" });
  const second = await chat(simulator.port, "no JSON");
  assert.match(first.head, new RegExp(`^x-request-id: sim-${before + 1}$`, "m"));
  assert.match(second.head, new RegExp(`^x-request-id: sim-${before + 2}$`, "m"));
  assert.deepEqual(arrivals, [
    { sequence: before + 1, requestId: "gateway-1" },
    { sequence: before + 2, requestId: null },
  ]);
  assert.equal(simulator.counts.requests, before + 2);
});

test("defaults apply where a request does not say otherwise", async () => {
  await using other = await openSimulator({ defaults: { prompt_tokens: 7, completion_tokens: 8 } });
  const seen = await chat(other.port, { ...ask, simulate: { completion_tokens: 9 } });
  assert.deepEqual(JSON.parse(seen.body).usage, usageOf(7, 9));
  await assert.rejects(openSimulator({ defaults: { chunk_tokens: 0 } }), /simulate\.chunk_tokens must be/);
});
