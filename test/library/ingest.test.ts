import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { effectiveOptions } from "../../src/config/effective.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { DaybookError } from "../../src/event/errors.ts";
import { answered, createRecorder } from "../../src/library/index.ts";
import { openOwnNode } from "../../src/node/own-node.ts";
import { openServer } from "../../src/server/server.ts";
import { batchLines } from "../../src/stores/ingest-lines.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { ADMIN_TOKEN, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { unshippedOf } from "./made-batch.ts";
import { openUnreliableWay } from "./unreliable-way.ts";

const run = promisify(execFile);
const PROCESS = fileURLToPath(new URL("recorder-process.ts", import.meta.url));
const BIN = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));
const api = { kind: "api", action: "request" } as const;

async function ingestKey({ ask }: TestDaybook, userId?: string): Promise<string> {
  const body = {
    name: "service",
    role: "admin",
    scopes: ["ingest"],
    ...(userId === undefined ? {} : { user_id: userId }),
  };
  const { json, text } = await ask("/admin/tokens", { method: "POST", body });
  return (json as { secret?: string }).secret ?? assert.fail(text);
}

test("a service far away records here: its events, sealed, under its own node, once", async (t) => {
  const daybook = await startDaybook(t);
  const key = await ingestKey(daybook);
  const folder = tempFolder();
  const recorder = await createRecorder({ url: daybook.url, key, folder });
  for (let n = 0; n < 30; n++) recorder.log({ ...api, name: `far-${n}` }, answered(200));
  await recorder.flush();
  assert.ok(await recorder.shipped());
  await recorder.close();
  const events = (await daybook.events("kind=api")).filter(({ name }) => String(name).startsWith("far-"));
  assert.deepEqual(
    events.map(({ node_id, seq, name }) => [node_id, seq, name]),
    Array.from({ length: 30 }, (_, n) => [recorder.nodeId, n + 1, `far-${n}`]),
  );
  const { json } = await daybook.ask("/ingest/nodes", { token: key });
  const [node] = json as { node_id: string; seq: number; sealed_size: number }[];
  assert.equal(node?.node_id, recorder.nodeId);
  assert.equal(node?.sealed_size, node?.seq, "the last checkpoint went with the last events");
  const admin = await daybook.events("kind=admin&action=ingest_node_added");
  assert.equal(admin.length, 1, "a new node is told of, once");
  const requests = (await daybook.events("kind=api")).filter(({ endpoint }) => endpoint === "/ingest/events");
  assert.deepEqual(requests, [], "what is handed over are events, and the handing over is none");
});

test("a configured store may be another Daybook: it takes events, is told without its token, and serves nothing", async (t) => {
  const daybook = await startDaybook(t);
  const key = await ingestKey(daybook);
  const home = tempFolder();
  const store = daybook.url.replace("://", `://ingest:${key}@`);
  writeFileSync(join(home, "daybook.yaml"), `store: ${store}\n`);
  const config = await loadConfig({ env: { DAYBOOK_HOME: home }, cwd: home, homedir: home, flags: {} });
  assert.equal(effectiveOptions(config, () => "").store, daybook.url);
  await assert.rejects(openServer(config), (error: DaybookError) => error.code === "remote_store");
  const node = await openOwnNode(config);
  node.recorder.log({ kind: "mcp", action: "tool", name: "far" }, answered(null));
  await node.recorder.drain();
  assert.ok(await node.delivery.caughtUp(10_000));
  await node[Symbol.asyncDispose]();
  assert.deepEqual(
    (await daybook.events("kind=mcp")).map(({ name }) => name),
    ["far"],
  );
});

