import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eventJson } from "../../src/event/json.ts";
import { failed } from "../../src/event/outcomes.ts";
import { openReader } from "../../src/read/reader.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { makeTrail, NODE_ID } from "./trail.ts";

const dying = { workerUrl: new URL("./dying-worker.ts", import.meta.url) };

test("a reader answers what the store answers, and sees what is appended later", async (t) => {
  await using trail = await makeTrail({ model: "a" }, { model: "b", outcome: failed("timeout") });
  const reader = await openReader(trail.address);
  t.after(() => reader.close());
  const store = await openStore(trail.address, "read");
  const query = { where: { model: ["b"] }, limit: 10 };
  assert.deepEqual(await reader.query(query), await store.query(query));
  const { events, ...rest } = await store.query(query);
  const { json, ...place } = await reader.page(query, []);
  assert.equal(new TextDecoder().decode(json), JSON.stringify(events.map(eventJson)));
  assert.deepEqual(place, rest);
  assert.deepEqual(await reader.stats({ where: {} }), await store.stats({ where: {} }));
  assert.deepEqual(
    (await reader.positions()).map(({ nodeId, seq }) => [nodeId, seq]),
    [[NODE_ID, 2]],
  );
  await reader.health();

  const [id = ""] = await trail.append({ kind: "system", action: "gap" });
  assert.equal((await reader.get(id))?.action, "gap");
  assert.equal(await reader.get("01890a5d-ac96-774b-bcce-b302099a8057"), null);
  await store.close();
  await reader.close();
});

test("many calls at once get each its own answer", async (t) => {
  await using trail = await makeTrail(...Array.from({ length: 50 }, (_, index) => ({ model: `m${index}` })));
  const reader = await openReader(trail.address);
  t.after(() => reader.close());
  const pages = await Promise.all(
    Array.from({ length: 50 }, (_, index) => reader.query({ where: { model: [`m${index}`] }, limit: 1 })),
  );
  assert.deepEqual(
    pages.map(({ events }) => events[0]?.model),
    Array.from({ length: 50 }, (_, index) => `m${index}`),
  );
  await reader.close();
});

test("a store that is not there yet rejects, and is read once it is", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "daybook-reader-"));
  const address = `sqlite:${join(folder, "events.db")}`;
  const reader = await openReader(address);
  t.after(() => reader.close());
  await assert.rejects(reader.query({ where: {}, limit: 1 }), {
    name: "DaybookError",
    code: "store_unusable",
  });
  const store = await openStore(address, "write");
  assert.deepEqual((await reader.query({ where: {}, limit: 1 })).events, []);
  await reader.close();
  await store.close();
  await rm(folder, { recursive: true });
});

test("an error crosses with its code and detail", async (t) => {
  await using trail = await makeTrail({});
  const reader = await openReader(trail.address);
  t.after(() => reader.close());
  const query = { where: {}, limit: 10, after: { recordedAt: 1, nodeId: "not a node", seq: 1 }, asOf: {} };
  await assert.rejects(reader.query(query), { name: "DaybookError", code: "bad_cursor", detail: "" });
  await assert.rejects(reader.query({ where: {}, limit: 0 }), {
    code: "worker_failed",
    detail: "the store could not be read (RangeError)",
  });
  await reader.close();
});

test("a worker that dies rejects what waits and is replaced on the next call", async (t) => {
  const reader = await openReader("none", dying);
  t.after(() => reader.close());
  const waiting = reader.query({ where: {}, limit: 1 });
  const rejected = assert.rejects(waiting, { code: "worker_failed", detail: "the reader" });
  await assert.rejects(reader.health(), { code: "worker_failed" });
  await rejected;
  assert.deepEqual(await reader.positions(), []);
  await assert.rejects(reader.stats({ where: {} }), { code: "worker_failed", detail: "the reader (EWORN)" });
  assert.deepEqual(await reader.positions(), []);
  await reader.close();
});

test("closing waits for what is asked, then refuses, any number of times", async (t) => {
  const reader = await openReader("none", dying);
  t.after(() => reader.close());
  const asked = reader.get("later");
  const closed = reader.close();
  await assert.rejects(reader.positions(), { code: "worker_failed", detail: "the reader is closed" });
  assert.equal(await asked, null);
  await closed;
  await reader.close();
});

test("a reader that never read closes", async (t) => {
  const reader = await openReader("sqlite:/nowhere/at/all/events.db");
  t.after(() => reader.close());
  await reader.close();
});

test("a reader whose worker has died closes", async (t) => {
  const reader = await openReader("none", dying);
  t.after(() => reader.close());
  await assert.rejects(reader.health());
  await reader.close();
  await assert.rejects(reader.positions(), { code: "worker_failed" });
});

test("a long call holds up no short one", async (t) => {
  const reader = await openReader("none", { workerUrl: new URL("./slow-worker.ts", import.meta.url) });
  t.after(() => reader.close());
  const filter = { where: {} };
  const order: string[] = [];
  const told = (name: string) => () => order.push(name);
  await Promise.all([
    reader.stats(filter).then(told("long")),
    reader.histogram(filter, 1).then(told("long")),
    reader.facets(filter, ["model"], 1).then(told("long")),
    reader.query({ ...filter, limit: 1 }).then(told("short")),
    reader.get("x").then(told("short")),
    reader.positions().then(told("short")),
  ]);
  assert.deepEqual(order, ["short", "short", "short", "long", "long", "long"]);
});

test("what nobody waits for any more is not read, and what others wait for is not late by it", async (t) => {
  const reader = await openReader("none", { workerUrl: new URL("./slow-worker.ts", import.meta.url) });
  t.after(() => reader.close());
  const filter = { where: {} };
  const left = new AbortController();
  const order: string[] = [];
  const told = (name: string) => () => order.push(name);
  const running = reader.until(left.signal).stats(filter);
  const dropped = ["a", "b", "c"].map((model) =>
    reader.until(left.signal).stats({ where: { model: [model] } }),
  );
  const other = reader.histogram(filter, 1);
  const gone = new Error("gone");
  left.abort(gone);
  await Promise.all([
    running.then(told("running")),
    ...dropped.map((each) => assert.rejects(each, gone).then(told("dropped"))),
    other.then(told("other")),
  ]);
  // What runs is ended by nobody; the three took no time.
  assert.deepEqual(order, ["dropped", "dropped", "dropped", "running", "other"]);
  await assert.rejects(reader.until(left.signal).positions(), gone);
  // Each call of the stand-in has its number.
  assert.equal(await reader.stats(filter), 3);
});

test("calls that a worker was not given when it died are answered by the next", async (t) => {
  const reader = await openReader("none", dying);
  t.after(() => reader.close());
  const [one, other, third] = [reader.query({ where: {}, limit: 1 }), reader.health(), reader.positions()];
  await Promise.all([
    assert.rejects(one, { code: "worker_failed" }),
    assert.rejects(other, { code: "worker_failed" }),
  ]);
  assert.deepEqual(await third, []);
});
