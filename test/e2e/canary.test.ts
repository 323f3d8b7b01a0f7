// Canaries: unique strings wherever content or secrets can stand, and then none of them in any byte of any file,
// log, metric or answer of the API.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { request } from "undici";
import { openSimulator } from "../../src/simulator/simulator.ts";
import { ADMIN_TOKEN, API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { rawPost, sendRaw } from "../support/raw-socket.ts";
import { openErringProvider, plantedErrors, WAYS } from "./planted-errors.ts";

const CHAT = "/v1/chat/completions";
const planted: string[] = [];

/** A string that nothing else holds, and that no pattern of an id would refuse for its characters alone. */
function canary(place: string): string {
  const text = `CNRY${planted.length}x${place.replaceAll(/\W/g, "")}xYRNC`;
  planted.push(text);
  return text;
}

/** Every string and key of a request in which content can stand. */
function plantedBody(more: Record<string, unknown> = {}): Record<string, unknown> {
  const c = canary;
  return {
    model: "demo",
    messages: [
      { role: "system", content: c("system"), name: c("name") },
      {
        role: "user",
        content: [
          { type: "text", text: c("part") },
          { type: "image_url", image_url: { url: `data:image/png;base64,${c("image")}` } },
        ],
      },
      {
        role: "assistant",
        content: c("assistant"),
        tool_calls: [
          {
            id: c("callid"),
            type: "function",
            function: {
              name: c("toolname"),
              arguments: JSON.stringify({ q: c("toolarg"), [c("toolkey")]: 1 }),
            },
          },
        ],
      },
      { role: "tool", tool_call_id: c("toolcallid"), content: c("toolresult") },
      { role: c("role"), content: c("oddrole") },
      { role: "user", content: "How are you?" },
    ],
    tools: [
      {
        type: "function",
        function: {
          name: c("tooldef"),
          description: c("tooldescription"),
          parameters: {
            type: "object",
            properties: {
              [c("parameter")]: {
                description: c("parameterdescription"),
                enum: [c("enum")],
                default: c("default"),
              },
            },
          },
        },
      },
    ],
    tool_choice: { type: "function", function: { name: c("toolchoice") } },
    response_format: {
      type: "json_schema",
      json_schema: { name: c("schemaname"), schema: { description: c("schema") } },
    },
    metadata: { [c("metadatakey")]: c("metadata") },
    user: c("user"),
    stop: [c("stop")],
    prediction: { type: "content", content: c("prediction") },
    logit_bias: { [c("logitbias")]: 1 },
    safety_identifier: c("safety"),
    prompt_cache_key: c("cachekey"),
    service_tier: c("tier"),
    [c("memberkey")]: c("member"),
    ...more,
  };
}

/** The same at the other endpoints, and in what is passed through. */
function otherBodies(model: string, stream: boolean): readonly (readonly [path: string, body: object])[] {
  const c = canary;
  const common = { model, stream, metadata: { [c("key")]: c("value"), user_id: c("userid") } };
  const image = { type: "base64", media_type: "image/png", data: c("picture") };
  const tool = { name: c("tool"), description: c("about"), input_schema: { title: c("title") } };
  return [
    [
      "/v1/completions",
      { ...common, prompt: [c("prompt"), c("second")], suffix: c("suffix"), user: c("user") },
    ],
    ["/v1/embeddings", { model, input: [c("input"), c("other")], user: c("user") }],
    [
      "/v1/responses",
      {
        ...common,
        instructions: c("instructions"),
        input: [
          { role: "user", content: [{ type: "input_text", text: c("text") }] },
          { type: "function_call_output", call_id: c("call"), output: c("output"), content: c("content") },
        ],
        tools: [{ type: "function", name: c("function"), parameters: { description: c("parameters") } }],
        previous_response_id: c("previous"),
        conversation: c("conversation"),
        prompt_cache_key: c("cache"),
      },
    ],
    [
      "/v1/messages",
      {
        ...common,
        max_tokens: 99,
        system: [{ type: "text", text: c("system") }],
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: c("question") },
              { type: "image", source: image },
            ],
          },
          {
            role: "assistant",
            content: [{ type: "tool_use", id: c("use"), name: c("used"), input: { [c("k")]: c("v") } }],
          },
          { role: "user", content: [{ type: "tool_result", tool_use_id: c("use"), content: c("result") }] },
        ],
        tools: [tool],
        stop_sequences: [c("stop")],
        container: c("container"),
      },
    ],
    [
      "/v1/messages/count_tokens",
      { model, system: c("system"), messages: [{ role: "user", content: c("counted") }] },
    ],
    [`/v1/files/${c("fileid")}?purpose=${c("purpose")}`, { file: c("file") }],
    [`/v1/models/${c("modelid")}`, { [c("nobody")]: 1 }],
  ];
}

