// Each way that an answer can go wrong, as the bytes of it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, mock, test } from "node:test";
import { type Arrival, openSimulator } from "../../src/simulator/simulator.ts";
import { chat, eventsOf, seeAll, sendChat } from "./raw-client.ts";

type End = Arrival & { readonly aborted: boolean };

const waiting = new Map<string | null, (end: End) => void>();
const simulator = await openSimulator({ onEnd: (end) => waiting.get(end.requestId)?.(end) });
after(() => simulator.close());

/** The end of the request that carries this id. */
const endOf = (requestId: string) => new Promise<End>((resolve) => waiting.set(requestId, resolve));

const request = (simulate: object, stream = false) => ({
  model: "demo",
  messages: [{ role: "user", content: "canary-51c0" }],
  stream,
  ...(stream && { stream_options: { include_usage: true } }),
  simulate,
});
const ask = async (simulate: object, stream = false) => chat(simulator.port, request(simulate, stream));

test("a status answers with an error of OpenAI's shape, streamed or not", async () => {
  for (const stream of [false, true]) {
    const seen = await ask({ status: 429, retry_after: 7 }, stream);
    assert.match(seen.head, /^HTTP\/1\.1 429 /);
    assert.match(seen.head, /^retry-after: 7$/m);
    assert.match(seen.head, /^content-type: application\/json$/m);
    assert.deepEqual(JSON.parse(seen.body), {
      error: { message: "Simulated error 429.", type: "requests", param: null, code: "rate_limit_exceeded" },
    });
  }
  const typed = await ask({ status: 500, error_type: "engine_error" });
  assert.match(typed.head, /^HTTP\/1\.1 500 /);
  assert.equal(JSON.parse(typed.body).error.type, "engine_error");
  assert.doesNotMatch(typed.head, /retry-after/);
});

test("reset: not a byte, and the connection is reset", async () => {
  for (const stream of [false, true]) {
    const seen = await ask({ failure: "reset" }, stream);
    assert.equal(seen.text, "");
    assert.equal(seen.ended, "ECONNRESET");
  }
});

test("hang: not a byte until the client leaves, which is counted", async () => {
  const before = structuredClone(simulator.counts);
  const socket = await sendChat(simulator.port, request({ failure: "hang" }), { "x-request-id": "hanging" });
  socket.on("data", () => assert.fail("a byte came"));
  while (simulator.counts.failures.hang === before.failures.hang) await new Promise(setImmediate);
  const ended = endOf("hanging");
  socket.destroy();
  assert.equal((await ended).aborted, true);
  assert.equal(simulator.counts.aborted, before.aborted + 1);
});

test("mid_stream_error: some events, an error among them, a clean end", async () => {
  const seen = await ask(
    { failure: "mid_stream_error", after_events: 3, error_type: "overloaded_error" },
    true,
  );
  const events = eventsOf(seen.body).map((event) => JSON.parse(event));
  assert.equal(events.length, 4);
  assert.equal(events[3].error.type, "overloaded_error");
  assert.equal(seen.whole, true);
  assert.equal(seen.ended, "end");
  const plain = await ask({ failure: "mid_stream_error" });
  assert.match(plain.head, /^HTTP\/1\.1 200 /);
  assert.equal(JSON.parse(plain.body).error.type, "server_error");
});

test("mid_stream_reset: some events and a reset; of JSON the first half", async () => {
  for (const after_events of [0, 1, 5]) {
    const seen = await ask({ failure: "mid_stream_reset", after_events }, true);
    assert.match(seen.head, /^HTTP\/1\.1 200 /);
    assert.equal(eventsOf(seen.body).length, after_events);
    assert.equal(seen.whole, false);
    assert.equal(seen.ended, "ECONNRESET");
  }
  const plain = await ask({ failure: "mid_stream_reset" });
  assert.ok(plain.body.length > 0);
  assert.equal(plain.whole, false);
  assert.equal(plain.ended, "ECONNRESET");
});

test("truncated: a stream ends cleanly without finish_reason and [DONE], however late", async () => {
  for (const [after_events, expected] of [
    [undefined, 2],
    [4, 4],
    [1000, 1 + 24],
  ] as const) {
    const seen = await ask({ failure: "truncated", after_events }, true);
    const events = eventsOf(seen.body).map((event) => JSON.parse(event));
    assert.equal(events.length, expected);
    for (const event of events) assert.equal(event.choices[0].finish_reason, null);
    assert.equal(seen.whole, true);
    assert.equal(seen.ended, "end");
  }
});

test("truncated: JSON is shorter than its Content-Length, and closed", async () => {
  const seen = await ask({ failure: "truncated" });
  assert.match(seen.head, /^content-length: \d+$/m);
  assert.ok(seen.body.length > 0);
  assert.equal(seen.whole, false);
  assert.equal(seen.ended, "end");
});

test("truncated_json: chunked and cleanly ended, but cut within the JSON", async () => {
  const plain = await ask({ failure: "truncated_json" });
  assert.match(plain.head, /^transfer-encoding: chunked$/im);
  assert.equal(plain.whole, true);
  assert.throws(() => JSON.parse(plain.body), SyntaxError);
  for (const [after_events, expected] of [
    [2, 2],
    [1000, 24],
  ] as const) {
    const seen = await ask({ failure: "truncated_json", after_events }, true);
    const events = eventsOf(seen.body);
    assert.equal(events.length, expected + 1);
    for (const event of events.slice(0, -1)) JSON.parse(event);
    assert.throws(() => JSON.parse(events.at(-1) ?? ""), SyntaxError);
    assert.equal(seen.whole, true);
  }
});

