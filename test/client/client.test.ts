// The typed client against the real server.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type * as Answers from "../../src/client/answers.ts";
import { ClientError, createClient } from "../../src/client/client.ts";
import type * as Server from "../../src/read/sums-json.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";

test("the client lists across pages, sums, and finds single events", async (t) => {
  const { url, settle } = await startDaybook(t);
  for (let n = 0; n < 5; n++) await chat(url);
  await settle();
  const client = createClient({ url, token: ADMIN_TOKEN });
  const question = new URLSearchParams("kind=inference");
  const first = await client.page({ question, limit: 2 });
  assert.equal(first.events.length, 2);
  assert.ok(first.next !== null);
  const second = await client.page({ next: first.next });
  assert.equal(second.asOf, first.asOf);
  const listed = await Array.fromAsync(client.list({ where: { kind: ["inference"] } }));
  assert.deepEqual(listed.slice(0, 4), [...first.events, ...second.events]);
  assert.equal(listed.length, 5);
  const three = await Array.fromAsync(client.list(question, { limit: 3 }));
  assert.deepEqual(three, listed.slice(0, 3));
  assert.equal((await client.stats(question)).total_requests, 5);
  assert.equal(await client.count(question), 5);
  const { buckets } = await client.histogram(question, { bucket: "1h" });
  assert.equal(
    buckets.reduce((sum, { requests }) => sum + requests, 0),
    5,
  );
  assert.deepEqual(await client.facets(question, ["model"]), {
    model: { values: [{ value: "demo", requests: 5 }], exact: true },
  });
  const [newest] = listed;
  assert.deepEqual(await client.event(newest?.event_id ?? ""), newest);
  assert.equal(await client.event("00000000-0000-7000-8000-000000000000"), null);
});

test("what Daybook refuses is an error with its words, code and request id", async (t) => {
  const { url } = await startDaybook(t);
  const client = createClient({ url, token: ADMIN_TOKEN });
  await assert.rejects(client.page({ question: new URLSearchParams("modle=x") }), (error) => {
    assert.ok(error instanceof ClientError);
    assert.equal(error.status, 400);
    assert.equal(error.code, "invalid_request");
    assert.match(error.message, /model/);
    assert.match(error.requestId ?? "", /^req_/);
    return true;
  });
  const stranger = createClient({ url, token: "dbt_nobody" });
  await assert.rejects(stranger.stats(), { name: "ClientError", status: 401, code: "unauthorized" });
  const nowhere = createClient({ url: "http://127.0.0.1:1", token: "t" });
  await assert.rejects(nowhere.stats(), { name: "ClientError", status: 0, code: "unreachable" });
});

test("an answer that breaks off is one that did not come, and what is no JSON is not Daybook's", async (t) => {
  let body = "";
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write(body);
    if (request.url?.includes("model=cut")) setImmediate(() => response.destroy());
    else response.end(body.padEnd(1000).slice(body.length));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const client = createClient({ url: `http://127.0.0.1:${port}`, token: "t" });
  const question = (model: string) => ({ question: new URLSearchParams({ model }) });
  body = '[{"event_id":';
  await assert.rejects(client.page(question("cut")), { name: "ClientError", status: 0, code: "unreachable" });
  await assert.rejects(client.page(question("odd")), { status: 200, code: "unexpected" });
  body = "[]";
  assert.deepEqual((await client.page(question("whole"))).events, []);
  const left = new AbortController();
  const asked = client.page(question("whole"), { signal: left.signal });
  left.abort();
  await assert.rejects(asked, { name: "AbortError" });
});

test("the client's types are the server's", () => {
  const asIs = <T>(value: T): T => value;
  const stats: (given: Server.StatsJson) => Answers.StatsJson = asIs;
  const histogram: (given: Server.HistogramJson) => Answers.HistogramJson = asIs;
  const facets: (given: Server.FacetsJson) => Answers.FacetsJson = asIs;
  // The compiler has compared them.
  assert.ok([stats, histogram, facets].every((same) => typeof same === "function"));
});