test("a key writes its own nodes and no others, and another key of its user goes on with them", async (t) => {
  const daybook = await startDaybook(t);
  const { lines } = await unshippedOf(3);
  const post = (token: string | null, body: string) =>
    fetch(`${daybook.url}/ingest/events`, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/x-ndjson",
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
    });
  await daybook.ask("/admin/users", {
    method: "POST",
    body: { name: "svc", role: "admin", password: "correct horse battery" },
  });
  const [mine, others] = [await ingestKey(daybook, "svc"), await ingestKey(daybook)];
  const next = await ingestKey(daybook, "svc");
  const all = lines.join("");
  assert.equal((await post(null, all)).status, 401);
  const viewer = (
    await daybook.ask("/admin/tokens", { method: "POST", body: { name: "v", role: "auditor" } })
  ).json as { secret: string };
  assert.equal((await post(viewer.secret, all)).status, 403);
  assert.equal((await post(mine, all)).status, 200);
  assert.equal((await post(others, all)).status, 403);
  assert.deepEqual(await (await post(next, all)).json(), {
    result: "appended",
    at: JSON.parse(lines[0] ?? "").to,
  });
  const own = all.replaceAll(JSON.parse(lines[0] ?? "").node_id, daybook.server.nodeId);
  assert.equal((await post(mine, own)).status, 403, "this Daybook's own node");
  const seal = async (token: string, nodeId: string) => {
    const body = `${JSON.stringify({ node_id: nodeId, checkpoint: null, keys: null })}\n`;
    const headers = { "content-type": "application/x-ndjson", authorization: `Bearer ${token}` };
    return (await fetch(`${daybook.url}/ingest/seals`, { method: "POST", body, headers })).status;
  };
  const { node_id: ours } = JSON.parse(lines[0] ?? "") as { node_id: string };
  assert.deepEqual(
    [await seal(mine, ours), await seal(others, ours), await seal(others, "0".repeat(16))],
    [204, 403, 403],
    "tiles and checkpoints likewise, and of a node only that has events",
  );
  const refused = (await daybook.events("kind=api")).filter(({ endpoint }) => endpoint === "/ingest/events");
  assert.deepEqual(refused.map(({ error_type }) => error_type).sort(), ["missing", "node", "node", "role"]);
});

test("events of another process charge its key's own user, and nobody else whom they name", async (t) => {
  const daybook = await startDaybook(t);
  const user = async (name: string) => {
    const { json, text } = await daybook.ask("/admin/users", {
      method: "POST",
      body: { name, role: "admin" },
    });
    return (json as { id?: string }).id ?? assert.fail(text);
  };
  const [ann, bo] = [await user("ann"), await user("bo")];
  const spend = async (key: string) => {
    const recorder = await createRecorder({ url: daybook.url, key, folder: tempFolder() });
    for (const userId of [ann, bo])
      recorder.log({ kind: "inference", action: "chat", userId, costMicros: 5 }, answered(200));
    await recorder.flush();
    assert.ok(await recorder.shipped());
    await recorder.close();
    return recorder.nodeId;
  };
  const nobodys = await spend(await ingestKey(daybook));
  const anns = await spend(await ingestKey(daybook, ann));
  const store = await openStore(`sqlite:${join(daybook.home, "events.db")}`, "read");
  t.after(() => store.close());
  const { sums } = await store.charges();
  assert.deepEqual(
    sums.filter(({ nodeId }) => [nobodys, anns].includes(nodeId)),
    [{ nodeId: anns, userId: ann, costMicros: 5 }],
  );
  const events = await daybook.events("kind=inference");
  assert.deepEqual(
    events.map(({ user_id, cost_micros }) => [user_id, cost_micros]),
    [
      [ann, 5],
      [bo, 5],
      [ann, 5],
      [bo, 5],
    ],
    "what they cost is in the trail",
  );
});

test("what no recorder would make is refused, whole", async (t) => {
  const daybook = await startDaybook(t);
  const key = await ingestKey(daybook);
  const { batch } = await unshippedOf(3);
  const post = async (body: string) => {
    const headers = { "content-type": "application/x-ndjson", authorization: `Bearer ${key}` };
    const response = await fetch(`${daybook.url}/ingest/events`, { method: "POST", body, headers });
    return [response.status, ((await response.json()) as { detail?: string }).detail ?? ""] as const;
  };
  const changed = (change: (cells: Record<string, unknown>) => void, at = 1) => {
    const lines = batchLines(batch)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    change(lines[at] ?? {});
    return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  };
  const refusals: [string, RegExp][] = [
    [changed((cells) => Object.assign(cells, { metadata: '{"prompt":"CANARY"}' })), /prompt/],
    [changed((cells) => Object.assign(cells, { metadata: '{"a":{"b":"CANARY"}}' })), /flat/],
    [changed((cells) => Object.assign(cells, { messages: "CANARY" })), /messages/],
    [changed((cells) => Object.assign(cells, { resource_usage: '{"words":"CANARY"}' })), /resource_usage/],
    [changed((cells) => Object.assign(cells, { attempts: '["CANARY"]' })), /attempts/],
    [changed((cells) => Object.assign(cells, { policies: '{"said":"CANARY"}' })), /policies/],
    [changed((cells) => Object.assign(cells, { new_values: "null" })), /new_values/],
    [changed((cells) => Object.assign(cells, { input_json: '{"city":"CANARY"}' })), /mcp/],
    [changed((cells) => Object.assign(cells, { status: "fine" })), /status/],
    [changed((cells) => Object.assign(cells, { kind: undefined })), /kind/],
    [changed((cells) => Object.assign(cells, { seq: 7 })), /seq/],
    [changed((cells) => Object.assign(cells, { node_id: "f".repeat(16) })), /seq|node/],
    [changed((cells) => Object.assign(cells, { p1_salt: "short" })), /base64/],
    [changed((cells) => Object.assign(cells, { duration_ms: 1.5 })), /duration_ms/],
    [changed((cells) => Object.assign(cells, { metadata: '{"b":1, "a":2}' })), /metadata/],
    [changed((head) => Object.assign(head, { root: "x" }), 0), /root/],
    ["{", /JSON/],
    ["", /JSON|nothing/],
    ['{"node_id":"../../x"}\n', /node_id/],
  ];
  for (const [body, expected] of refusals) {
    const [status, detail] = await post(body);
    assert.equal(status, 400, `${expected}: ${status} ${detail}`);
    assert.match(detail, expected);
    assert.ok(!detail.includes("CANARY"));
  }
  const { json } = await daybook.ask("/ingest/nodes", { token: key });
  assert.deepEqual(json, [], "nothing of it was kept");
});

