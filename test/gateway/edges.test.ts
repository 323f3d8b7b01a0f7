// The edges of HTTP: what comes half, twice, in other forms or from hostile peers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { API_KEY, chat, chatBody, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { rawPost, sendRaw } from "../support/raw-socket.ts";

const CHAT = "/v1/chat/completions";
const AUTH = { Authorization: `Bearer ${API_KEY}`, Connection: "close" };

async function upstream(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => answer(request, response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `providers: [{ name: up, backend_type: openai, base_url: "http://127.0.0.1:${(server.address() as { port: number }).port}" }]
routes: [{ model: demo, providers: [{ provider: up }] }]
`;
}

const inFlight = ({ server }: TestDaybook) =>
  Object.values(server.recorder.inFlight()).reduce((sum, count) => sum + count, 0);

async function idle(daybook: TestDaybook): Promise<void> {
  while (inFlight(daybook) > 0) await new Promise((resolve) => setImmediate(resolve));
}

for (const mode of ["open", "strict"] as const) {
  test(`${mode}: bursts of more requests than a message holds lose none`, async (t) => {
    const daybook = await startDaybook(t, { yaml: `audit: { modes: { inference: ${mode} } }\n` });
    for (let burst = 0; burst < 2; burst++)
      await Promise.all(Array.from({ length: 600 }, () => chat(daybook.url)));
    await daybook.settle();
    const { text } = await daybook.get("/admin/audit-logs/stats?kind=inference");
    const events = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([events.total_requests, events.by_status], [1200, { success: 1200 }]);
    const { begun, recorded } = daybook.server.recorder.counters.byKind.inference;
    assert.deepEqual([begun, recorded, daybook.server.recorder.inFlight().inference], [1200, 1200, 0]);
  });

  test(`${mode}: sizes are the bytes on the wire`, async (t) => {
    const daybook = await startDaybook(t, {
      yaml: `audit: { modes: { inference: ${mode}, api: ${mode} } }\n`,
    });
    const requests = [
      rawPost(CHAT, chatBody(), { ...AUTH, "x-request-id": "json" }),
      rawPost(CHAT, chatBody({ stream: true, simulate: { completion_tokens: 3 } }), {
        ...AUTH,
        "x-request-id": "stream",
      }),
      rawPost(CHAT, chatBody({ model: "none" }), { ...AUTH, "x-request-id": "refused" }),
      rawPost("/v1/none", "", { ...AUTH, "x-request-id": "unknown" }),
    ];
    for (const text of requests) {
      const answer = await sendRaw(daybook.url, text);
      const [, id = ""] = /x-request-id: (\w+)/.exec(text) ?? [];
      const [event] = await daybook.events(`request_id=${id}`);
      assert.deepEqual([event?.request_size, event?.response_size], [text.length, answer.text.length], id);
    }
  });
}

test("a request that is answered before its body is whole is one event, however the rest ends", async (t) => {
  const daybook = await startDaybook(t);
  const ends = [(head: string) => `${head}half`, (head: string) => head];
  for (const path of [CHAT, "/v1/none", "/admin/none"]) {
    for (const [index, end] of ends.entries()) {
      const before = (await daybook.events()).length;
      const text = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n`;
      const { socket } = await sendRaw(daybook.url, end(text), (received) => received.includes("\r\n\r\n"));
      socket.end();
      if (!socket.closed) await once(socket, "close");
      await idle(daybook);
      assert.equal((await daybook.events()).length, before + 1, `${path} ${index}`);
    }
  }
});

test("garbage behind a request is one event and no answer, however much of it comes", async (t) => {
  const daybook = await startDaybook(t);
  const slow = rawPost(CHAT, chatBody({ stream: true, simulate: { completion_tokens: 20, pace_ms: 5 } }), {
    Authorization: `Bearer ${API_KEY}`,
  });
  const { socket } = await sendRaw(daybook.url, slow, (received) => received.includes("data: "));
  for (let n = 0; n < 30; n++) socket.write("\x00\x01 this is no request\r\n\r\n");
  let rest = "";
  socket.on("data", (data) => (rest += data));
  await once(socket, "close");
  await idle(daybook);
  const events = await daybook.events();
  assert.deepEqual(
    events
      .filter(({ kind }) => kind !== "admin")
      .map(({ error_code }) => error_code)
      .toSorted(),
    ["malformed_http", null].toSorted(),
  );
  assert.doesNotMatch(rest, /HTTP\/1\.1 400/);
});

test("a CONNECT that resets, or stays, harms nobody and does not hold the end up", async (t) => {
  const daybook = await startDaybook(t);
  const { hostname, port } = new URL(daybook.url);
  for (let n = 0; n < 5; n++) {
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, "connect");
    socket.on("error", () => {});
    socket.write(`CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n${"x".repeat(100_000)}`);
    await once(socket, "data");
    if (n < 4) socket.resetAndDestroy();
  }
  assert.equal((await chat(daybook.url)).status, 200);
  assert.equal((await daybook.events("error_code=method_not_allowed")).length, 5);
  await daybook.server.close(0);
});

test("a target in absolute form is the same request", async (t) => {
  const daybook = await startDaybook(t);
  const text = rawPost(`http://daybook.example${CHAT}`, chatBody(), { ...AUTH, "x-request-id": "absolute" });
  assert.match((await sendRaw(daybook.url, text)).text, /^HTTP\/1\.1 200 /);
  const [event] = await daybook.events("request_id=absolute");
  assert.deepEqual([event?.endpoint, event?.status], [CHAT, "success"]);
});

test("an answer compressed against our wish passes as it is", async (t) => {
  const body = gzipSync('data: {"choices":[]}\n\ndata: [DONE]\n\n');
  const yaml = await upstream(t, (_request, response) =>
    response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" }).end(body),
  );
  const daybook = await startDaybook(t, { yaml });
  const { text } = await sendRaw(
    daybook.url,
    rawPost(CHAT, chatBody({ stream: true }), { ...AUTH, "x-request-id": "zip" }),
  );
  assert.ok(text.includes(body.toString("latin1")));
  assert.equal((await daybook.events("request_id=zip"))[0]?.status, "success");
});

test("of a provider's headers only those pass that a client needs", async (t) => {
  const yaml = await upstream(t, (_request, response) =>
    response
      .writeHead(429, {
        "content-type": "application/json",
        "retry-after": "7",
        "x-ratelimit-remaining-requests": "0",
        "set-cookie": "a=b",
        "access-control-allow-origin": "*",
        "clear-site-data": '"*"',
        "x-request-id": "theirs",
        server: "secret-proxy",
        via: "1.1 inside",
        "openai-organization": "org",
      })
      .end("{}"),
  );
  const daybook = await startDaybook(t, { yaml });
  const { headers } = await chat(daybook.url);
  const names = Object.keys(headers).filter(
    (name) => !["date", "connection", "keep-alive", "transfer-encoding"].includes(name),
  );
  assert.deepEqual(names.toSorted(), [
    "content-type",
    "retry-after",
    "x-ratelimit-remaining-requests",
    "x-request-id",
    "x-trace-id",
  ]);
  assert.notEqual(headers["x-request-id"], "theirs");
});

test("a status that is no completion is the provider's error, as sent", async (t) => {
  let status = 204;
  const yaml = await upstream(t, (_request, response) =>
    response.writeHead(status, { location: "/x" }).end(),
  );
  const daybook = await startDaybook(t, { yaml });
  for (status of [204, 301, 304]) {
    await chat(daybook.url, { headers: { "x-request-id": `s${status}` } });
    const [event] = await daybook.events(`request_id=s${status}`);
    assert.deepEqual([event?.status_code, event?.error_code], [status, "provider_error"]);
  }
});