test("no_usage: whole, but without usage even when asked", async () => {
  const plain = JSON.parse((await ask({ failure: "no_usage" })).body);
  assert.equal("usage" in plain, false);
  assert.equal(plain.choices[0].finish_reason, "stop");
  const events = eventsOf((await ask({ failure: "no_usage" }, true)).body);
  assert.equal(events.pop(), "[DONE]");
  for (const event of events) assert.equal("usage" in JSON.parse(event), false);
});

test("echo: every text of the error is the whole request", async () => {
  for (const [simulate, status] of [
    [{ failure: "echo" }, 400],
    [{ failure: "echo", status: 503 }, 503],
  ] as const) {
    const seen = await ask(simulate);
    const text = JSON.stringify(request(simulate));
    assert.match(seen.head, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.deepEqual(JSON.parse(seen.body), {
      error: { message: text, type: text, param: text, code: text },
    });
  }
});

test("slow: whole, first byte after a second and pauses of 200 ms, unless told otherwise", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    for (const [simulate, stream, first, total] of [
      [{ failure: "slow" }, false, 1000, 1000 + 7 * 200],
      [{ failure: "slow" }, true, 1000, 1000 + 25 * 200],
      [{ first_byte_ms: 30, pace_ms: 4 }, true, 30, 30 + 25 * 4],
      [{ failure: "slow", first_byte_ms: 10, pace_ms: 1 }, false, 10, 10 + 7],
    ] as const) {
      const socket = await sendChat(simulator.port, request(simulate, stream));
      let firstAt = 0;
      let clock = 0;
      let over = false;
      socket.once("data", () => {
        firstAt = clock;
      });
      const seeing = seeAll(socket).finally(() => {
        over = true;
      });
      // Each turn of the loop is a millisecond for the simulator; it cannot be ahead of this clock.
      for (; !over; clock++) {
        mock.timers.tick(1);
        await new Promise(setImmediate);
      }
      const seen = await seeing;
      assert.ok(firstAt >= first, `first byte at ${firstAt}`);
      assert.ok(clock >= total, `over at ${clock}`);
      assert.equal(seen.whole, true);
      if (stream) assert.equal(eventsOf(seen.body).at(-1), "[DONE]");
      else assert.equal(JSON.parse(seen.body).choices.length, 1);
    }
  } finally {
    mock.timers.reset();
  }
});

test("failures are counted by name", async () => {
  const before = structuredClone(simulator.counts.failures);
  await ask({ failure: "truncated" });
  await ask({ failure: "truncated" }, true);
  await ask({ failure: "echo" });
  await ask({});
  assert.deepEqual(simulator.counts.failures, {
    ...before,
    truncated: before.truncated + 2,
    echo: before.echo + 1,
  });
});

test("what the simulator itself cut, and what it answered whole, is not an abort", async () => {
  const before = simulator.counts.aborted;
  for (const simulate of [
    {},
    { failure: "reset" },
    { failure: "truncated" },
    { failure: "mid_stream_reset" },
  ]) {
    const ended = endOf("cut");
    await chat(simulator.port, request(simulate), { "x-request-id": "cut" });
    assert.equal((await ended).aborted, false);
  }
  assert.equal(simulator.counts.aborted, before);
});

test("a client that leaves a paced stream is counted, and no timer outlives it or holds the process", async (t) => {
  const set = t.mock.method(globalThis, "setTimeout");
  const clear = t.mock.method(globalThis, "clearTimeout");
  const before = simulator.counts.aborted;
  const socket = await sendChat(simulator.port, request({ pace_ms: 3_600_000 }, true), {
    "x-request-id": "paced",
  });
  await once(socket, "data");
  const [timer] = set.mock.calls.map((call) => call.result as NodeJS.Timeout);
  assert.equal(timer?.hasRef(), false);
  const ended = endOf("paced");
  socket.destroy();
  assert.equal((await ended).aborted, true);
  assert.equal(simulator.counts.aborted, before + 1);
  assert.ok(clear.mock.calls.some((call) => call.arguments[0] === timer));
});

test("a client that leaves within its own request is counted", async () => {
  const before = { ...simulator.counts };
  const socket = await sendChat(simulator.port, "not all of it", {
    "content-length": "100",
    "x-request-id": "sending",
  });
  while (simulator.counts.requests === before.requests) await new Promise(setImmediate);
  const ended = endOf("sending");
  socket.destroy();
  assert.equal((await ended).aborted, true);
  assert.equal(simulator.counts.aborted, before.aborted + 1);
});

test("closing destroys open connections, counts no abort and frees the port", async () => {
  const ends: End[] = [];
  const reading = Promise.withResolvers<void>();
  const other = await openSimulator({ onEnd: (end) => ends.push(end), onRequest: () => reading.resolve() });
  const socket = await sendChat(other.port, request({ failure: "hang" }));
  const seeing = seeAll(socket);
  await reading.promise;
  await other.close();
  await other.close();
  assert.equal((await seeing).text, "");
  assert.deepEqual(ends, [{ sequence: 1, requestId: null, aborted: false }]);
  assert.equal(other.counts.aborted, 0);
  await using again = await openSimulator({ port: other.port });
  assert.equal(again.url, other.url);
  await assert.rejects(openSimulator({ port: other.port }), { code: "EADDRINUSE" });
});
