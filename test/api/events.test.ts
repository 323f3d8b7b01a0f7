import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import type { Refusal } from "../../src/api/problem.ts";
import { DaybookError } from "../../src/event/errors.ts";
import { encodeCursor } from "../../src/query/cursor.ts";
import type { Reader } from "../../src/read/reader.ts";
import { NODE_ID, START } from "../read/trail.ts";
import { type Answer, serveApi, TOKENS } from "./served-api.ts";

const CANARY = "canary-7f3a";
const UNKNOWN_ID = "01890a5d-ac96-774b-bcce-b302099a8057";

function nextPath({ headers }: Answer): string {
  return /^<([^>]*)>/.exec(String(headers.link))?.[1] ?? assert.fail("there is no next page");
}

/** A reader whose answers the test decides. */
function readerOf(query: Reader["query"]): Reader {
  const nothing = async () => assert.fail("not asked here");
  const reader: Reader = {
    until: () => reader,
    query,
    page: async (asked) => {
      const { events, next, asOf } = await query(asked);
      return { json: new TextEncoder().encode(JSON.stringify(events)), next, asOf };
    },
    get: nothing,
    stats: nothing,
    histogram: nothing,
    facets: nothing,
    groups: nothing,
    usage: nothing,
    activity: nothing,
    planPrune: nothing,
    traces: nothing,
    tile: nothing,
    leafSource: nothing,
    charges: nothing,
    positions: nothing,
    seals: nothing,
    health: nothing,
    close: async () => {},
  };
  return reader;
}

