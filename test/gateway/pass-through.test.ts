// Paths that a provider passes through: bodies both ways byte for byte, one event each, and nothing of them kept.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";
import { request } from "undici";
import { Routes } from "../../src/gateway/routes.ts";
import { sendRaw } from "../support/raw-socket.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import {
  KEY,
  provider,
  route,
  type ServedGateway,
  type ServedOptions,
  serveGateway,
} from "./served-gateway.ts";

const SPEECH = randomBytes(300_000);

async function served(
  t: TestContext,
  more: Partial<ServedOptions> = {},
): Promise<{ gateway: ServedGateway; upstream: Upstream }> {
  const upstream = await startUpstream(t, (response, { method, path }) => {
    if (path.startsWith("/v1/audio/")) response.writeHead(200, { "content-type": "audio/mpeg" }).end(SPEECH);
    else if (method === "DELETE") response.writeHead(204).end();
    else
      response
        .writeHead(404, { "content-type": "application/json" })
        .end('{"error":{"code":"model_not_found"}}');
  });
  const up = provider("up", upstream.url, {
    pass_through: ["/v1/audio/", "/v1/files"],
    api_key: "upstream-key",
  });
  const routes = new Routes([provider("other", "http://127.0.0.1:9"), up], [route("demo", ["other"])]);
  return { gateway: await serveGateway(t, { routes, ...more }), upstream };
}

const ask = (
  gateway: ServedGateway,
  method: "GET" | "POST" | "DELETE" | "HEAD",
  path: string,
  body?: Buffer,
) =>
  request(gateway.url + path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "multipart/form-data; boundary=x" },
    ...(body === undefined ? {} : { body }),
  });

for (const mode of ["open", "strict"] as const) {
  test(`${mode}: bodies pass both ways as they are`, async (t) => {
    const { gateway, upstream } = await served(t, { mode });
    const voice = randomBytes(200_000);
    const answer = await ask(gateway, "POST", "/v1/audio/transcriptions?verbose=1", voice);
    assert.deepEqual(Buffer.from(await answer.body.arrayBuffer()), SPEECH);
    assert.equal(answer.headers["content-type"], "audio/mpeg");
    const [asked] = upstream.asked;
    assert.ok(asked?.body.equals(voice));
    assert.deepEqual(
      [asked?.method, asked?.path, asked?.headers["content-type"], asked?.headers.authorization],
      [
        "POST",
        "/v1/audio/transcriptions?verbose=1",
        "multipart/form-data; boundary=x",
        "Bearer upstream-key",
      ],
    );
    const [event] = await gateway.events();
    assert.deepEqual(
      [
        event?.kind,
        event?.action,
        event?.endpoint,
        event?.method,
        event?.status,
        event?.provider,
        event?.model,
      ],
      ["inference", "pass_through", "/v1/audio/", "POST", "success", "up", null],
    );
    assert.ok((event?.request_size ?? 0) > 200_000 && (event?.response_size ?? 0) > 300_000);
    assert.deepEqual([event?.prompt_tokens, event?.total_tokens], [null, null]);
  });

  test(`${mode}: any method, and answers without a body`, async (t) => {
    const { gateway } = await served(t, { mode });
    const deleted = await ask(gateway, "DELETE", "/v1/files/file-1");
    assert.deepEqual([deleted.statusCode, await deleted.body.text()], [204, ""]);
    const head = await ask(gateway, "HEAD", "/v1/audio/x");
    assert.equal(head.statusCode, 200);
    const missing = await ask(gateway, "GET", "/v1/files/none");
    assert.equal(missing.statusCode, 404);
    await missing.body.dump();
    const events = await gateway.events();
    assert.deepEqual(
      events.map(({ method, status_code, error_type, endpoint }) => [
        method,
        status_code,
        error_type,
        endpoint,
      ]),
      [
        ["DELETE", 204, null, "/v1/files"],
        ["HEAD", 200, null, "/v1/audio/"],
        ["GET", 404, "model_not_found", "/v1/files"],
      ],
    );
  });
}

