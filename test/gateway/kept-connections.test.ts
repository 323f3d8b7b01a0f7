// Many requests on one connection, one after the other or pipelined: each is an event of its own, with its own bytes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { API_KEY, chatBody, startDaybook } from "../support/daybook.ts";
import { rawPost, sendRaw } from "../support/raw-socket.ts";
import { until } from "../support/until.ts";

const CHAT = "/v1/chat/completions";
const AUTH = { Authorization: `Bearer ${API_KEY}` };
const named = (id: string, body: string, more: Record<string, string> = {}) =>
  rawPost(CHAT, body, { ...AUTH, "x-request-id": id, ...more });
const slow = (more: object = {}) =>
  chatBody({ stream: true, simulate: { completion_tokens: 20, pace_ms: 10, ...more } });

for (const mode of ["open", "strict"] as const) {
  const yaml = `audit: { modes: { inference: ${mode}, api: ${mode} } }\n`;

  test(`${mode}: a client that leaves while answers wait behind another leaves one event each`, async (t) => {
    const daybook = await startDaybook(t, { yaml });
    const text = [
      named("first", slow({ completion_tokens: 100_000 })),
      named("whole", chatBody()),
      named("streamed", slow({ completion_tokens: 100_000 })),
      "GET /admin/audit-logs/stream HTTP/1.1\r\nHost: x\r\n\r\n",
      `${named("half", chatBody(), { "Content-Length": "10000" })}`,
    ].join("");
    const { socket } = await sendRaw(daybook.url, text, (received) => received.includes("data: "));
    await until(() => daybook.server.recorder.inFlight().inference >= 2);
    socket.destroy();
    await until(() => Object.values(daybook.server.recorder.inFlight()).every((count) => count === 0));
    const events = await daybook.events("kind=inference");
    assert.deepEqual(Object.fromEntries(events.map(({ request_id, status }) => [request_id, status])), {
      first: "cancelled",
      whole: "success",
      streamed: "cancelled",
      half: "cancelled",
    });
    await daybook.server.close(0);
  });

  test(`${mode}: the size of an answer is its own, whatever else the connection has carried`, async (t) => {
    const daybook = await startDaybook(t, { yaml });
    const texts: [string, string][] = [
      ["first", named("first", slow())],
      ["refused", named("refused", chatBody({ model: "none" }))],
      ["whole", named("whole", chatBody())],
      ["", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
      ["streamed", named("streamed", slow({ completion_tokens: 60 }))],
      ["last", named("last", chatBody(), { Connection: "close" })],
    ];
    const { text, socket } = await sendRaw(daybook.url, texts.map(([, text]) => text).join(""));
    if (!socket.closed) await once(socket, "close");
    const answers = text.split(/(?=HTTP\/1\.1 )/);
    assert.equal(answers.length, texts.length);
    const sizes: [string, unknown][] = [];
    for (const [id] of texts) {
      if (id === "") continue;
      const [event] = await daybook.events(`request_id=${id}`);
      sizes.push([id, event?.response_size]);
    }
    const expected = texts.flatMap(([id], index) => (id === "" ? [] : [[id, answers[index]?.length]]));
    assert.deepEqual(sizes, expected);
  });

  test(`${mode}: what the API answers before on the same connection is no part of an answer`, async (t) => {
    const daybook = await startDaybook(t, { yaml });
    const { socket, text: health } = await sendRaw(
      daybook.url,
      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
      (received) => /\r\n\r\n./s.test(received),
    );
    assert.match(health, / 200 /);
    let text = "";
    socket.on("data", (data) => (text += data));
    socket.write(named("after", chatBody(), { Connection: "close" }));
    if (!socket.closed) await once(socket, "close");
    const [event] = await daybook.events("request_id=after");
    assert.equal(event?.response_size, text.length);
  });

  test(`${mode}: sizes are right for HTTP/1.0 and for HEAD`, async (t) => {
    const daybook = await startDaybook(t, { yaml });
    const old = named("old", slow()).replace("HTTP/1.1", "HTTP/1.0");
    const head = `HEAD /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${API_KEY}\r\nx-request-id: head\r\n\r\n`;
    for (const [id, text] of [
      ["old", old],
      ["head", head],
    ] as const) {
      const answer = await sendRaw(daybook.url, text);
      const [event] = await daybook.events(`request_id=${id}`);
      assert.equal(event?.response_size, answer.text.length, id);
    }
  });
}
