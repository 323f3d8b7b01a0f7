// Recorded traffic, invented here, sent to the simulated provider directly.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type ReplayOptions, replay } from "../../src/simulator/replay.ts";
import { parseReplayRows, type ReplayRow } from "../../src/simulator/replay-rows.ts";
import { openSimulator } from "../../src/simulator/simulator.ts";

const START = Date.UTC(2023, 10, 16);
const HOUR = 3_600_000;

/** 200 rows of uneven sizes, as a file has them. */
const rows = parseReplayRows(
  ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    .concat(
      Array.from({ length: 200 }, (_, n) => `2023-11-16 18:${10 + (n % 50)}:00.1234567,${n * 7},${n % 90}`),
    )
    .join("\r\n"),
);
const sum = (pick: (row: ReplayRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
const options = (url: string, more: Partial<ReplayOptions> = {}): ReplayOptions => ({
  rows,
  url,
  model: "demo",
  speed: null,
  concurrency: 8,
  streams: "alternate",
  ...more,
});

test("the answers add up to exactly what the file says, streamed or not", async () => {
  await using simulator = await openSimulator();
  for (const streams of ["alternate", "all", "none"] as const) {
    for (const url of [simulator.url, `${simulator.url}/`, `${simulator.url}/v1/`]) {
      const tally = await replay(options(url, { streams }));
      assert.equal(tally.requests, 200);
      assert.deepEqual([...tally.failures], []);
      assert.equal(
        tally.promptTokens,
        sum((row) => row.contextTokens),
      );
      assert.equal(
        tally.completionTokens,
        sum((row) => row.generatedTokens),
      );
    }
  }
  assert.equal(simulator.counts.requests, 9 * 200);
});

test("every second row asks for a stream, unless all or none do", async () => {
  // A stream that this failure cuts lacks its end; cut JSON is not JSON at all, or too short.
  await using simulator = await openSimulator({ defaults: { failure: "mid_stream_error" } });
  const failures = async (streams: ReplayOptions["streams"]) => {
    const tally = await replay(options(simulator.url, { streams }));
    return Object.fromEntries(tally.failures);
  };
  assert.deepEqual(await failures("alternate"), { incomplete: 100, "no usage": 100 });
  assert.deepEqual(await failures("all"), { incomplete: 200 });
  assert.deepEqual(await failures("none"), { "no usage": 200 });
});

test("failures are counted by what they were, and their tokens are not", async () => {
  for (const [defaults, streams, name] of [
    [{ status: 429 }, "alternate", "429"],
    [{ status: 500, failure: "echo" }, "alternate", "500"],
    [{ failure: "no_usage" }, "alternate", "no usage"],
    [{ failure: "truncated_json" }, "alternate", "incomplete"],
    [{ failure: "truncated" }, "none", "UND_ERR_SOCKET"],
    [{ failure: "mid_stream_reset" }, "alternate", "ECONNRESET"],
    [{ failure: "reset" }, "alternate", "ECONNRESET"],
  ] as const) {
    await using simulator = await openSimulator({ defaults });
    const tally = await replay(options(simulator.url, { streams, rows: rows.slice(0, 20) }));
    assert.deepEqual(Object.fromEntries(tally.failures), { [name]: 20 });
    assert.equal(tally.failed, 20);
    assert.equal(tally.requests, 20);
    assert.equal(tally.promptTokens, 0);
  }
  const closed = await openSimulator();
  await closed.close();
  const tally = await replay(options(closed.url, { rows: rows.slice(0, 3) }));
  assert.deepEqual(Object.fromEntries(tally.failures), { ECONNREFUSED: 3 });
});

/** Replays one row against a server that gives `answer` to everything; what it was sent, and the tally. */
async function replayTo(answer: string, more: Partial<ReplayOptions> = {}) {
  const sent = { path: "", authorization: undefined as string | undefined, body: "" };
  const server = createServer(async (request, response) => {
    sent.path = request.url ?? "";
    sent.authorization = request.headers.authorization;
    for await (const chunk of request as AsyncIterable<Buffer>) sent.body += chunk.toString();
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/behind/a/proxy`;
    const row = { timestamp: START, contextTokens: 25, generatedTokens: 3 };
    return { sent, tally: await replay(options(url, { rows: [row], ...more })) };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a row is one chat request of four bytes a token, with model and key", async () => {
  const answer = '{"usage":{"prompt_tokens":1,"completion_tokens":2}}';
  const { sent, tally } = await replayTo(answer, { model: 'a "model"', apiKey: "key-1" });
  assert.equal(sent.path, "/behind/a/proxy/v1/chat/completions");
  assert.equal(sent.authorization, "Bearer key-1");
  const { model, messages, simulate } = JSON.parse(sent.body);
  assert.equal(model, 'a "model"');
  assert.equal(messages[0].content.length, 100);
  assert.deepEqual(simulate, { prompt_tokens: 25, completion_tokens: 3 });
  assert.equal(tally.completionTokens, 2, "the sums are the answers', not the file's");
  assert.equal((await replayTo(answer)).sent.authorization, undefined);
});

test("a stream without [DONE] is incomplete, even with usage", async () => {
  const answer = 'data: {"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n';
  const { tally } = await replayTo(answer, { streams: "all" });
  assert.deepEqual(Object.fromEntries(tally.failures), { incomplete: 1 });
  assert.equal((await replayTo(`${answer}data: [DONE]\n\n`, { streams: "all" })).tally.failed, 0);
});

test("rows are sent in their order", async () => {
  await using simulator = await openSimulator();
  const totals: number[] = [];
  const onAnswer: ReplayOptions["onAnswer"] = (tally) => totals.push(tally.promptTokens);
  await replay(options(simulator.url, { concurrency: 1, onAnswer }));
  const expected: number[] = [];
  for (const row of rows) expected.push((expected.at(-1) ?? 0) + row.contextTokens);
  assert.deepEqual(totals, expected);
});

test("with a speed a row waits for its time, and a signal ends the waiting", async () => {
  await using simulator = await openSimulator();
  const hourly = [0, 1, 2].map((n) => ({
    timestamp: START + n * HOUR,
    contextTokens: 1,
    generatedTokens: 1,
  }));
  const stop = new AbortController();
  const slow = await replay(
    options(simulator.url, { rows: hourly, speed: 2, signal: stop.signal, onAnswer: () => stop.abort() }),
  );
  assert.equal(slow.requests, 1);
  const fast = await replay(options(simulator.url, { rows: hourly, speed: HOUR * 1000 }));
  assert.equal(fast.requests, 3);
});

test("no more are under way than asked for, and a signal cuts them, which counts as failed", async () => {
  const stop = new AbortController();
  await using simulator = await openSimulator({
    defaults: { failure: "hang" },
    onRequest: ({ sequence }) => {
      if (sequence === 8) stop.abort();
    },
  });
  const tally = await replay(options(simulator.url, { signal: stop.signal }));
  assert.equal(tally.requests, 8);
  assert.equal(tally.failed, 8);
});
