// Admission is asked before anything goes upstream, and what it admitted is settled once, however the request ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Admission, Admitted, Ask, NotAdmitted, Settlement } from "../../src/gateway/admission.ts";
import { Routes } from "../../src/gateway/routes.ts";
import { openSimulator } from "../../src/simulator/simulator.ts";
import { rawPost, sendRaw } from "../support/raw-socket.ts";
import { KEY, provider, route, serveGateway } from "./served-gateway.ts";

const CHAT = "/v1/chat/completions";

/** Notes what it is asked and told; costs a micro-USD a token. */
class Ledger implements Admission {
  readonly asked: Ask[] = [];
  readonly settled: Settlement[] = [];
  refusal: NotAdmitted | null = null;

  admit(ask: Ask): Admitted | NotAdmitted {
    this.asked.push(ask);
    if (this.refusal !== null) return this.refusal;
    return {
      ok: true,
      headers: { "x-ratelimit-limit-requests": "9", "x-ratelimit-remaining-requests": "8" },
      settle: (end) => {
        this.settled.push(end);
        return { costMicros: end.charged ? (end.usage?.totalTokens ?? 0) : 0 };
      },
    };
  }
}

const body = (simulate: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  model: "demo",
  messages: [{ role: "user", content: "How are you?" }],
  simulate: { prompt_tokens: 7, completion_tokens: 5, ...simulate },
  ...more,
});

async function served(t: Parameters<typeof serveGateway>[0], mode: "open" | "strict" = "open") {
  const simulator = await openSimulator();
  t.after(() => simulator.close());
  const ledger = new Ledger();
  const price = { prompt_per_million: 1, completion_per_million: 2 };
  const routes = new Routes([provider("sim", simulator.url)], [route("demo", ["sim"], { price })]);
  const timeoutsMs = { chat: 1000, completions: 1000, embeddings: 1000 };
  const gateway = await serveGateway(t, { routes, admission: ledger, mode, timeoutsMs });
  return { ledger, gateway, simulator };
}

for (const mode of ["open", "strict"] as const) {
  test(`${mode}: an answer is settled with what it used, and its cost is on the event`, async (t) => {
    const { ledger, gateway } = await served(t, mode);
    for (const stream of [false, true]) {
      const { headers } = await gateway.post(CHAT, body({}, { stream, max_tokens: 50 }));
      assert.equal(headers["x-ratelimit-remaining-requests"], "8");
    }
    const events = await gateway.events();
    assert.deepEqual(
      events.map(({ cost_micros }) => cost_micros),
      [12, 12],
    );
    assert.deepEqual(
      ledger.settled.map(({ usage, charged }) => [usage?.promptTokens, usage?.completionTokens, charged]),
      [
        [7, 5, true],
        [7, 5, true],
      ],
    );
    const [ask] = ledger.asked;
    assert.deepEqual(
      [ask?.eventId, ask?.keyId, ask?.userId, ask?.model, ask?.action, ask?.routeId, ask?.maxTokens],
      [events[0]?.event_id, "key_1", "ana", "demo", "chat", "route-demo", 50],
    );
    assert.deepEqual(ask?.price, { promptMicros: 1e6, cachedPromptMicros: 1e6, completionMicros: 2e6 });
  });

  test(`${mode}: a failed call is settled once and costs nothing, whatever failed`, async (t) => {
    const { ledger, gateway } = await served(t, mode);
    const failures = [
      { status: 500 },
      { failure: "reset" },
      { failure: "hang" },
      { failure: "mid_stream_reset" },
      { failure: "truncated" },
    ];
    for (const failure of failures) await gateway.post(CHAT, body(failure, { stream: true }));
    const events = await gateway.events();
    assert.deepEqual(
      events.map(({ status, cost_micros }) => [status === "success", cost_micros]),
      failures.map(() => [false, 0]),
    );
    assert.equal(ledger.settled.length, failures.length);
    assert.ok(ledger.settled.every(({ charged }) => !charged));
  });
}

test("a client that leaves is charged what it took, estimated where nobody counted", async (t) => {
  const { ledger, gateway } = await served(t);
  const text = rawPost(CHAT, JSON.stringify(body({ completion_tokens: 50, pace_ms: 20 }, { stream: true })), {
    Authorization: `Bearer ${KEY}`,
  });
  const { socket } = await sendRaw(gateway.url, text, (received) => received.split("data: ").length > 4);
  socket.destroy();
  while (ledger.settled.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const [event] = await gateway.events();
  const [end] = ledger.settled;
  assert.deepEqual([event?.status, event?.tokens_estimated, end?.charged], ["cancelled", true, true]);
  assert.ok((end?.usage?.completionTokens ?? 0) > 0 && (end?.usage?.completionTokens ?? 0) < 50);
  assert.equal(event?.cost_micros, end?.usage?.totalTokens);
});

test("a client that leaves before the first byte took nothing", async (t) => {
  const { ledger, gateway, simulator } = await served(t);
  const text = rawPost(CHAT, JSON.stringify(body({ failure: "hang" })), { Authorization: `Bearer ${KEY}` });
  const { socket } = await sendRaw(gateway.url, text, () => true);
  while (simulator.counts.requests === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  await gateway.events();
  assert.deepEqual(ledger.settled, [{ usage: null, charged: true }]);
});

test("the end of the server settles what is running", async (t) => {
  const { ledger, gateway, simulator } = await served(t);
  const asked = gateway.post(CHAT, body({ failure: "hang" }));
  while (simulator.counts.requests === 0) await new Promise((resolve) => setImmediate(resolve));
  await gateway.gateway.drain(0);
  assert.equal((await asked).status, 503);
  assert.deepEqual(ledger.settled, [{ usage: null, charged: false }]);
});

test("what is not admitted never goes upstream, and says why", async (t) => {
  const { ledger, gateway, simulator } = await served(t);
  ledger.refusal = {
    ok: false,
    code: "quota_exceeded",
    message: "The daily budget of this key is used up.",
    headers: { "retry-after": "60", "x-ratelimit-remaining-tokens": "0" },
    errorType: "daily_tokens",
    facts: { quotaViolation: "daily_tokens" },
  };
  const { status, headers, text } = await gateway.post(CHAT, body({}));
  assert.deepEqual(
    [status, headers["retry-after"], headers["x-ratelimit-remaining-tokens"]],
    [429, "60", "0"],
  );
  assert.match(text ?? "", /The daily budget of this key is used up\./);
  const [event] = await gateway.events();
  assert.deepEqual(
    [event?.error_code, event?.error_type, event?.quota_violation, event?.model, event?.api_key_id],
    ["quota_exceeded", "daily_tokens", "daily_tokens", "demo", "key_1"],
  );
  assert.deepEqual([simulator.counts.requests, ledger.settled.length], [0, 0]);
});

test("a request that is refused before it asks for anything is not asked about", async (t) => {
  const { ledger, gateway } = await served(t);
  await gateway.post(CHAT, "{");
  await gateway.post(CHAT, { ...body({}), model: "none" });
  await gateway.post(CHAT, body({}), { authorization: "Bearer wrong" });
  assert.equal(ledger.asked.length, 0);
});
