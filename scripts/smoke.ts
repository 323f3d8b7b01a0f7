// The whole of a Daybook's everyday, once, against one that runs: a login, a key, providers, a route, credit, requests
// and what they leave. Needs nothing but the runtime: `npm run smoke -- http://127.0.0.1:4141`, with an admin token in
// DAYBOOK_TOKEN. It brings its own provider, and takes away again what it made.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";

const base = (process.argv[2] ?? "http://127.0.0.1:4141").replace(/\/+$/, "");
const token = process.env.DAYBOOK_TOKEN ?? "";
const own = `smoke-${Date.now().toString(36)}`;
let steps = 0;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the answer is, a step that misses something in it fails
  readonly json: any;
}

async function ask(
  method: string,
  path: string,
  as: Record<string, string>,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(base + path, {
    method,
    headers: { ...as, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
}

/** The list at `path` once it has `count` events, or as it is after ten seconds: events are shipped a moment later. */
async function shipped(path: string, as: Record<string, string>, count: number): Promise<Answer> {
  for (const givesUpAt = Date.now() + 10_000; ; ) {
    const answer = await ask("GET", path, as);
    if (answer.json?.length >= count || Date.now() > givesUpAt) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One step: it fails with `what` unless the answer has `status` and `holds` says so. */
async function step(
  what: string,
  status: number,
  answer: Promise<Answer>,
  holds: (answer: Answer) => boolean = () => true,
): Promise<Answer> {
  const got = await answer;
  if (got.status !== status || !holds(got))
    throw new Error(`${what}: ${got.status}, not ${status} as it should be. ${got.text.slice(0, 300)}`);
  steps++;
  process.stdout.write(`ok ${steps} ${what}\n`);
  return got;
}

const USAGE = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: "c",
  object: "chat.completion.chunk",
  created: 1,
  model: "there",
  choices: [{ index: 0, delta, finish_reason }],
});

/** A provider on this machine that lists two models and answers chat, whole or streamed. */
const provider = createServer(async (request, response) => {
  if (request.url === "/v1/models") {
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ object: "list", data: [{ id: "there" }, { id: "another" }, { id: "there" }] }),
    );
    return;
  }
  const { stream, stream_options: options } = JSON.parse(await textOf(request)) as {
    stream?: boolean;
    stream_options?: { include_usage?: boolean };
  };
  if (!stream) {
    const message = { role: "assistant", content: "Hello." };
    response.setHeader("content-type", "application/json");
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    response.end(JSON.stringify({ ...chunk({}), object: "chat.completion", choices, usage: USAGE }));
    return;
  }
  response.setHeader("content-type", "text/event-stream");
  const events: object[] = [
    chunk({ role: "assistant", content: "Hello" }),
    chunk({ content: "." }),
    chunk({}, "stop"),
  ];
  if (options?.include_usage) events.push({ ...chunk({}), choices: [], usage: USAGE });
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  response.end("data: [DONE]\n\n");
});

async function run(): Promise<void> {
  if (token === "") throw new Error("Set DAYBOOK_TOKEN to an admin token.");
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const mock = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const root = { authorization: `Bearer ${token}` };
  const password = crypto.randomUUID();
  const { json: user } = await step(
    "a user is made",
    201,
    ask("POST", "/admin/users", root, { name: own, role: "admin", password }),
  );
  const undo: (() => Promise<unknown>)[] = [() => ask("DELETE", `/admin/users/${user.id}`, root)];
  try {
    await everyday(user.id, password, mock, undo);
    await step(
      "the trail has an event for each request",
      200,
      shipped(`/admin/audit-logs?kind=inference&user_id=${user.id}`, root, 2),
      ({ json }) =>
        json.length === 2 && json.every((event: { status: string }) => event.status === "success"),
    );
  } finally {
    for (const take of undo.reverse()) await take();
  }
}

