// The wrappers, with the real clients, servers and SDK that they are for.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as z from "zod";
import type { AuditEvent } from "../../src/event/fields.ts";
import { type AiTelemetry, aiTelemetry } from "../../src/library/ai-telemetry.ts";
import { auditedFetch } from "../../src/library/audited-fetch.ts";
import { createRecorder, type DaybookRecorder } from "../../src/library/index.ts";
import { auditMcpServer } from "../../src/library/mcp/audit-mcp-server.ts";
import { API_KEY, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

const engines = createRequire(new URL("../engines/package.json", import.meta.url));

async function recording(t: { after(done: () => Promise<void>): void }) {
  const recorder = await createRecorder({ folder: tempFolder() });
  t.after(() => recorder.close());
  const heard: AuditEvent[] = [];
  recorder.subscribe((event) => heard.push(event));
  return { recorder, heard };
}

/** The events so far, once all are durable; emptied. */
async function taken(recorder: DaybookRecorder, heard: AuditEvent[]): Promise<AuditEvent[]> {
  await recorder.flush();
  return heard.splice(0);
}

/** What both ends of a call must say alike. */
const ALIKE = [
  "kind",
  "action",
  "endpoint",
  "method",
  "model",
  "upstream_model",
  "streaming",
  "status",
  "status_code",
  "error_code",
  "error_type",
  "prompt_tokens",
  "completion_tokens",
  "total_tokens",
  "finish_reason",
] as const;

test("auditedFetch: calls of OpenAI's and Anthropic's clients, as the gateway saw them", async (t) => {
  const daybook = await startDaybook(t);
  const { recorder, heard } = await recording(t);
  const fetch = auditedFetch({ recorder, backendType: "simulated", about: () => ({ userId: "ann" }) });
  const { OpenAI } = engines("openai");
  const Anthropic = engines("@anthropic-ai/sdk").default;
  const openai = new OpenAI({ baseURL: `${daybook.url}/v1`, apiKey: API_KEY, fetch, maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: daybook.url, apiKey: API_KEY, fetch, maxRetries: 0 });
  const messages = [{ role: "user", content: "CANARY" }];
  await openai.chat.completions.create({ model: "demo", messages });
  for await (const _ of await openai.chat.completions.create({
    model: "demo",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  }));
  await openai.embeddings.create({ model: "demo", input: "CANARY" });
  await assert.rejects(openai.chat.completions.create({ model: "nobody", messages }));
  await anthropic.messages.create({ model: "demo", max_tokens: 50, messages });
  for await (const _ of await anthropic.messages.create({
    model: "demo",
    max_tokens: 50,
    messages,
    stream: true,
  }));
  await openai.models.list();
  const ours = await taken(recorder, heard);
  const theirs = (await daybook.events("kind=inference")) as unknown as Record<string, unknown>[];
  assert.equal(ours.length, 6, "a list of models is no call for inference");
  assert.equal(theirs.length, 6);
  for (const [index, event] of ours.entries()) {
    const other = theirs[index] ?? {};
    for (const field of ALIKE) {
      if (event.status === "error" && /^error|upstream_model/.test(field)) continue;
      assert.equal(event[field], other[field] ?? null, `${index}: ${field}`);
    }
    assert.equal(event.user_id, "ann");
    assert.equal(event.backend_type, "simulated");
  }
  assert.deepEqual([ours[3]?.status_code, ours[3]?.error_code], [404, "provider_error"]);
  assert.ok(!JSON.stringify(ours).includes("CANARY"));
});

test("auditedFetch: a client that leaves, a provider that is not there", async (t) => {
  const daybook = await startDaybook(t);
  const { recorder, heard } = await recording(t);
  const ask = auditedFetch({ recorder });
  const init = (body: object, signal?: AbortSignal) => ({
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  const stop = new AbortController();
  const body = {
    model: "demo",
    stream: true,
    messages: [{ role: "user", content: "How?" }],
    simulate: { chunks: 500, chunk_delay_ms: 20 },
  };
  const response = await ask(`${daybook.url}/v1/chat/completions`, init(body, stop.signal));
  const reader = response.body?.getReader();
  await reader?.read();
  stop.abort();
  await assert.rejects(async () => {
    for (;;) if ((await reader?.read())?.done) return;
  });
  await assert.rejects(ask("http://127.0.0.1:1/v1/chat/completions", init(body)));
  const events = await taken(recorder, heard);
  assert.deepEqual(
    events.map(({ status, error_code, backend_type }) => [status, error_code, backend_type]),
    [
      ["cancelled", "client_disconnected", "local"],
      ["error", "provider_unreachable", "local"],
    ],
  );
});

/** The shapes of both SDKs, as far as they are used. */
interface McpServer {
  registerTool(name: string, about: object, run: (given: Record<string, unknown>) => Promise<object>): void;
  registerResource(name: string, template: unknown, about: object, read: (uri: URL) => Promise<object>): void;
  connect(transport: unknown): Promise<void>;
  close(): Promise<void>;
}
interface McpClient {
  connect(transport: unknown): Promise<void>;
  callTool(call: object): Promise<{ isError?: boolean }>;
  listTools(): Promise<unknown>;
  listResourceTemplates(): Promise<unknown>;
  readResource(about: object): Promise<unknown>;
  close(): Promise<void>;
}

const GENERATIONS = {
  "sdk 1.x": {
    load: () => ({
      ...engines("@modelcontextprotocol/sdk/server/mcp.js"),
      ...engines("@modelcontextprotocol/sdk/client/index.js"),
      ...engines("@modelcontextprotocol/sdk/inMemory.js"),
    }),
    schema: (shape: z.ZodRawShape): unknown => shape,
  },
  "server 2.x": {
    load: () => ({ ...engines("@modelcontextprotocol/server"), ...engines("@modelcontextprotocol/client") }),
    schema: (shape: z.ZodRawShape): unknown => z.object(shape),
  },
};

for (const [generation, { load, schema }] of Object.entries(GENERATIONS)) {
  test(`auditMcpServer, ${generation}: one event for each call, read and refusal`, async (t) => {
    const { McpServer, Client, InMemoryTransport, ResourceTemplate } = load();
    const { recorder, heard } = await recording(t);
    let ran = 0;
    const server = new McpServer({ name: "tools", version: "1.0.0" }) as McpServer;
    const inputSchema = schema({ city: z.string(), password: z.string().optional() });
    server.registerTool("weather", { inputSchema }, async ({ city }) => {
      ran++;
      if (city === "Nowhere") throw new Error("CANARY");
      return { content: [{ type: "text", text: "CANARY" }] };
    });
    server.registerResource(
      "file",
      new ResourceTemplate("notes://{name}", { list: undefined }),
      {},
      async (uri) => ({
        contents: [{ uri: uri.href, text: "CANARY" }],
      }),
    );
    auditMcpServer(server, {
      recorder,
      name: "tools",
      about: () => ({ userId: "ann" }),
      rulings: {
        decide: ({ arguments: given }) =>
          (given as { city?: string } | undefined)?.city === "Forbidden"
            ? { decision: "deny", reason: "Not there.", policies: ["p"] }
            : { decision: "n/a", reason: null, policies: [] },
      },
    });
    const [ofClient, ofServer] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "test", version: "1.0.0" }) as McpClient;
    await Promise.all([server.connect(ofServer), client.connect(ofClient)]);
    await client.listTools();
    await client.listResourceTemplates();
    await client.callTool({ name: "weather", arguments: { city: "Bern", password: "CANARY" } });
    assert.equal((await client.callTool({ name: "weather", arguments: { city: "Nowhere" } })).isError, true);
    await client.readResource({ uri: "notes://CANARY" });
    await assert.rejects(client.callTool({ name: "weather", arguments: { city: "Forbidden" } }), /Not there/);
    await assert.rejects(client.readResource({ uri: "other://nothing" }));
    await client.close();
    await server.close();
    const events = await taken(recorder, heard);
    assert.equal(ran, 2, "what is denied does not run");
    assert.deepEqual(
      events.map((e) => [e.action, e.name, e.status, e.error_code, e.input_json]),
      [
        ["tool", "weather", "success", null, '{"city":"Bern","password":"[REDACTED]"}'],
        ["tool", "weather", "error", "tool_error", '{"city":"Nowhere"}'],
        ["resource", "notes://{name}", "success", null, null],
        ["tool", "weather", "error", "policy_denied", '{"city":"Forbidden"}'],
        ["resource", "other://nothing", "error", "protocol_error", null],
      ],
    );
    for (const event of events)
      assert.deepEqual([event.kind, event.provider, event.user_id], ["mcp", "tools", "ann"]);
    assert.deepEqual([events[3]?.policy_decision, events[3]?.policy_reason], ["deny", "Not there."]);
    assert.match(events[4]?.error_type ?? "", /^jsonrpc\.-\d+$/);
    assert.ok(!JSON.stringify(events).includes("CANARY"));
  });
}

test("aiTelemetry: each call of a model and a tool of the AI SDK", async (t) => {
  const { recorder, heard } = await recording(t);
  const ai = engines("ai");
  const { MockLanguageModelV4 } = engines("ai/test");
  const usage = {
    inputTokens: { total: 7, noCache: 4, cacheRead: 3 },
    outputTokens: { total: 5, text: 5, reasoning: 0 },
  };
  let calls = 0;
  const model = new MockLanguageModelV4({
    provider: "openai.responses",
    modelId: "gpt-test",
    doGenerate: async () => {
      calls++;
      if (calls === 3) throw new TypeError("CANARY");
      const toolCall = {
        type: "tool-call",
        toolCallId: "c1",
        toolName: "weather",
        input: '{"city":"CANARY"}',
      };
      const text = { type: "text", text: "CANARY" };
      const finishReason = calls === 1 ? "tool-calls" : "stop";
      return {
        content: [calls === 1 ? toolCall : text],
        finishReason: { unified: finishReason, raw: finishReason },
        usage,
        warnings: [],
      };
    },
  });
  const telemetry: AiTelemetry = aiTelemetry({ recorder, about: () => ({ userId: "ann" }) });
  const settings = {
    model,
    prompt: "CANARY",
    maxRetries: 0,
    telemetry: { isEnabled: true, integrations: [telemetry] },
  };
  const tools = {
    weather: ai.tool({ inputSchema: z.object({ city: z.string() }), execute: async () => "CANARY" }),
  };
  await ai.generateText({ ...settings, tools, stopWhen: ai.isStepCount(2) });
  await assert.rejects(ai.generateText(settings));
  const events = await taken(recorder, heard);
  assert.deepEqual(
    events.map((e) => [e.kind, e.action, e.name ?? e.model, e.status, e.error_type, e.finish_reason]),
    [
      ["inference", "chat", "gpt-test", "success", null, "tool-calls"],
      ["exec", "tool", "weather", "success", null, null],
      ["inference", "chat", "gpt-test", "success", null, "stop"],
      ["inference", "chat", "gpt-test", "error", "TypeError", null],
    ],
  );
  const [first] = events;
  assert.deepEqual(
    [
      first?.prompt_tokens,
      first?.completion_tokens,
      first?.cached_tokens,
      first?.backend_type,
      first?.user_id,
    ],
    [7, 5, 3, "openai", "ann"],
  );
  assert.ok(!JSON.stringify(events).includes("CANARY"));
});