function plantedHeaders(): Record<string, string> {
  const c = canary;
  return {
    "user-agent": c("useragent"),
    cookie: `session=${c("cookie")}; ${c("cookiename")}=1`,
    referer: `https://example.com/?q=${c("referer")}`,
    origin: `https://${c("origin")}.example.com`,
    "accept-language": c("language"),
    "x-forwarded-for": c("forwarded"),
    "x-custom": c("custom"),
    "openai-organization": c("organization"),
    "openai-beta": c("beta"),
    "idempotency-key": c("idempotency"),
    "anthropic-beta": c("anthropicbeta"),
    "x-api-key": c("otherkey"),
    "x-stainless-lang": c("stainless"),
    traceparent: c("traceparent"),
    "x-request-id": `not an id: ${c("requestid")}`,
    "x-trace-id": `not an id: ${c("traceid")}`,
    "proxy-authorization": `Basic ${c("proxyauth")}`,
    from: c("from"),
  };
}

/** A provider that puts canaries wherever an answer has room, as success, stream and error. */
async function plantedProvider() {
  const c = canary;
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on("end", () => {
      const error = {
        error: {
          message: c("errormessage"),
          type: c("errortype"),
          code: c("errorcode"),
          param: c("errorparam"),
        },
      };
      const headers = {
        "content-type": "application/json",
        "set-cookie": c("setcookie"),
        "x-upstream": c("upstreamheader"),
        "x-request-id": `no id ${c("upstreamid")}`,
      };
      const answer = {
        id: c("answerid"),
        model: `no model: ${c("servedmodel")}`,
        choices: [{ message: { content: c("answer"), refusal: c("refusal") }, finish_reason: c("finish") }],
        usage: { prompt_tokens: 1, completion_tokens: 1, [c("usagekey")]: c("usage") },
      };
      const kind = incoming.headers.accept;
      if (kind === "error") response.writeHead(418, c("reason"), headers).end(JSON.stringify(error));
      else if (kind === "text")
        response.writeHead(500, { "content-type": "text/plain" }).end(c("plainerror"));
      else if (kind === "stream") {
        response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
        response.write(
          `: ${c("comment")}\n\nevent: ${c("eventname")}\nid: ${c("eventid")}\ndata: ${JSON.stringify({ ...answer, usage: null })}\n\n`,
        );
        response.end(`data: ${JSON.stringify(error)}\n\n`);
      } else response.writeHead(200, headers).end(JSON.stringify(answer));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: () => server.close(),
  };
}

async function send(
  daybook: TestDaybook,
  body: unknown,
  headers: Record<string, string> = {},
  path = CHAT,
): Promise<void> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await request(daybook.url + path, {
    method: "POST",
    body: text,
    headers: { authorization: `Bearer ${API_KEY}`, ...headers },
  });
  await answer.body.text().catch(() => {});
}

/** Each of the providers' errors, in every way that it can come, in both dialects. */
async function sendErrors(daybook: TestDaybook, errors: ReturnType<typeof plantedErrors>): Promise<void> {
  for (const number of errors.keys()) {
    for (const way of WAYS) {
      for (const path of [CHAT, "/v1/messages"]) {
        const requestId = `erring-${way}-${number}-${path.length}`;
        const headers = { "idempotency-key": `${way}.${number}`, "x-request-id": requestId };
        const body = { model: "erring", max_tokens: 9, messages: [], stream: way === "stream" };
        await send(daybook, body, headers, path);
      }
    }
  }
  const events = await daybook.events("model=erring");
  assert.equal(events.length, 2 * WAYS.length * errors.length);
  for (const { request_id: id, error_code, error_type } of events) {
    const [, way, number] = id.split("-");
    const { name, errorType } = errors[Number(number)] as (typeof errors)[number];
    if (way === "error") assert.deepEqual([error_code, error_type], ["provider_error", errorType], name);
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile());
}

/** How each of the forms below begins: nothing that lacks all of them need be searched for every canary. */
const ANY_FORM = /CNRY|Q05SW|434e5259/i;

/** Where any form of a canary stands in `bytes`. */
function found(bytes: Buffer): string[] {
  const text = bytes.toString("latin1");
  if (!ANY_FORM.test(text)) return [];
  return planted.filter((secret) =>
    [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64").replace(/=+$/, ""),
      Buffer.from(secret).toString("hex"),
    ].some((form) => text.includes(form)),
  );
}

