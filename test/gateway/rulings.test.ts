// Policies are asked before anything is counted, held or sent; what they say is on the event, and a denial is a 403 in
// the client's dialect.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { request } from "undici";
import type { Admission } from "../../src/gateway/admission.ts";
import { Routes } from "../../src/gateway/routes.ts";
import { type Ruling, type RulingQuestion, UNRULED } from "../../src/gateway/rulings.ts";
import { openSimulator } from "../../src/simulator/simulator.ts";
import { startUpstream } from "../support/upstream.ts";
import { KEY, provider, route, serveGateway } from "./served-gateway.ts";

const CHAT = "/v1/chat/completions";
const ASKED = {
  model: "demo-1",
  messages: [{ role: "user", content: "How are you?" }],
  max_tokens: 50,
  tools: [{ type: "function", function: { name: "f" } }],
};

async function served(t: TestContext, ruling: Ruling, mode: "open" | "strict" = "open") {
  const simulator = await openSimulator();
  t.after(() => simulator.close());
  const questions: RulingQuestion[] = [];
  let admitted = 0;
  const admission: Admission = {
    admit() {
      admitted++;
      return { ok: true, headers: {}, settle: () => ({}) };
    },
  };
  const gateway = await serveGateway(t, {
    routes: new Routes([provider("sim", simulator.url)], [route("demo-*", ["sim"])]),
    rulings: {
      decide(question) {
        questions.push(question);
        return ruling;
      },
    },
    admission,
    mode,
  });
  return { gateway, questions, admitted: () => admitted };
}

const DENIED: Ruling = { decision: "deny", reason: "Not on Sundays.", policies: ["week", "sunday"] };

for (const mode of ["open", "strict"] as const) {
  test(`${mode}: a denied request is answered 403 in its dialect, and nothing is held or sent for it`, async (t) => {
    const { gateway, admitted } = await served(t, DENIED, mode);
    const openai = await gateway.post(CHAT, ASKED);
    const anthropic = await gateway.post("/v1/messages", ASKED);
    assert.deepEqual([openai.status, anthropic.status], [403, 403]);
    assert.deepEqual(JSON.parse(openai.text ?? "").error, {
      message: "Not on Sundays.",
      type: "permission_error",
      param: null,
      code: "policy_denied",
    });
    assert.deepEqual(JSON.parse(anthropic.text ?? "").error, {
      type: "permission_error",
      message: "Not on Sundays.",
      code: "policy_denied",
    });
    const events = await gateway.events();
    assert.deepEqual(
      events.map(({ status, status_code, error_code }) => [status, status_code, error_code]),
      Array(2).fill(["error", 403, "policy_denied"]),
    );
    for (const { policy_decision, policy_reason, policies, provider: asked } of events)
      assert.deepEqual(
        [policy_decision, policy_reason, policies, asked],
        ["deny", "Not on Sundays.", '["week","sunday"]', null],
      );
    assert.equal(admitted(), 0);
  });
}

test("policies see who asks for what, and nothing of the content", async (t) => {
  const { gateway, questions } = await served(t, UNRULED);
  const body = JSON.stringify({ ...ASKED, stream: true });
  await gateway.post(CHAT, body);
  assert.deepEqual(questions, [
    {
      kind: "inference",
      action: "chat",
      name: null,
      server: null,
      model: "demo-1",
      route: "demo-*",
      userId: "ana",
      apiKeyId: "key_1",
      profile: "test",
      caller: "http",
      requestSize: Buffer.byteLength(body),
      maxTokens: 50,
      streaming: true,
      toolCount: 1,
      arguments: undefined,
    },
  ]);
  const [event] = await gateway.events();
  assert.deepEqual([event?.policy_decision, event?.policy_reason, event?.policies], ["n/a", null, null]);
});

for (const decision of ["allow", "warn"] as const) {
  test(`${decision}: the request is answered, and its event says so`, async (t) => {
    const reason = decision === "warn" ? "Large." : null;
    const { gateway, admitted } = await served(t, { decision, reason, policies: ["size"] });
    assert.equal((await gateway.post(CHAT, ASKED)).status, 200);
    const [event] = await gateway.events();
    assert.deepEqual(
      [event?.status, event?.policy_decision, event?.policy_reason, event?.policies],
      ["success", decision, reason, '["size"]'],
    );
    assert.equal(admitted(), 1);
  });
}

test("what is passed through is asked about too", async (t) => {
  const upstream = await startUpstream(t, (response) => response.writeHead(200).end("sent"));
  const asked: RulingQuestion[] = [];
  const gateway = await serveGateway(t, {
    routes: new Routes([provider("up", upstream.url, { pass_through: ["/v1/files"] })], []),
    rulings: {
      decide(question) {
        asked.push(question);
        return DENIED;
      },
    },
  });
  const headers = { authorization: `Bearer ${KEY}` };
  const answer = await request(`${gateway.url}/v1/files`, { method: "POST", headers, body: "0123456789" });
  assert.equal(answer.statusCode, 403);
  await answer.body.dump();
  assert.deepEqual(
    asked.map(({ action, model, requestSize }) => [action, model, requestSize]),
    [["pass_through", null, 10]],
  );
  assert.equal(upstream.asked.length, 0);
});
