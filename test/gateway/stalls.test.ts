// Clients that stop reading, leave, or send a byte now and then, hundreds at once: they cost themselves alone.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { API_KEY, chat, chatBody, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { rawPost } from "../support/raw-socket.ts";

const HUNDREDS = 300;
const OTHERS = 100;
const CHAT = "/v1/chat/completions";
const DEADLINE_MS = 20_000;
const EVENT = `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"${"w".repeat(4000)}"}}]}\n\n`;
/** What a long stream holds before it only stays open: more than sockets hold that nobody reads from. */
const LONG_BYTES = 512 * 1024;
/** Streams without end fill all that the system has for them, some MB each. */
const ENDLESS = 5;

/** More than a system holds of a stream on its way, in the buffers of four sockets. */
const SYSTEM_BYTES = 64 * 1024 * 1024;
const PIECE = EVENT.repeat(8);

interface Streaming {
  readonly yaml: string;
  /** Streams that are open; they do not end by themselves. */
  open(): number;
  /** Bytes of them that were handed to the system. */
  sent(): number;
}

/** A provider of two models: `long`, and `endless`, which goes on as long as somebody takes it. */
async function streamingProvider(t: TestContext): Promise<Streaming> {
  const streams = new Set<ServerResponse>();
  let sent = 0;
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    streams.add(response);
    response.on("close", () => streams.delete(response));
    let left = request.url?.startsWith("/long") ? LONG_BYTES : Number.POSITIVE_INFINITY;
    const fill = () => {
      for (let more = true; more && left > 0 && streams.has(response); left -= PIECE.length) {
        sent += PIECE.length;
        more = response.write(PIECE);
      }
      response.once("drain", fill);
    };
    fill();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    yaml: `providers:
  - { name: demo, backend_type: simulated }
  - { name: long, backend_type: openai, base_url: "http://127.0.0.1:${port}/long" }
  - { name: endless, backend_type: openai, base_url: "http://127.0.0.1:${port}/endless" }
routes:
  - { model: demo, providers: [{ provider: demo }] }
  - { model: long, providers: [{ provider: long }] }
  - { model: endless, providers: [{ provider: endless }] }
`,
    open: () => streams.size,
    sent: () => sent,
  };
}

function post(body: string): string {
  return rawPost(CHAT, body, { Authorization: `Bearer ${API_KEY}` });
}

function connected({ url }: TestDaybook, t: TestContext): Socket {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), noDelay: true });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  return socket;
}

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`not within ${DEADLINE_MS} ms: ${what}`);
    await delay(5);
  }
}

/** Others ask, JSON and streams, and are served whole. */
async function servesOthers({ url }: TestDaybook): Promise<void> {
  const answers = await Promise.all(many(OTHERS, (index) => chat(url, { stream: index % 2 === 0 })));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  for (const { text } of answers) assert.match(text ?? "", /"usage"|\[DONE\]/);
}

/** Every request of the test by status: each has its event, and nothing is in flight. */
async function byStatus(daybook: TestDaybook): Promise<Record<string, number>> {
  const { recorder } = daybook.server;
  await until("all requests are over", () => recorder.inFlight().inference === 0);
  await daybook.settle();
  const { text } = await daybook.get("/admin/audit-logs/stats?kind=inference");
  return (JSON.parse(text) as { by_status: Record<string, number> }).by_status;
}

for (const mode of ["open", "strict"] as const) {
  const audit = `audit: { modes: { inference: ${mode} } }\n`;

  test(`${mode}: clients that stop reading stall nobody else, and stop their own providers`, async (t) => {
    const provider = await streamingProvider(t);
    const daybook = await startDaybook(t, { yaml: provider.yaml + audit });
    const stalled = many(HUNDREDS, (index) => {
      const socket = connected(daybook, t).pause();
      socket.write(post(chatBody({ model: index < ENDLESS ? "endless" : "long", stream: true })));
      return socket;
    });
    await until("all streams have begun", () => provider.open() === HUNDREDS);
    // Whoever is not read from is not written to: in the end not one byte more goes anywhere.
    for (let before = -1; before !== provider.sent(); ) {
      before = provider.sent();
      assert.ok(before < HUNDREDS * LONG_BYTES + ENDLESS * SYSTEM_BYTES, "what is not read piles up");
      await servesOthers(daybook);
    }
    assert.equal(provider.open(), HUNDREDS, "nobody was given up");
    for (const socket of stalled) socket.destroy();
    await until("the providers were let go", () => provider.open() === 0);
    const { success = 0, ...rest } = await byStatus(daybook);
    assert.deepEqual([success % OTHERS, rest], [0, { cancelled: HUNDREDS }]);
  });

  test(`${mode}: clients that leave at any moment stall nobody else, and their providers are let go`, async (t) => {
    const provider = await streamingProvider(t);
    const daybook = await startDaybook(t, { yaml: provider.yaml + audit });
    const request = post(chatBody({ model: "long", stream: true }));
    const leavers = many(HUNDREDS, async (index) => {
      const socket = connected(daybook, t);
      await once(socket, "connect");
      // A third while they ask, a third before the first byte, a third amid the answer.
      if (index % 3 === 0)
        await new Promise<void>((sent) => socket.write(request.slice(0, -5), () => sent()));
      else if (index % 3 === 1) await new Promise<void>((sent) => socket.write(request, () => sent()));
      else {
        socket.write(request);
        await once(socket, "data");
      }
      socket.resetAndDestroy();
    });
    const [others] = await Promise.all([servesOthers(daybook), ...leavers]);
    assert.equal(others, undefined);
    await until("the providers were let go", () => provider.open() === 0);
    await servesOthers(daybook);
    const { success, cancelled = 0, ...rest } = await byStatus(daybook);
    assert.deepEqual([success, rest], [2 * OTHERS, {}]);
    // Who left before the server had read the head of the request has asked for nothing yet.
    assert.ok(cancelled >= HUNDREDS / 3 && cancelled <= HUNDREDS, `${cancelled} of ${HUNDREDS} had asked`);
  });

  test(`${mode}: clients that send a byte now and then stall nobody else, and are served in the end`, async (t) => {
    const daybook = await startDaybook(t, { yaml: audit });
    const request = post(chatBody());
    const body = request.indexOf("\r\n\r\n") + 4;
    // Half are amid the head of their request, half amid its body.
    const dribblers = many(HUNDREDS, (index) => {
      const socket = connected(daybook, t);
      let sent = index % 2 === 0 ? 20 : body;
      let answer = "";
      socket.setEncoding("latin1").on("data", (text) => {
        answer += text;
      });
      socket.write(request.slice(0, sent));
      return {
        step: (bytes: number) => {
          socket.write(request.slice(sent, sent + bytes));
          sent += bytes;
        },
        answer: () => answer,
      };
    });
    const dribble = setInterval(() => {
      for (const { step } of dribblers) step(1);
    }, 200);
    await servesOthers(daybook);
    await servesOthers(daybook);
    clearInterval(dribble);
    assert.deepEqual(
      [...new Set(dribblers.map(({ answer }) => answer()))],
      [""],
      "none has asked to the end",
    );
    for (const { step } of dribblers) step(request.length);
    await until("all are served", () => dribblers.every(({ answer }) => answer().includes('"usage"')));
    assert.deepEqual(await byStatus(daybook), { success: 2 * OTHERS + HUNDREDS });
  });
}