test("no canary in any byte that Daybook keeps or shows", async (t) => {
  const echoing = await openSimulator({ defaults: { failure: "echo" } });
  const planting = await plantedProvider();
  const providerErrors = plantedErrors(canary);
  const erring = await openErringProvider(providerErrors);
  t.after(async () => {
    await echoing.close();
    planting.close();
    erring.close();
  });
  const errors: string[] = [];
  t.mock.method(process.stderr, "write", (text: string | Uint8Array) => errors.push(String(text)) > 0);
  const daybook = await startDaybook(t, {
    yaml: `
providers:
  - { name: sim, backend_type: simulated }
  - { name: echo, backend_type: local, protocols: [openai, anthropic], base_url: "${echoing.url}", api_key: "${canary("providerkey")}", pass_through: [/v1/files/] }
  - { name: plant, backend_type: local, protocols: [openai, anthropic], base_url: "${planting.url}" }
  - { name: erring, backend_type: local, protocols: [openai, anthropic], base_url: "${erring.url}", retries: { max: 0 }, breaker: { failures: 0 } }
routes:
  - { model: demo, providers: [{ provider: sim }] }
  - { model: echo, providers: [{ provider: echo }] }
  - { model: plant, providers: [{ provider: plant }] }
  - { model: erring, providers: [{ provider: erring }] }
`,
  });
  const before = planted.length;
  for (const stream of [false, true]) {
    await send(daybook, plantedBody({ stream }), plantedHeaders(), `${CHAT}?q=${canary("query")}`);
    await send(daybook, plantedBody({ model: "echo", stream }), plantedHeaders());
    await send(daybook, plantedBody({ model: `a prompt by mistake: ${canary("model")}`, stream }));
    for (const accept of ["ok", "error", "text", "stream"])
      await send(daybook, plantedBody({ model: "plant", stream }), { ...plantedHeaders(), accept });
  }
  for (const stream of [false, true])
    for (const model of ["demo", "echo", "plant"])
      for (const [path, body] of otherBodies(model, stream))
        await send(daybook, body, plantedHeaders(), path);
  await sendErrors(daybook, providerErrors);
  await send(daybook, `{"messages": ["${canary("badjson")}`);
  await send(daybook, { model: canary("longmodel").repeat(20), messages: [] });
  await send(daybook, { model: "demo", messages: canary("badmessages"), [canary("twice")]: 1 });
  await send(daybook, plantedBody(), { authorization: `Bearer dbk_${canary("wrongkey")}` });
  await send(daybook, plantedBody(), { authorization: `Basic ${canary("basic")}` });
  await send(daybook, plantedBody(), {}, `/v1/${canary("path")}/x?y=${canary("pathquery")}`);
  await send(daybook, "{}", {}, `/${canary("apipath")}`);
  await daybook.get(`/admin/audit-logs?${canary("unknownparameter")}=${canary("unknownvalue")}`);
  await daybook.get(`/admin/audit-logs/${canary("eventid")}`);
  await daybook.get(`/admin/audit-logs?user_id=${canary("filter")}`);
  await request(`${daybook.url}/admin/audit-logs`, {
    headers: { authorization: `Bearer dbt_${canary("wrongtoken")}` },
  }).then(({ body }) => body.dump());
  await sendRaw(
    daybook.url,
    `BREW /${canary("malformed")} HTCPCP/1.0\r\n${canary("malformedheader")}\r\n\r\n`,
  );
  await sendRaw(
    daybook.url,
    rawPost(CHAT, "x", { [canary("headername")]: "1", Expect: canary("expect") }),
    (text) => text.includes("\r\n\r\n"),
  );
  const { socket } = await sendRaw(
    daybook.url,
    rawPost(CHAT, JSON.stringify(plantedBody()), { Authorization: `Bearer ${API_KEY}` }).slice(0, -40),
    () => true,
  );
  socket.destroy();
  assert.ok(planted.length - before > 60 && planted.length > 400, `${planted.length} planted`);

  const events = await daybook.events("include=system");
  assert.ok(events.length > 25, "the requests were recorded");
  const places: [string, Buffer][] = [["stderr", Buffer.from(errors.join(""))]];
  for (const path of [
    "/admin/audit-logs?limit=1000&include=system",
    "/admin/audit-logs/stats?include=system",
    "/metrics",
    "/readyz",
    "/healthz",
  ]) {
    places.push([path, Buffer.from((await daybook.get(path)).text)]);
  }
  const cli = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));
  const env = { PATH: process.env.PATH, DAYBOOK_HOME: daybook.home, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [cli, "log", "--json", "--include-system"],
    { env },
  );
  places.push(["daybook log", Buffer.from(stdout + stderr)]);
  await daybook.settle();
  const running = filesBelow(daybook.home).filter((path) => !path.endsWith("daybook.yaml"));
  for (const path of running) places.push([`${path} (running)`, readFileSync(path)]);
  await daybook.server.close(0);
  for (const path of filesBelow(daybook.home).filter((path) => !path.endsWith("daybook.yaml")))
    places.push([path, readFileSync(path)]);
  assert.ok(
    running.some((path) => path.endsWith(".journal")) && running.some((path) => path.endsWith("-wal")),
  );
  for (const [place, bytes] of places) assert.deepEqual(found(bytes), [], place);
});