test("a query leaves one system event that says who asked and by what, not for what", async () => {
  await using api = await serveApi([{ model: CANARY }]);
  const headers = { "x-request-id": "req-1", traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01` };
  const answer = await api.ask(`/admin/audit-logs?model=${CANARY}&user_id=${CANARY}&since=1h`, { headers });
  const [event, ...more] = api.events;
  assert.deepEqual(more, []);
  const { kind, action, method, endpoint, caller, status, status_code, api_key_id, policy_decision, count } =
    event ?? {};
  assert.deepEqual(
    { kind, action, method, endpoint, caller, status, status_code, api_key_id, policy_decision, count },
    {
      kind: "system",
      action: "queried",
      method: "GET",
      endpoint: "/admin/audit-logs",
      caller: "http",
      status: "success",
      status_code: 200,
      api_key_id: "tok_admin",
      policy_decision: "n/a",
      count: 1,
    },
  );
  assert.deepEqual([event?.timestamp, event?.client_ip], [START, "127.0.0.1"]);
  assert.ok(Number.isInteger(event?.duration_ms));
  assert.equal(event?.metadata, '{"filters":"model,user_id,since"}');
  assert.ok(!JSON.stringify(event).includes(CANARY));
  assert.deepEqual([event?.request_id, event?.trace_id], ["req-1", "ab".repeat(16)]);
  assert.deepEqual(
    [answer.headers["x-request-id"], answer.headers["x-trace-id"]],
    ["req-1", "ab".repeat(16)],
  );
});

test("stats and single events are queries too", async () => {
  await using api = await serveApi();
  await api.ask("/admin/audit-logs/stats?status=error");
  await api.ask(`/admin/audit-logs/${UNKNOWN_ID}`);
  assert.deepEqual(
    api.events.map(({ kind, action, endpoint, error_code }) => [kind, action, endpoint, error_code]),
    [
      ["system", "queried", "/admin/audit-logs/stats", null],
      ["system", "queried", "/admin/audit-logs/:event_id", "not_found"],
    ],
  );
});

test("further pages of a query leave no event of their own", async () => {
  await using api = await serveApi([{}, {}, {}, {}]);
  const first = await api.ask("/admin/audit-logs?limit=1&kind=inference");
  const second = await api.ask(nextPath(first));
  const third = await api.ask(nextPath(second).replace("limit=1", "limit=2"));
  assert.deepEqual([second.status, third.status, (third.json as unknown[]).length], [200, 200, 2]);
  assert.equal(api.events.length, 1);
  assert.equal(api.open(), 0);
});

test("a cursor that this query was not given is a query of its own", async () => {
  await using api = await serveApi([{ model: "a" }, { model: "b" }, { model: "a" }]);
  const page = nextPath(await api.ask("/admin/audit-logs?limit=1&model=a"));
  const forged = encodeCursor({
    after: { recordedAt: START * 2, nodeId: NODE_ID, seq: 1 },
    asOf: { [NODE_ID]: 9 },
  });
  const others: [path: string, token: string][] = [
    [`/admin/audit-logs?cursor=${forged}`, TOKENS.admin],
    [`/admin/audit-logs?cursor=${forged}.${"A".repeat(43)}`, TOKENS.admin],
    [page.replace("model=a", "model=b"), TOKENS.admin],
    [page.replace("model=a&", ""), TOKENS.admin],
    [`${page}&include=system`, TOKENS.admin],
    [page, TOKENS.auditor],
  ];
  for (const [index, [path, token]] of others.entries()) {
    assert.equal((await api.ask(path, { token })).status, 200, path);
    assert.equal(api.events.length, index + 2, path);
  }
});

test("a refused page leaves its event, cursor or not", async () => {
  await using api = await serveApi([{}, {}]);
  const page = nextPath(await api.ask("/admin/audit-logs?limit=1"));
  await api.ask(page, { token: null });
  await api.ask(`${page}&x=1`);
  await api.ask("/admin/audit-logs?cursor=none");
  assert.deepEqual(
    api.events.map(({ kind, action, status_code, error_code, error_type }) => [
      kind,
      action,
      status_code,
      error_code,
      error_type,
    ]),
    [
      ["system", "queried", 200, null, null],
      ["system", "queried", 401, "unauthorized", "missing"],
      ["system", "queried", 400, "invalid_request", "bad_query"],
      ["system", "queried", 400, "invalid_request", "bad_cursor"],
    ],
  );
});

test("a wrong token and a wrong role are told apart, and no token is kept", async () => {
  await using api = await serveApi();
  await api.ask("/admin/audit-logs", { token: CANARY });
  await api.ask("/admin/audit-logs", { token: TOKENS.viewer });
  assert.deepEqual(
    api.events.map(({ status_code, error_type, api_key_id }) => [status_code, error_type, api_key_id]),
    [
      [401, "unknown", null],
      [403, "role", "tok_viewer"],
    ],
  );
  assert.ok(!JSON.stringify(api.events).includes(CANARY));
});

test("unknown paths and wrong methods leave one api event without path or query string", async () => {
  await using api = await serveApi();
  const asked: [method: string, path: string, status: number, endpoint: string | null][] = [
    ["GET", `/${CANARY}?q=${CANARY}`, 404, null],
    ["POST", `/admin/${CANARY}`, 404, null],
    ["GET", "/admin/audit-logs/stats/", 404, null],
    ["POST", "/admin/audit-logs", 405, "/admin/audit-logs"],
    ["DELETE", `/admin/audit-logs/${CANARY}`, 405, "/admin/audit-logs/:event_id"],
    ["PROPFIND", "/admin/audit-logs/stats", 405, "/admin/audit-logs/stats"],
    ["QUERY", "/admin/audit-logs", 405, "/admin/audit-logs"],
    ["POST", "/healthz", 405, "/healthz"],
    ["GET", `/admin/audit-logs/%zz${CANARY}`, 400, "/admin/audit-logs/:event_id"],
  ];
  for (const [method, path, status, endpoint] of asked) {
    const before = api.events.length;
    const answer = await api.ask(path, { method, body: method === "POST" ? `{"broken": "${CANARY}"` : "" });
    assert.equal(answer.status, status, `${method} ${path}`);
    assert.equal(answer.headers.allow, status === 405 ? "GET, HEAD" : undefined);
    assert.ok(!answer.text.includes(CANARY), answer.text);
    assert.equal(api.events.length, before + 1, `${method} ${path}`);
    const event = api.events.at(-1);
    assert.deepEqual(
      [event?.kind, event?.action, event?.method, event?.endpoint, event?.status_code],
      ["api", "request", method, endpoint, status],
    );
    assert.equal(event?.request_id, answer.headers["x-request-id"]);
  }
  assert.ok(!JSON.stringify(api.events).includes(CANARY));
});

test("health, readiness and metrics leave no event", async () => {
  await using api = await serveApi();
  for (const path of ["/healthz", "/readyz", "/metrics", "/healthz?x=1"])
    await api.ask(path, { token: null });
  assert.deepEqual([api.events, api.open()], [[], 0]);
});

test("a client that leaves before the answer leaves one cancelled event", async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { promise: page, resolve: answer } = Promise.withResolvers<Awaited<ReturnType<Reader["query"]>>>();
  const reader = readerOf(() => {
    onAsked();
    return page;
  });
  await using api = await serveApi([], { reader });
  const socket = connect(api.port, "127.0.0.1");
  socket.write(`GET /admin/audit-logs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKENS.admin}\r\n\r\n`);
  await asked;
  socket.destroy();
  await api.finished(1);
  answer({ events: [], next: null, asOf: {} });
  await page;
  await api.ask("/healthz");
  assert.deepEqual(
    api.events.map(({ kind, status, status_code, error_code }) => [kind, status, status_code, error_code]),
    [["system", "cancelled", 499, "client_disconnected"]],
  );
});

test("what a client that has left still waits for is not read for it", async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<AbortSignal>();
  const { promise: left, resolve: onLeft } = Promise.withResolvers<void>();
  const reader: Reader = {
    ...readerOf(() => new Promise(() => {})),
    until: (signal) => {
      signal.addEventListener("abort", () => onLeft());
      onAsked(signal);
      return readerOf(() => new Promise(() => {}));
    },
  };
  await using api = await serveApi([], { reader });
  const socket = connect(api.port, "127.0.0.1");
  socket.write(`GET /admin/audit-logs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKENS.admin}\r\n\r\n`);
  const signal = await asked;
  assert.equal(signal.aborted, false);
  socket.destroy();
  await left;
  assert.equal((signal.reason as Refusal).outcome.errorCode, "client_disconnected");
});

test("a client that leaves before a further page leaves one cancelled event too", async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const next = { recordedAt: START, nodeId: NODE_ID, seq: 1 };
  const reader = readerOf(async ({ after }) => {
    if (after === undefined) return { events: [], next, asOf: { [NODE_ID]: 9 } };
    onAsked();
    return new Promise(() => {});
  });
  await using api = await serveApi([], { reader });
  const path = nextPath(await api.ask("/admin/audit-logs"));
  const socket = connect(api.port, "127.0.0.1");
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKENS.admin}\r\n\r\n`);
  await asked;
  socket.destroy();
  await api.finished(2);
  assert.deepEqual(
    api.events.map(({ error_code }) => error_code),
    [null, "client_disconnected"],
  );
});