test("exactly once, whatever is lost, doubled or overtaken on the way, and whoever is killed", async (t) => {
  const home = tempFolder();
  const folder = tempFolder();
  const way = await openUnreliableWay();
  t.after(() => way.close());
  const serve = async () => {
    const child = spawn(process.execPath, [BIN, "serve"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        DAYBOOK_HOME: home,
        DAYBOOK_LISTEN: "127.0.0.1:0",
        DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
      },
    });
    after(() => child.kill("SIGKILL"));
    for await (const line of createInterface(child.stdout)) {
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (url !== undefined) {
        way.to = url;
        child.stdout.resume();
        return child;
      }
    }
    return assert.fail("it did not start");
  };
  const kill = async (child: Awaited<ReturnType<typeof serve>>) => {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    way.to = null;
    await gone;
  };
  let server = await serve();
  const ask = async (path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    const init = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
    return (await fetch(`${way.to}${path}`, init)).json();
  };
  const { secret: token } = (await ask("/admin/tokens", {
    name: "service",
    role: "admin",
    scopes: ["ingest"],
  })) as {
    secret: string;
  };
  way.fails = true;
  const durable: string[] = [];
  const life = async (ms: number) => {
    const child = spawn(process.execPath, [PROCESS, folder, "serve", way.url, token], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = (async () => {
      for await (const line of createInterface(child.stdout)) durable.push(line);
    })();
    const before = durable.length;
    await until(() => durable.length > before + 50, 30_000);
    await delay(ms);
    child.kill("SIGKILL");
    await ended;
  };
  await life(400);
  const second = life(1200);
  await delay(500);
  await kill(server);
  server = await serve();
  await second;
  const recorder = await createRecorder({ url: way.url, key: token, folder });
  // However few requests a busy machine has made of it so far: each sort of accident has its turn.
  await until(() => {
    recorder.log(api, answered(200));
    return Object.values(way.accidents).every((times) => times > 0);
  }, 30_000);
  assert.ok(await recorder.shipped(30_000));
  way.fails = false;
  await recorder.close();
  const names = new Map<string, number>();
  let next: string | null = "/admin/audit-logs?kind=exec&limit=1000";
  while (next !== null) {
    const response: Response = await fetch(`${way.to}${next}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    for (const { name } of (await response.json()) as { name: string }[])
      names.set(name, (names.get(name) ?? 0) + 1);
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1] ?? null;
    if (next?.startsWith("http")) next = next.slice(new URL(next).origin.length);
  }
  assert.deepEqual(
    [...names].filter(([, times]) => times > 1),
    [],
  );
  assert.deepEqual(
    durable.filter((name) => !names.has(name)),
    [],
  );
  // In order: what a killed server said of itself last may have no checkpoint yet.
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  await ended;
  const env = { ...process.env, DAYBOOK_HOME: home };
  const { stdout } = await run(process.execPath, [BIN, "verify", "--json"], { env });
  const logs = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { node_id: string; state: string });
  assert.ok(logs.some(({ node_id, state }) => node_id === recorder.nodeId && state === "VALID"));
});