test("what nobody lists is not found, and no step leads out of a prefix", async (t) => {
  const { gateway, upstream } = await served(t);
  const paths = [
    "/v1/images/generations",
    "/v1/audio/../chat/completions",
    "/v1/audio/%2e%2e/models",
    "/v1/audio/..%2f/x/../..",
    "/v1/audio/x\\..\\..\\y",
  ];
  for (const path of paths) {
    const text = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${KEY}\r\n\r\n`;
    assert.match((await sendRaw(gateway.url, text)).text, /^HTTP\/1.1 404 /, path);
  }
  assert.equal(upstream.asked.length, 0);
  const events = await gateway.events();
  assert.deepEqual(new Set(events.map(({ error_code }) => error_code)), new Set(["not_found"]));
});

test("our own endpoints are ours, whatever a prefix says", async (t) => {
  const upstream = await startUpstream(t, (response) => response.end());
  const up = provider("up", upstream.url, { pass_through: ["/v1/chat/", "/v1/models"] });
  const gateway = await serveGateway(t, { routes: new Routes([up], []) });
  const { status } = await gateway.post("/v1/chat/completions", { model: "none", messages: [] });
  assert.deepEqual([status, upstream.asked.length], [404, 0]);
});

test("a key that is for certain models passes nothing through", async (t) => {
  const { gateway, upstream } = await served(t, { key: { id: "key_1", userId: null, models: ["demo"] } });
  const answer = await ask(gateway, "GET", "/v1/files");
  assert.equal(answer.statusCode, 403);
  await answer.body.dump();
  assert.equal(upstream.asked.length, 0);
});

test("a body is on its way before it is whole, and a client that leaves it so ends it upstream", async (t) => {
  let began = false;
  let closed = false;
  const { createServer } = await import("node:http");
  const server = createServer((incoming) => {
    incoming.once("data", () => (began = true));
    incoming.once("close", () => (closed = true));
    incoming.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const up = provider("up", `http://127.0.0.1:${port}`, { pass_through: ["/v1/files"] });
  const gateway = await serveGateway(t, { routes: new Routes([up], []) });
  const socket = connect({ port: Number(new URL(gateway.url).port), host: "127.0.0.1" });
  const head = `POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: 100000\r\n\r\n`;
  socket.write(`${head}${"x".repeat(50_000)}`);
  await until(() => began);
  socket.destroy();
  await until(() => closed);
  const [event] = await gateway.events();
  assert.deepEqual([event?.status, event?.error_code], ["cancelled", "client_disconnected"]);
  assert.ok((event?.request_size ?? 0) > 50_000);
});

for (const [end, answer, status] of [
  ["answered", "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}", 413],
  ["too late", "", 504],
] as const) {
  test(`an upload whose request is over before it is whole (${end}) leaves the connection to the next`, async (t) => {
    // It reads what comes first and nothing more.
    const server = createTcpServer((socket) => {
      socket
        .on("error", () => {})
        .once("data", () => {
          socket.pause();
          socket.write(answer);
        });
      t.after(() => socket.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    const up = provider("up", `http://127.0.0.1:${port}`, {
      pass_through: ["/v1/files"],
      timeouts_ms: { chat: 500 },
    });
    const gateway = await serveGateway(t, { routes: new Routes([up], []) });
    const socket = connect({ port: Number(new URL(gateway.url).port), host: "127.0.0.1" });
    t.after(() => socket.destroy());
    let answers = "";
    socket.setEncoding("latin1").on("data", (data) => (answers += data));
    const head = `Host: x\r\nAuthorization: Bearer ${KEY}\r\n`;
    const bytes = 20_000_000;
    socket.write(`POST /v1/files HTTP/1.1\r\n${head}Content-Length: ${bytes}\r\n\r\n`);
    socket.write("x".repeat(bytes));
    socket.write(`GET /v1/models HTTP/1.1\r\n${head}\r\n`);
    await until(() => answers.includes('"list"'));
    const events = await gateway.events();
    assert.deepEqual(
      events.map(({ action, status_code }) => [action, status_code]),
      [
        ["pass_through", status],
        ["models", 200],
      ],
    );
  });
}

test("a provider that cannot be reached, and one that is too slow", async (t) => {
  const slow = await startUpstream(t, () => {});
  const routes = new Routes(
    [
      provider("dead", "http://127.0.0.1:9", { pass_through: ["/v1/files"] }),
      provider("slow", slow.url, { pass_through: ["/v1/images/"], timeouts_ms: { chat: 30 } }),
    ],
    [],
  );
  const gateway = await serveGateway(t, { routes });
  for (const [path, status] of [
    ["/v1/files", 502],
    ["/v1/images/x", 504],
  ] as const) {
    const answer = await ask(gateway, "POST", path, Buffer.from("x"));
    assert.equal(answer.statusCode, status);
    await answer.body.dump();
  }
  const events = await gateway.events();
  assert.deepEqual(
    events.map(({ error_code, status }) => [error_code, status]),
    [
      ["provider_unreachable", "error"],
      ["timeout", "timeout"],
    ],
  );
});