async function everyday(
  userId: string,
  password: string,
  mock: string,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  const login = await step("admin login", 200, ask("POST", "/auth/login", {}, { name: own, password }));
  const cookie = (login.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const admin = { cookie, "sec-fetch-site": "same-origin" };
  await step("who am I", 200, ask("GET", "/me", admin), ({ json }) => json.role === "admin");

  const key = await step(
    "API key creation",
    201,
    ask("POST", "/admin/api-keys", admin, { name: own, user_id: userId }),
  );
  undo.push(() => ask("DELETE", `/admin/api-keys/${key.json.id}`, { authorization: `Bearer ${token}` }));
  for (const [name, base_url] of [
    [own, mock],
    [`${own}-v1`, `${mock}/v1/`],
  ] as const) {
    const made = { name, backend_type: "acme", protocols: ["openai"], base_url, api_key: "sk-of-the-smoke" };
    await step(
      `provider connection creation (${name === own ? "without" : "with"} /v1)`,
      201,
      ask("POST", "/admin/provider-connections", admin, made),
      ({ json, text }) => json.api_key_stored === true && !text.includes("sk-of-the-smoke"),
    );
    undo.push(() => ask("DELETE", `/admin/providers/${name}`, { authorization: `Bearer ${token}` }));
    await step(
      "model sync",
      200,
      ask("POST", `/admin/providers/${name}/sync`, admin),
      ({ json }) => json.models.join() === "another,there",
    );
  }
  const model = `${own}-model`;
  const made = await step(
    "model route creation",
    201,
    ask("POST", "/admin/model-routes", admin, {
      model,
      providers: [{ provider: own, upstream_model: "there" }],
      price: { prompt_per_million: 1000, completion_per_million: 2000 },
    }),
  );
  undo.push(() => ask("DELETE", `/admin/routes/${made.json.id}`, { authorization: `Bearer ${token}` }));
  await step(
    "which route would this take?",
    200,
    ask("GET", `/admin/routes/resolve?model=${model}`, admin),
    ({ json }) => json.route.model === model && json.providers[0].provider === own,
  );
  await step(
    "credit grant",
    201,
    ask("POST", `/admin/users/${userId}/credits/grant`, admin, {
      amount_microcredits: 1_000_000,
      reason: "smoke",
    }),
  );
  await asClient({ authorization: `Bearer ${key.json.secret}` }, model);
  await step("GET /metrics", 200, ask("GET", "/metrics", admin), ({ text }) => text.includes("# TYPE"));
  await step("logout", 204, ask("POST", "/auth/logout", admin));
}

async function asClient(client: Record<string, string>, model: string): Promise<void> {
  await step("GET /v1/models", 200, ask("GET", "/v1/models", client), ({ json }) =>
    json.data.some(({ id }: { id: string }) => id === model),
  );
  const chat = { model, max_tokens: 16, messages: [{ role: "user", content: "Hello?" }] };
  await step(
    "POST /v1/chat/completions",
    200,
    ask("POST", "/v1/chat/completions", client, chat),
    ({ json, headers }) => json.usage.total_tokens === 15 && headers.get("x-request-id") !== null,
  );
  await step(
    "POST /v1/chat/completions, streamed",
    200,
    ask("POST", "/v1/chat/completions", client, { ...chat, stream: true }),
    ({ text }) => text.includes("Hello") && text.trimEnd().endsWith("data: [DONE]"),
  );
  await step("GET /v1/usage", 200, ask("GET", "/v1/usage", client));
  // Twice 12 prompt tokens at 1000 and 3 completion tokens at 2000 micros.
  const spent = 2 * (12 * 1000 + 3 * 2000);
  await step(
    "GET /v1/credits",
    200,
    ask("GET", "/v1/credits", client),
    ({ json }) => json.balance_microcredits === 1_000_000 - spent,
  );
}

try {
  await run();
  process.stdout.write(`All ${steps} steps are well.\n`);
} catch (error) {
  process.stderr.write(`not ok ${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  provider.close();
  provider.closeAllConnections();
}