test("a client that leaves while its body is still on the way leaves one cancelled event, or the refusal", async () => {
  await using api = await serveApi();
  const socket = connect(api.port, "127.0.0.1");
  socket.write(
    "POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
  );
  await once(socket, "data");
  socket.destroy();
  await api.finished(1);
  await api.ask("/healthz");
  assert.deepEqual(
    api.events.map(({ error_code, request_size }) => [error_code, request_size]),
    [["not_found", null]],
  );
});

test("a client that leaves once it has the whole answer had success", async () => {
  await using api = await serveApi([{}]);
  const socket = connect(api.port, "127.0.0.1");
  socket.write(`GET /admin/audit-logs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKENS.admin}\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) {
    text += chunk;
    if (text.endsWith("]")) break;
  }
  await api.finished(1);
  assert.deepEqual(
    api.events.map(({ status }) => status),
    ["success"],
  );
});

test("sizes are the bytes on the wire; pipelined requests get an event each", async () => {
  await using api = await serveApi([{}]);
  const head = `GET /admin/audit-logs/stats HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKENS.admin}\r\n`;
  const first = `${head}X-Note: ${encodeURIComponent("é")}\r\n\r\n`;
  const last = `${head}Connection: close\r\n\r\n`;

  const alone = connect(api.port, "127.0.0.1");
  alone.write(last);
  let bytes = 0;
  for await (const chunk of alone) bytes += (chunk as Buffer).length;
  assert.deepEqual([api.events[0]?.request_size, api.events[0]?.response_size], [last.length, bytes]);

  const pipelined = connect(api.port, "127.0.0.1");
  pipelined.write(first + first + last);
  let total = 0;
  for await (const chunk of pipelined) total += (chunk as Buffer).length;
  const sizes = api.events.slice(1).map(({ response_size }) => response_size);
  assert.deepEqual(sizes, [(total - bytes) / 2, null, null]);
  assert.equal(api.events.length, 4);
  assert.deepEqual(
    api.events.slice(1).map(({ request_size }) => request_size),
    [first.length, first.length, last.length],
  );
});

test("a failure of the store is one event, told to the operator and not to the client", async () => {
  const failures: [error: Error, status: number, code: string, errorType: string | null][] = [
    [new DaybookError("store_unusable", CANARY), 500, "infrastructure_error", "store_unusable"],
    [new TypeError(CANARY), 500, "internal_error", null],
    [Object.assign(new Error(CANARY), { statusCode: 400, code: CANARY }), 500, "internal_error", null],
  ];
  for (const [error, status, code, errorType] of failures) {
    const reported: unknown[] = [];
    await using api = await serveApi([], {
      reader: readerOf(async () => Promise.reject(error)),
      report: (seen, requestId) => reported.push(seen, requestId),
    });
    const answer = await api.ask("/admin/audit-logs");
    assert.deepEqual([answer.status, (answer.json as { code: string }).code], [status, code]);
    assert.ok(!answer.text.includes(CANARY));
    assert.deepEqual(
      api.events.map((event) => [event.error_code, event.error_type]),
      [[code, errorType]],
    );
    assert.deepEqual(reported, [error, answer.headers["x-request-id"]]);
  }
});

test("nothing is answered as done once the recorder is closed", async () => {
  const recorder = {
    begin: () => {
      throw new DaybookError("recorder_closed");
    },
  };
  await using api = await serveApi([{}], { recorder });
  for (const path of ["/admin/audit-logs", "/nowhere", "/%zz", "/admin/audit-logs?cursor=x"]) {
    const answer = await api.ask(path);
    assert.deepEqual([answer.status, (answer.json as { code: string }).code], [503, "shutting_down"], path);
    assert.ok(answer.headers["x-request-id"]);
  }
});

test("a request id that does not fit is replaced, everywhere the same", async () => {
  await using api = await serveApi();
  for (const id of ["a b", "x".repeat(129), "é"]) {
    const answer = await api.ask("/nowhere", {
      headers: { "x-request-id": Buffer.from(id).toString("latin1") },
    });
    const given = answer.headers["x-request-id"];
    assert.match(String(given), /^req_[0-9a-f]{32}$/);
    assert.equal((answer.json as { request_id: string }).request_id, given);
    assert.equal(api.events.at(-1)?.request_id, given);
  }
});
