// Erasure and legal holds in a real Daybook: what they leave, what they wait for, and what they say of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { eraseCommand } from "../../src/cli/erase.ts";
import { holdCommand } from "../../src/cli/hold.ts";
import { usersCommand } from "../../src/cli/users.ts";
import { verifyCommand } from "../../src/cli/verify.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { runCommand, type Written } from "../cli/written.ts";
import { ADMIN_TOKEN, API_KEY, chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { NodeLog } from "../support/events.ts";
import { memoryFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

const DAYBOOK = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));
type Entity = Readonly<Record<string, unknown>>;

/** The files of a folder that have one of the texts in any of their bytes. */
function filesWith(home: string, ...texts: string[]): string[] {
  return readdirSync(home, { recursive: true })
    .map((name) => join(home, String(name)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
    .filter((path) => {
      try {
        const bytes = readFileSync(path);
        return texts.some((text) => bytes.includes(text));
      } catch {
        // What a server replaces meanwhile is not there any more.
        return false;
      }
    });
}

async function verified(home: string): Promise<Written> {
  const parts = { env: { DAYBOOK_HOME: home }, cwd: home, homedir: home, now: Date.now };
  return runCommand((screens) => verifyCommand({ ...parts, ...screens }), []);
}

function onFolder(home: string) {
  const parts = (screens: { out: PassThrough; err: PassThrough }) => ({
    ...screens,
    env: { DAYBOOK_HOME: home },
    cwd: home,
    homedir: home,
    stdin: new PassThrough(),
    now: Date.now,
  });
  return {
    users: (...args: string[]) => runCommand((screens) => usersCommand(parts(screens)), args),
    erase: (...args: string[]) => runCommand((screens) => eraseCommand(parts(screens)), args),
    hold: (...args: string[]) => runCommand((screens) => holdCommand(parts(screens)), args),
  };
}

/** A user with a key, a token, credit, a session of its own, and requests. */
async function withZoe(daybook: TestDaybook) {
  const { ask } = daybook;
  const make = async (path: string, body: Entity) =>
    (await ask(path, { method: "POST", body })).json as Entity;
  const user = await make("/admin/users", { name: "zoe-CANARY", role: "viewer" });
  const key = await make("/admin/api-keys", { name: "CANARY laptop", user_id: user.id });
  await make("/admin/tokens", { name: "CANARY token", role: "viewer", user_id: user.id });
  await make(`/admin/users/${user.id}/credits/grant`, {
    amount_microcredits: 9_000_000,
    reason: "CANARY asked",
  });
  await ask(`/admin/users/${user.id}/limits`, { method: "PUT", body: { requests_per_minute: 1000 } });
  for (let n = 0; n < 12; n++) {
    const headers = { authorization: `Bearer ${key.secret}` };
    assert.equal((await chat(daybook.url, { headers })).status, 200);
  }
  await chat(daybook.url);
  await daybook.settle();
  return { id: String(user.id), secret: String(key.secret) };
}

/** In what others have saved: a schedule, a view, and an export that a dead process had not begun. */
async function nameElsewhere({ ask, home }: TestDaybook, userId: string): Promise<{ readonly job: string }> {
  const schedule = {
    name: "rest",
    cron: "0 3 1 1 *",
    target: "archive",
    filter: `kind=admin&user_id!=${userId}`,
  };
  assert.equal((await ask("/admin/export-schedules", { method: "POST", body: schedule })).status, 201);
  const view = { name: "hers", query: `user_id=${userId}&since=24h`, columns: null, shared: true };
  assert.equal((await ask("/admin/views", { method: "POST", body: view })).status, 201);
  const job = join(home, "nodes", "7", "jobs", "019b7d2e-0000-7000-8000-000000000001");
  mkdirSync(job, { recursive: true });
  const input = { filter: { where: { user_id: [userId] } } };
  writeFileSync(
    join(job, "job.json"),
    JSON.stringify({ job: { kind: "export", state: "waiting" }, input, saved: null }),
  );
  return { job };
}

async function finished(daybook: TestDaybook, erasure: Entity): Promise<Entity> {
  let now = erasure;
  await until(async () => {
    now = (await daybook.ask(`/admin/erasures/${erasure.id}`)).json as Entity;
    return now.state === "finished";
  }, 40_000);
  return now;
}

test("an erasure leaves nothing of a person in any byte of the folder, and everything verifies", async (t) => {
  const home = memoryFolder();
  // Somebody's command was here before: its slot has an event about the person.
  const before = onFolder(home);
  await before.users("create", "early-CANARY", "--role", "viewer");
  const daybook = await startDaybook(t, {
    home,
    yaml: `export_targets: [{ name: archive, folder: ${memoryFolder()} }]\n`,
  });
  const zoe = await withZoe(daybook);
  const named = await nameElsewhere(daybook, zoe.id);
  assert.ok(filesWith(home, zoe.id, "CANARY").length >= 3, "it is in store, journal and control");
  const body = { user_id: "zoe-CANARY", justification: "asked on 3 May" };
  const planned = async (user_id: string) =>
    (await daybook.ask("/admin/erasures/plan", { method: "POST", body: { user_id } })).json as Entity;
  const plan = await planned("zoe-CANARY");
  assert.deepEqual([plan.held, plan.copies], [0, []]);
  const asked = await daybook.ask("/admin/erasures", { method: "POST", body });
  assert.equal(asked.status, 202);
  assert.equal((await chat(daybook.url, { headers: { authorization: `Bearer ${zoe.secret}` } })).status, 401);
  const done = await finished(daybook, asked.json as Entity);
  assert.equal(done.events, plan.events);
  for (const name of ["early-CANARY"])
    await finished(
      daybook,
      (await daybook.ask("/admin/erasures", { method: "POST", body: { user_id: name } })).json as Entity,
    );
  const events = await daybook.events("include=system");
  assert.deepEqual(
    events
      .filter(({ entity_type }) => entity_type === "erasure")
      .map(({ action, entity_id }) => [action, entity_id === done.id]),
    [
      ["erasure_requested", true],
      ["erasure_finished", true],
      ["erasure_requested", false],
      ["erasure_finished", false],
    ],
  );
  assert.equal(events.filter(({ kind, user_id }) => kind === "inference" && user_id === null).length, 14);
  const sums = (await daybook.ask("/admin/usage/users")).text;
  assert.equal(sums.includes(zoe.id), false);
  assert.equal((await planned(zoe.id)).events, 0);
  const filters = ((await daybook.ask("/admin/export-schedules")).json as Entity[]).map(
    ({ filter }) => filter,
  );
  assert.deepEqual(filters, [`kind=admin&user_id%21=${done.id}`], "nothing more is exported than before");
  const views = ((await daybook.ask("/admin/views")).json as Entity[]).map(({ query }) => query);
  assert.deepEqual(views, []);
  assert.equal(existsSync(named.job), false);
  await daybook.server.close();
  assert.deepEqual(filesWith(home, zoe.id, "CANARY"), []);
  const { out, code } = await verified(home);
  assert.match(out, /VALID_ERASED\n$/);
  assert.equal(code, 10, out);
});

test("a policy that names a person is changed first, and what was said of it and in searches goes with the person", async (t) => {
  const home = memoryFolder();
  const daybook = await startDaybook(t, { home });
  const { ask } = daybook;
  const post = (path: string, body: Entity) => ask(path, { method: "POST", body });
  const { id } = (await post("/admin/users", { name: "zoe", role: "viewer" })).json as Entity;
  const policy = { name: "hers", match: { kind: "inference" }, effect: "warn" };
  const policies = "/admin/policies";
  assert.equal((await post(policies, { ...policy, when: `user == '${id}' && max_tokens > 5` })).status, 201);
  const view = (q: string) => ({
    name: q,
    query: String(new URLSearchParams({ q })),
    columns: null,
    shared: true,
  });
  assert.equal((await post("/admin/views", view(`user:${id} tokens>5`))).status, 201);
  assert.equal((await post("/admin/views", view("user:somebody tokens>5"))).status, 201);
  const hold = (await post("/admin/holds", { filter: { q: `user:${id} tokens>5` } })).json as Entity;
  const justification = `nothing against ${id}.`;
  assert.equal((await post(`/admin/holds/${hold.id}/release`, { justification })).status, 200);
  await daybook.settle();
  const plan = (await post("/admin/erasures/plan", { user_id: "zoe" })).json as Entity;
  assert.deepEqual(plan.policies, ["hers"]);
  assert.equal(plan.events, 5, "the user, the policy, the view, and the hold twice");
  const refused = await post("/admin/erasures", { user_id: "zoe" });
  assert.equal(refused.status, 409);
  assert.match(refused.text, /named by a policy \(hers\): change or delete it first/);
  assert.equal(
    (await ask(`${policies}/hers`, { method: "PUT", body: { ...policy, when: "max_tokens > 5" } })).status,
    200,
  );
  const asked = await post("/admin/erasures", { user_id: "zoe" });
  assert.equal(asked.status, 202, asked.text);
  assert.equal((await finished(daybook, asked.json as Entity)).events, 6);
  const views = ((await ask("/admin/views")).json as Entity[]).map(({ name }) => name);
  assert.deepEqual(views, ["user:somebody tokens>5"]);
  await daybook.server.close();
  assert.deepEqual(filesWith(home, String(id)), []);
  assert.match((await verified(home)).out, /VALID_ERASED\n$/);
});

test("a policy that comes to name a person whose erasure is pending is waited for", async (t) => {
  const daybook = await startDaybook(t, { home: memoryFolder() });
  const post = (path: string, body: Entity) => daybook.ask(path, { method: "POST", body });
  const store = await openStore(`sqlite:${join(daybook.home, "events.db")}`, "write");
  await store.append(new NodeLog("00000000000000a1").next(100, () => ({ user_id: "zoe", kind: "mcp" })));
  await store.close();
  using other = new DatabaseSync(join(daybook.home, "events.db"));
  other.exec("BEGIN IMMEDIATE");
  const erasure = (await post("/admin/erasures", { user_id: "zoe" })).json as Entity;
  const match = { user: ["ana", "zoe"] };
  assert.equal((await post("/admin/policies", { name: "both", match, effect: "deny" })).status, 201);
  other.exec("COMMIT");
  const state = async () => (await daybook.ask(`/admin/erasures/${erasure.id}`)).json as Entity;
  await until(async () => (await state()).waiting_for === "policy", 40_000);
  assert.equal((await daybook.ask("/admin/policies/both", { method: "DELETE" })).status, 204);
  await finished(daybook, erasure);
  assert.deepEqual(await daybook.events("user_id=zoe"), []);
});

test("somebody who is called like a model is erased while the model is asked", async (t) => {
  const daybook = await startDaybook(t, { home: memoryFolder() });
  const store = await openStore(`sqlite:${join(daybook.home, "events.db")}`, "write");
  await store.append(new NodeLog("00000000000000a1").next(10, () => ({ user_id: "demo", kind: "mcp" })));
  await store.close();
  await chat(daybook.url);
  const asked = await daybook.ask("/admin/erasures", { method: "POST", body: { user_id: "demo" } });
  for (let n = 0; n < 5; n++) await chat(daybook.url);
  assert.equal((await finished(daybook, asked.json as Entity)).state, "finished");
  assert.equal((await daybook.events("model=demo&kind=inference")).length, 6);
});

test("a legal hold beats retention and erasure until it is released, with a reason", async (t) => {
  const daybook = await startDaybook(t, {
    home: memoryFolder(),
    yaml: "audit: { retention_days: { inference: 1 } }\n",
  });
  const store = await openStore(`sqlite:${join(daybook.home, "events.db")}`, "write");
  const log = new NodeLog("00000000000000a1");
  const cells = (seq: number) => ({ kind: "inference", user_id: seq <= 40 ? "zoe" : "ana" });
  await store.append(log.next(60, cells));
  await store.close();
  const add = (filter: Entity) => daybook.ask("/admin/holds", { method: "POST", body: { filter } });
  assert.equal((await add({})).status, 400);
  assert.equal((await add({ modle: "gpt" })).status, 400);
  const hold = (await add({ user_id: "zoe" })).json as Entity;
  assert.deepEqual(hold.filter, { user_id: ["zoe"] });
  const left = async () => (await daybook.events("user_id=zoe&user_id=ana&kind=inference")).length;
  await daybook.server.retention.run();
  assert.equal(await left(), 40);
  const refused = await daybook.ask("/admin/erasures", { method: "POST", body: { user_id: "zoe" } });
  assert.equal(refused.status, 409);
  assert.match(refused.text, /40 events of this person are under a legal hold/);
  const release = (body: Entity) => daybook.ask(`/admin/holds/${hold.id}/release`, { method: "POST", body });
  assert.equal((await release({})).status, 400);
  assert.equal((await release({ justification: "settled" })).status, 200);
  assert.equal((await release({ justification: "settled" })).status, 409);
  await daybook.server.retention.run();
  assert.equal(await left(), 0);
});

test("a hold that begins before an erasure's first step keeps all, until it is released and nobody's business", async (t) => {
  const daybook = await startDaybook(t, { home: memoryFolder() });
  const path = join(daybook.home, "events.db");
  const store = await openStore(`sqlite:${path}`, "write");
  await store.append(new NodeLog("00000000000000a1").next(100, () => ({ user_id: "zoe", kind: "mcp" })));
  await store.close();
  // Nobody writes to the store meanwhile: the erasure is under way, and waits for what is in the journal.
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const erasure = (await daybook.ask("/admin/erasures", { method: "POST", body: { user_id: "zoe" } }))
    .json as Entity;
  const hold = (
    await daybook.ask("/admin/holds", { method: "POST", body: { filter: { kind: "mcp", user_id: "zoe" } } })
  ).json as Entity;
  other.exec("COMMIT");
  const state = async () => (await daybook.ask(`/admin/erasures/${erasure.id}`)).json as Entity;
  await until(async () => (await state()).waiting_for === "legal_hold", 40_000);
  const plan = await daybook.ask("/admin/erasures/plan", { method: "POST", body: { user_id: "zoe" } });
  assert.equal((plan.json as Entity).held, 100);
  await daybook.ask(`/admin/holds/${hold.id}/release`, {
    method: "POST",
    body: { justification: "no case" },
  });
  await finished(daybook, erasure);
  assert.deepEqual(await daybook.events("user_id=zoe"), []);
  const { filter, reason, release_reason } = (await daybook.ask(`/admin/holds/${hold.id}`)).json as Entity;
  assert.deepEqual(
    [filter, reason, release_reason],
    [null, null, null],
    "whom it held is nobody's business any more",
  );
});

test("an erasure ends early when it is halted, as it is by a hold, and the next one finishes it", async (t) => {
  const { server, home } = await startDaybook(t, { home: memoryFolder() });
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  await store.append(new NodeLog("00000000000000a1").next(6000, () => ({ user_id: "zoe", kind: "mcp" })));
  await store.close();
  const subject = { userId: "zoe", pseudonym: "somebody", holds: [] };
  const halted = server.delivery.erase(subject);
  server.delivery.halt();
  const { events, reason } = await halted;
  assert.equal(reason, "closed");
  assert.ok(events < 6000, String(events));
  const rest = await server.delivery.erase(subject);
  assert.deepEqual([rest.events, rest.reason], [6000 - events, null]);
});

test("an erasure that waits to write when it is halted has written nothing when it may", async (t) => {
  const { server, home } = await startDaybook(t, { home: memoryFolder() });
  const path = join(home, "events.db");
  const store = await openStore(`sqlite:${path}`, "write");
  await store.append(new NodeLog("00000000000000a1").next(100, () => ({ user_id: "zoe", kind: "mcp" })));
  await store.close();
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const halted = server.delivery.erase({ userId: "zoe", pseudonym: "somebody", holds: [] });
  server.delivery.halt();
  other.exec("COMMIT");
  const { events, reason } = await halted;
  assert.deepEqual([events, reason], [0, "closed"]);
});

test("commands hold, erase and release without a server", async () => {
  const home = memoryFolder();
  const { users, hold, erase } = onFolder(home);
  await users("create", "zoe-CANARY", "--role", "viewer");
  const made = JSON.parse((await hold("add", "--user", "somebody", "--kind", "mcp", "--json")).out) as Entity;
  await hold("release", String(made.id), "--reason", "no case");
  assert.match((await hold("list")).out, /user_id=somebody kind=mcp|kind=mcp user_id=somebody/);
  await assert.rejects(erase("--user", "zoe-CANARY", "--reason", "ZOE-canary asked"), /may not name/);
  const { out } = await erase("--user", "zoe-CANARY", "--reason", "asked", "--json");
  assert.equal((JSON.parse(out) as Entity).state, "finished");
  assert.deepEqual(filesWith(home, "CANARY"), []);
  assert.match((await verified(home)).out, /VALID_ERASED\n$/);
});

test("an erasure that kill -9 cuts off is finished by the next start", async (t) => {
  const isFinished = async (afterMs: number) => {
    const home = memoryFolder();
    const env = {
      ...process.env,
      DAYBOOK_HOME: home,
      DAYBOOK_LISTEN: "127.0.0.1:0",
      DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
      DAYBOOK_BOOTSTRAP_API_KEY: API_KEY,
    };
    const child = spawn(process.execPath, [DAYBOOK, "serve"], { env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    await until(() => /http:\/\/127\.0\.0\.1:\d+/.test(said), 30_000);
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
    const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
    await store.append(
      new NodeLog("00000000000000a1").next(3000, () => ({ user_id: "zoe-CANARY", session_id: "CANARY-1" })),
    );
    await store.close();
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    const answer = await fetch(`${url}/admin/erasures`, {
      method: "POST",
      headers,
      body: JSON.stringify({ user_id: "zoe-CANARY" }),
    });
    const erasure = (await answer.json()) as Entity;
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill("SIGKILL");
    await once(child, "exit");
    const daybook = await startDaybook(t, { home });
    await finished(daybook, erasure);
    await daybook.server.close();
    assert.deepEqual(filesWith(home, "CANARY"), []);
  };
  await Promise.all([5, 120].map(isFinished));
});
