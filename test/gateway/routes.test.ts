// The table of routes, and its replacement while requests run.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Routes } from "../../src/gateway/routes.ts";
import { makeCertificate } from "../support/certificate.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { answerChat, answerStatus, startUpstream } from "../support/upstream.ts";
import { KEY, provider, route, serveGateway } from "./served-gateway.ts";

const CHAT = "/v1/chat/completions";
const BODY = { model: "demo", messages: [] };
const nowhere = "http://127.0.0.1:9";

test("exact names come before globs, globs in their order", (t) => {
  const routes = new Routes(
    [provider("a", nowhere)],
    ["gpt-*", "gpt-4*", "gpt-4o", "*"].map((model) => route(model, ["a"])),
  );
  t.after(() => routes.close());
  const found = ["gpt-4o", "gpt-4o-mini", "gpt-3", "else"].map((model) => routes.find(model)?.model);
  assert.deepEqual(found, ["gpt-4o", "gpt-*", "gpt-*", "*"]);
  assert.equal(routes.find("x".repeat(300)), null);
});

test("the list of models has public names, and for globs what providers are known to serve", (t) => {
  const models = ["gpt-b", "gpt-a", "text-1"];
  const routes = new Routes(
    [provider("a", nowhere, { models })],
    [route("demo", ["a"]), route("gpt-*", ["a"]), route("gpt-a", ["a"])],
  );
  t.after(() => routes.close());
  assert.deepEqual(routes.models(), ["demo", "gpt-a", "gpt-b"]);
});

test("a running request ends on the table that it began with, new ones take the new table", async (t) => {
  let release = () => {};
  const old = await startUpstream(t, (response) => {
    release = () => answerChat(response, "old");
  });
  const young = await startUpstream(t, (response) => answerChat(response, "young"));
  const routes = new Routes([provider("old", old.url)], [route("demo", ["old"])]);
  const gateway = await serveGateway(t, { routes });
  const first = gateway.post(CHAT, BODY);
  await until(() => old.asked.length === 1);
  const oldPool = routes.table.providers[0]?.dispatcher;
  routes.replace([provider("young", young.url)], [route("demo", ["young"])]);
  assert.match((await gateway.post(CHAT, BODY)).text ?? "", /young/);
  assert.equal((oldPool as unknown as { closed: boolean }).closed, false);
  release();
  assert.match((await first).text ?? "", /old/);
  await until(() => (oldPool as unknown as { closed: boolean }).closed);
});

test("a client that leaves between two rounds lets go of its table", async (t) => {
  const busy = await startUpstream(t, (response) => answerStatus(response, 503, { "retry-after": "9" }));
  const retries = { retries: { max: 1 } };
  const routes = new Routes([provider("busy", busy.url, retries)], [route("demo", ["busy"])]);
  const gateway = await serveGateway(t, {
    routes,
    timeoutsMs: { chat: 30_000, completions: 1, embeddings: 1 },
  });
  const leaving = new AbortController();
  const asked = fetch(gateway.url + CHAT, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify(BODY),
    signal: leaving.signal,
  });
  await until(() => busy.asked.length === 1);
  const pool = routes.table.providers[0]?.dispatcher as unknown as { closed: boolean };
  routes.replace([], []);
  leaving.abort();
  await assert.rejects(asked);
  await until(() => pool.closed, 5000);
});

test("a provider that stays as it was keeps its connections and its health", (t) => {
  const [a, b] = [provider("a", nowhere), provider("b", nowhere)];
  const routes = new Routes([a, b], [route("demo", ["a"])]);
  t.after(() => routes.close());
  const before = routes.table.providers;
  before[0]?.breaker.failed();
  routes.replace([a, { ...b, apiKey: "another" }], [route("demo", ["b"])]);
  const after = routes.table.providers;
  assert.equal(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
  assert.deepEqual(
    routes.health().map(({ provider, failures, state }) => [provider, failures, state]),
    [
      ["a", 1, "closed"],
      ["b", 0, "closed"],
    ],
  );
});

test("certificates that cannot be read change nothing", (t) => {
  const routes = new Routes([provider("a", nowhere)], [route("demo", ["a"])]);
  t.after(() => routes.close());
  assert.throws(() => routes.replace([provider("b", nowhere, { ca_file: "/none" })], []), { code: "ENOENT" });
  assert.equal(routes.find("demo")?.targets[0]?.provider.name, "a");
});

async function secureUpstream(t: TestContext): Promise<{ url: string; caFile: string }> {
  const { cert, key } = makeCertificate("a private provider");
  const server = createServer({ cert, key }, (request, response) => {
    request.resume().on("end", () => answerChat(response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const caFile = join(tempFolder(), "ca.pem");
  writeFileSync(caFile, cert);
  return { url: `https://127.0.0.1:${(server.address() as { port: number }).port}`, caFile };
}

test("a private certificate is trusted for the provider that names it, and for no other", async (t) => {
  const { url, caFile } = await secureUpstream(t);
  const routes = new Routes(
    [provider("trusting", url, { ca_file: caFile }), provider("usual", url)],
    [route("demo", ["trusting"]), route("usual", ["usual"])],
  );
  const gateway = await serveGateway(t, { routes });
  assert.equal((await gateway.post(CHAT, BODY)).status, 200);
  assert.equal((await gateway.post(CHAT, { ...BODY, model: "usual" })).status, 502);
  const events = await gateway.events();
  assert.deepEqual(
    events.map(({ error_type }) => error_type),
    [null, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  );
});
