import assert from "node:assert/strict";
import { once } from "node:events";
import { request as send } from "node:http";
import { test } from "node:test";
import { fastify } from "fastify";
import type { AuditEvent } from "../../src/event/fields.ts";
import { eventJson } from "../../src/event/json.ts";
import { createRecorder, DaybookError } from "../../src/library/index.ts";
import { auditExpress, auditFastify } from "../../src/library/middleware.ts";
import { chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { ABOUT, EXAMPLES } from "./example-services.ts";

/** Asks, and waits for the event; the answer's status, headers and event. */
async function ask(url: string, path: string, heard: AuditEvent[], init: RequestInit = {}) {
  const before = heard.length;
  const response = await fetch(url + path, init);
  await response.text().catch(() => {});
  await until(() => heard.length > before);
  return { status: response.status, headers: response.headers, event: heard[before] as AuditEvent };
}

for (const [name, start] of Object.entries(EXAMPLES)) {
  test(`${name}: every request leaves one event, whatever becomes of it`, async (t) => {
    const recorder = await createRecorder({ folder: tempFolder() });
    const example = await start(recorder);
    t.after(async () => {
      await example.close();
      await recorder.close();
    });
    const heard: AuditEvent[] = [];
    recorder.subscribe((event) => heard.push(event));
    const { url } = example;
    const headers = { "x-request-id": "given-1", traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
    const ok = await ask(url, "/ok?q=CANARY", heard, { headers });
    assert.equal(ok.headers.get("x-request-id"), "given-1");
    assert.equal(ok.headers.get("x-trace-id"), "a".repeat(32));
    const { event } = ok;
    assert.deepEqual(
      [event.kind, event.action, event.method, event.endpoint, event.caller, event.client_ip],
      ["api", "request", "GET", "/ok", "http", "127.0.0.1"],
    );
    assert.deepEqual([event.status, event.status_code, event.error_code], ["success", 200, null]);
    assert.deepEqual(
      [event.user_id, event.session_id, event.resource_usage],
      [ABOUT.userId, ABOUT.sessionId, '{"rows":3}'],
    );
    assert.deepEqual([event.request_id, event.trace_id], ["given-1", "a".repeat(32)]);
    assert.ok(
      (event.request_size ?? 0) > 20 && (event.response_size ?? 0) > 50 && event.duration_ms !== null,
    );

    const file = (await ask(url, "/files/CANARY.txt", heard)).event;
    assert.deepEqual([file.kind, file.action, file.endpoint], ["file", "file_read", "/files/:name"]);

    const thrown = (await ask(url, "/throws", heard)).event;
    assert.deepEqual(
      [thrown.status, thrown.status_code, thrown.error_code, thrown.error_type],
      ["error", 500, "service_error", "RangeError"],
    );
    const missing = (await ask(url, "/CANARY/nowhere", heard)).event;
    assert.deepEqual([missing.status_code, missing.error_code, missing.endpoint], [404, "not_found", null]);

    const bad = (
      await ask(url, "/body", heard, {
        method: "POST",
        body: "{CANARY",
        headers: { "content-type": "application/json" },
      })
    ).event;
    assert.deepEqual([bad.status_code, bad.error_code, bad.method], [400, "invalid_request", "POST"]);

    const stream = (await ask(url, "/stream", heard)).event;
    assert.equal(stream.status, "success");
    assert.ok(
      (stream.response_size ?? 0) > 6000 && (stream.duration_ms ?? 0) >= 9,
      "its whole life, and all its bytes",
    );

    const before = heard.length;
    const leaving = send(`${url}/endless`).end();
    const [answer] = await once(leaving, "response");
    await once(answer, "data");
    leaving.destroy();
    await until(() => heard.length > before);
    const left = heard[before];
    assert.deepEqual(
      [left?.status, left?.status_code, left?.error_code],
      ["cancelled", 499, "client_disconnected"],
    );

    await fetch(`${url}/healthz`).then((response) => response.text());
    await ask(url, "/ok", heard);
    assert.equal(heard.length, 8, "what is skipped leaves none, and all else one");
    assert.ok(!JSON.stringify(heard).includes("CANARY") && !JSON.stringify(heard).includes("secret words"));
  });
}

test("what a service says on entry may throw: the request fails, and has its event", async (t) => {
  const recorder = await createRecorder({ folder: tempFolder() });
  const app = fastify();
  const about = () => ({ metadata: { prompt: "CANARY" } }) as object;
  await app.register(auditFastify({ recorder, about }));
  app.get("/ok", async () => "ok");
  t.after(async () => {
    await app.close();
    await recorder.close();
  });
  const url = await app.listen({ port: 0 });
  const heard: AuditEvent[] = [];
  recorder.subscribe((event) => heard.push(event));
  const { status, event } = await ask(url, "/ok", heard);
  assert.deepEqual([status, event.status_code, event.error_type], [500, 500, "DaybookError"]);
});

test("strict: nothing is done, and nothing answered, that is not recorded", async (t) => {
  const start = EXAMPLES["node:http"] ?? assert.fail();
  const recorder = await createRecorder({ folder: tempFolder(), modes: { api: "strict", file: "strict" } });
  const example = await start(recorder);
  t.after(() => example.close());
  const durable: string[] = [];
  recorder.subscribe(({ request_id }) => durable.push(request_id));
  for (let n = 0; n < 20; n++) {
    const response = await fetch(`${example.url}/ok`);
    assert.equal(await response.text(), "ok");
    assert.ok(durable.includes(response.headers.get("x-request-id") ?? ""), "durable before it was answered");
  }
  await recorder.close();
});

test("a service's event has the shape of the gateway's, field by field", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  const [theirs] = await daybook.events("kind=inference");
  const recorder = await createRecorder({ folder: tempFolder() });
  const example = await (EXAMPLES.Fastify ?? assert.fail())(recorder);
  t.after(async () => {
    await example.close();
    await recorder.close();
  });
  const heard: AuditEvent[] = [];
  recorder.subscribe((event) => heard.push(event));
  const { event } = await ask(example.url, "/ok", heard);
  const ours = eventJson(event) as unknown as Record<string, unknown>;
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs ?? {}).sort());
  // What any request has, both say.
  const common = [
    "event_id",
    "node_id",
    "seq",
    "timestamp",
    "recorded_at",
    "duration_ms",
    "request_id",
    "trace_id",
    "client_ip",
    "caller",
    "method",
    "endpoint",
    "status",
    "status_code",
    "request_size",
    "response_size",
    "policy_decision",
  ];
  const theirsOf = theirs as unknown as Record<string, unknown>;
  for (const field of common) {
    if (theirsOf[field] === null) continue;
    assert.notEqual(ours[field], null, field);
  }
});

test("a rule whose kind or action no event has is refused where it is given, not at a request", async () => {
  const recorder = await createRecorder({ folder: tempFolder() });
  for (const rule of [
    { path: "/a", kind: "tool", action: "read" },
    { path: "/a", kind: "file", action: "file read" },
    { path: "/a", kind: "file" },
  ]) {
    const given = () => auditExpress({ recorder, routes: [rule as never] });
    assert.throws(given, (error) => error instanceof DaybookError && error.code === "bad_event");
  }
  await recorder.close();
});
