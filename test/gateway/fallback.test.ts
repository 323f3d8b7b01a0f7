// Several tries for one request: who is asked, how often, when, and what the event says of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { answerChat, answerStatus, startUpstream, type Upstream } from "../support/upstream.ts";

interface Try {
  readonly provider: string;
  readonly code: string | number;
}

function yaml(providers: Record<string, Upstream>, options = "retries: { max: 1, wait_ms: 5 }"): string {
  const names = Object.keys(providers);
  const lines = names.map(
    (name) =>
      `  - { name: ${name}, backend_type: ${name}x, protocols: [openai], base_url: "${providers[name]?.url}", ${options} }`,
  );
  const uses = names.map((name) => `{ provider: ${name}, upstream_model: ${name}-model }`).join(", ");
  return `providers:\n${lines.join("\n")}\nroutes: [{ model: demo, providers: [${uses}] }]\n`;
}

async function attempts(daybook: TestDaybook, requestId: string) {
  const [event] = await daybook.events(`request_id=${requestId}`);
  const tries = JSON.parse(event?.attempts ?? "[]") as Try[];
  return { event, tries: tries.map(({ provider, code }) => `${provider} ${code}`) };
}

const ask = (daybook: TestDaybook, requestId: string, options = {}) =>
  chat(daybook.url, { ...options, headers: { "x-request-id": requestId } });

test("a try that fails is repeated, and each is in the event", async (t) => {
  const a = await startUpstream(t, (response, _asked, index) =>
    index === 0 ? answerStatus(response, 503) : answerChat(response),
  );
  const daybook = await startDaybook(t, { yaml: yaml({ a }) });
  assert.equal((await ask(daybook, "again")).status, 200);
  const { event, tries } = await attempts(daybook, "again");
  assert.deepEqual(tries, ["a 503", "a ok"]);
  assert.deepEqual([event?.status, event?.provider, a.asked.length], ["success", "a", 2]);
});

test("all providers are asked in order before any is asked again, each by its own name of the model", async (t) => {
  const a = await startUpstream(t, (response) => answerStatus(response, 502));
  const b = await startUpstream(t, (response, _asked, index) =>
    index === 0 ? response.destroy() : answerChat(response),
  );
  const daybook = await startDaybook(t, { yaml: yaml({ a, b }) });
  assert.equal((await ask(daybook, "round")).status, 200);
  const { event, tries } = await attempts(daybook, "round");
  assert.deepEqual(tries, ["a 502", "b UND_ERR_SOCKET", "a 502", "b ok"]);
  assert.deepEqual([event?.backend_type, event?.route, event?.model], ["bx", "demo", "demo"]);
  const models = [...a.asked, ...b.asked].map(({ body }) => JSON.parse(body.toString()).model as string);
  assert.deepEqual(models, ["a-model", "a-model", "b-model", "b-model"]);
});

test("when all have failed the last answer is the client's, with what it says of trying again", async (t) => {
  const a = await startUpstream(t, (response) => answerStatus(response, 429, { "retry-after": "120" }));
  const daybook = await startDaybook(t, { yaml: yaml({ a }) });
  const { status, headers } = await ask(daybook, "limited");
  assert.deepEqual([status, headers["retry-after"], a.asked.length], [429, "120", 1]);
  const { event } = await attempts(daybook, "limited");
  assert.deepEqual([event?.status_code, event?.error_code], [429, "provider_error"]);
});

test("a client's mistake is nobody's to repeat", async (t) => {
  const a = await startUpstream(t, (response) => answerStatus(response, 400));
  const b = await startUpstream(t, (response) => answerChat(response));
  const daybook = await startDaybook(t, { yaml: yaml({ a, b }) });
  assert.equal((await ask(daybook, "mistake")).status, 400);
  assert.deepEqual([a.asked.length, b.asked.length], [1, 0]);
});

test("never after the first byte went to the client", async (t) => {
  const a = await startUpstream(t, (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"choices":[{"index":0,"delta":{"content":"W"}}]}\n\n', () => response.destroy());
  });
  const b = await startUpstream(t, (response) => answerChat(response));
  const daybook = await startDaybook(t, { yaml: yaml({ a, b }) });
  await ask(daybook, "begun", { stream: true });
  const { event } = await attempts(daybook, "begun");
  assert.deepEqual([event?.error_code, event?.provider, b.asked.length], ["stream_interrupted", "a", 0]);
});

test("a provider that fails again and again is asked last, until its rest is over and it answers", async (t) => {
  let isWell = false;
  const a = await startUpstream(t, (response) =>
    isWell ? answerChat(response) : answerStatus(response, 500),
  );
  const b = await startUpstream(t, (response) => answerChat(response));
  const options = "retries: { max: 0 }, breaker: { failures: 2, rest_ms: 1500 }";
  const daybook = await startDaybook(t, { yaml: yaml({ a, b }, options) });
  for (let n = 0; n < 5; n++) assert.equal((await ask(daybook, `sick-${n}`)).status, 200);
  assert.deepEqual([a.asked.length, b.asked.length], [2, 5]);
  isWell = true;
  let last = "";
  for (let n = 0; last !== "a"; n++) {
    await ask(daybook, `well-${n}`);
    last = (await attempts(daybook, `well-${n}`)).event?.provider ?? "";
  }
  await ask(daybook, "after");
  assert.equal((await attempts(daybook, "after")).event?.provider, "a");
});

test("a provider's own limit ends its try, and the next one has its turn", async (t) => {
  const a = await startUpstream(t, () => {});
  const b = await startUpstream(t, (response) => answerChat(response));
  const lines = yaml({ a, b }, "retries: { max: 0 }").replace(
    "retries: { max: 0 }",
    "retries: { max: 0 }, timeouts_ms: { chat: 40 }",
  );
  const daybook = await startDaybook(t, { yaml: lines });
  assert.equal((await ask(daybook, "slow")).status, 200);
  assert.deepEqual((await attempts(daybook, "slow")).tries, ["a timeout", "b ok"]);
});

test("what no provider of the model speaks is refused, never translated", async (t) => {
  const a = await startUpstream(t, (response) => answerChat(response));
  const daybook = await startDaybook(t, { yaml: yaml({ a }).replace("[openai]", "[anthropic]") });
  const { status, text } = await ask(daybook, "dialect");
  assert.equal(status, 400);
  assert.match(text ?? "", /No provider of this model speaks the openai protocol/);
  const { event } = await attempts(daybook, "dialect");
  assert.deepEqual([event?.error_type, event?.route, a.asked.length], ["dialect_mismatch", "demo", 0]);
});

test("a client that leaves between two rounds ends them", async (t) => {
  const a = await startUpstream(t, (response) => answerStatus(response, 503, { "retry-after": "5" }));
  const daybook = await startDaybook(t, { yaml: yaml({ a }) });
  const leaving = new AbortController();
  const asked = fetch(`${daybook.url}/v1/chat/completions`, {
    method: "POST",
    signal: leaving.signal,
    headers: { authorization: "Bearer dbk_test-api-key-0123456789-ABCDEFGHIJKLM", "x-request-id": "gone" },
    body: JSON.stringify({ model: "demo", messages: [] }),
  });
  while (a.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  leaving.abort();
  await assert.rejects(asked);
  let event = (await attempts(daybook, "gone")).event;
  while (event === undefined) event = (await attempts(daybook, "gone")).event;
  assert.deepEqual([event.status, event.error_code], ["cancelled", "client_disconnected"]);
  assert.equal(a.asked.length, 1);
});
