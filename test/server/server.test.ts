// A server's life: what it refuses to start with, and what it leaves behind when it ends.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { request } from "undici";
import { answered } from "../../src/event/outcomes.ts";
import { segmentPath } from "../../src/journal/segments.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { ADMIN_TOKEN, API_KEY, chat, chatBody, startDaybook } from "../support/daybook.ts";
import { chatRow } from "../support/facts.ts";
import { openJournal } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const BIN = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));

/** Runs `daybook serve`, which must refuse; what it said on stderr. */
async function refused(home: string, yaml = "listen: 127.0.0.1:0\n"): Promise<string> {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "daybook.yaml"), yaml);
  return refusedWith({
    PATH: process.env.PATH,
    DAYBOOK_HOME: home,
    DAYBOOK_CONFIG: join(home, "daybook.yaml"),
  });
}

async function refusedWith(env: NodeJS.ProcessEnv): Promise<string> {
  const failure = await promisify(execFile)(process.execPath, [BIN, "serve"], { env, timeout: 20_000 }).then(
    () => assert.fail("it started"),
    (error: { code: number; stderr: string }) => error,
  );
  assert.equal(failure.code, 1);
  assert.doesNotMatch(failure.stderr, /\n\s+at /, "no stack");
  return failure.stderr;
}

test("a broken daybook.yaml is refused with its place and the nearest right name", async (_t) => {
  const said = await refused(tempFolder(), "listen: 127.0.0.1:0\ntimeout_ms: { chat: 1 }\n");
  assert.match(said, /daybook\.yaml:2:1/);
  assert.match(said, /timeouts_ms/);
});

test("a port in use is refused with what to do", async (t) => {
  const daybook = await startDaybook(t);
  const { host } = new URL(daybook.url);
  const said = await refused(tempFolder(), `listen: ${host}\n`);
  assert.match(said, /Cannot listen on 127\.0\.0\.1:\d+: the address is in use\. .*DAYBOOK_LISTEN/);
});

test("a second process on a folder has a slot of its own, and both ship into one store", async (t) => {
  const home = tempFolder();
  const one = await startDaybook(t, { home });
  const two = await startDaybook(t, { home });
  assert.notEqual(one.server.nodeId, two.server.nodeId);
  for (const { url } of [one, two, one, two]) assert.equal((await chat(url)).status, 200);
  await one.settle();
  const events = await two.events("kind=inference");
  const bySeq = events.map(({ node_id, seq }) => [node_id === one.server.nodeId ? "one" : "two", seq]);
  assert.deepEqual(bySeq.toSorted(), [
    ["one", 3],
    ["one", 4],
    ["two", 1],
    ["two", 2],
  ]);
});

test("what a dead process left in its slot is recorded in its own log and shipped by another", async (t) => {
  const home = tempFolder();
  mkdirSync(join(home, "nodes", "1"), { recursive: true });
  const own = takeSlot(home);
  const dead = takeSlot(home);
  const journal = openJournal(dead.journalFolder, { nodeId: dead.nodeId });
  journal.commit([
    ["finish", chatRow(1)],
    ["begin", chatRow(2, {}, null)],
  ]);
  own.release();
  dead.release();
  const daybook = await startDaybook(t, { home });
  assert.notEqual(daybook.server.nodeId, dead.nodeId);
  await daybook.adopted();
  const events = (await daybook.events("include=system")).filter(({ node_id }) => node_id === dead.nodeId);
  assert.deepEqual(
    events.map(({ seq, action, error_code }) => [seq, action, error_code]),
    [
      [1, "chat", null],
      [2, "chat", "interrupted"],
      [3, "unclean_stop", null],
    ],
  );
});

test("an address that others reach is refused without TLS", async (_t) => {
  assert.match(await refused(tempFolder(), "listen: 0.0.0.0:0\n"), /allow_insecure_public/);
});

test("a data folder that cannot be one is refused", async (_t) => {
  const file = join(tempFolder(), "file");
  writeFileSync(file, "");
  const said = await refusedWith({
    PATH: process.env.PATH,
    DAYBOOK_HOME: join(file, "home"),
    DAYBOOK_LISTEN: "127.0.0.1:0",
  });
  assert.match(said, /Cannot use the data folder .*ENOTDIR.*DAYBOOK_HOME/);
});

test("files of a newer version are refused and left as they are", async (t) => {
  const home = tempFolder();
  const daybook = await startDaybook(t, { home });
  await daybook.server.close(0);
  const newer = (name: string) => {
    const database = new DatabaseSync(join(home, name));
    database.exec("PRAGMA user_version = 999");
    database.close();
    return readFileSync(join(home, name));
  };
  const store = newer("events.db");
  assert.match(await refused(home), /events\.db was written by a newer Daybook/);
  assert.deepEqual(readFileSync(join(home, "events.db")), store);
  const control = newer("control.db");
  assert.match(await refused(home), /control\.db was written by a newer Daybook/);
  assert.deepEqual(readFileSync(join(home, "control.db")), control);
});

test("a journal with a changed bit before its tail is left as it is; a new log goes on, and says what is missing", async (t) => {
  const home = tempFolder();
  const slot = takeSlot(home);
  const journal = openJournal(slot.journalFolder, { nodeId: slot.nodeId });
  for (let n = 1; n <= 5; n++) journal.commit([["finish", chatRow(n)]]);
  slot.release();
  const path = segmentPath(slot.journalFolder, 1);
  const bytes = readFileSync(path);
  const third = bytes.indexOf('"req_3"');
  bytes[third] = (bytes[third] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const daybook = await startDaybook(t, { home });
  assert.deepEqual(readFileSync(path), bytes);
  await daybook.adopted();
  const events = await daybook.events("include=system");
  const of = (nodeId: string) => events.filter(({ node_id }) => node_id === nodeId);
  assert.deepEqual(
    of(slot.nodeId).map(({ seq }) => seq),
    [1, 2, 4, 5],
  );
  const told = of(daybook.server.nodeId).filter(({ kind }) => kind === "system");
  assert.deepEqual(
    told.map(({ action, metadata }) => [action, metadata]),
    [
      ["node_succeeded", `{"because":"damaged","predecessor":"${slot.nodeId}"}`],
      ["journal_loss", `{"from_seq":3,"node":"${slot.nodeId}","to_seq":3}`],
    ],
  );
});

test("a folder that was restored from an older backup goes on in a new log", async (t) => {
  const home = tempFolder();
  const daybook = await startDaybook(t, { home });
  await chat(daybook.url);
  await daybook.settle();
  const { nodeId } = daybook.server;
  const journal = join(home, "nodes", "0", "journal");
  await daybook.server.close(0);
  const before = await backup(journal);
  const again = await startDaybook(t, { home });
  await chat(again.url);
  await again.settle();
  assert.equal(again.server.nodeId, nodeId);
  await again.server.close(0);
  await restore(journal, before);
  const restored = await startDaybook(t, { home });
  assert.notEqual(restored.server.nodeId, nodeId);
  await chat(restored.url);
  const events = await restored.events("include=system");
  const told = events.filter(({ action }) => action === "node_succeeded");
  assert.deepEqual(
    told.map(({ metadata }) => metadata),
    [`{"because":"older_than_store","predecessor":"${nodeId}"}`],
  );
  assert.equal(events.filter(({ action }) => action === "chat").length, 3);
});

async function backup(folder: string): Promise<Map<string, Buffer>> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

async function restore(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}

test("a small journal goes on for ever: old segments go when the store has them for good", async (t) => {
  const daybook = await startDaybook(t, { yaml: "journal: { max_mb: 32, reserve_mb: 1 }\n" });
  const { recorder } = daybook.server;
  const journal = join(daybook.home, "nodes", "0", "journal");
  for (let round = 0; round < 30; round++) {
    for (let n = 0; n < 2000; n++)
      recorder.log({ kind: "inference", action: "chat", model: "demo" }, answered(200));
    await daybook.settle();
  }
  const { text } = await daybook.get("/admin/audit-logs/stats?kind=inference");
  assert.equal((JSON.parse(text) as { total_requests: number }).total_requests, 60_000);
  assert.deepEqual([recorder.trouble, recorder.counters.byKind.inference.dropped.queue_full], [null, 0]);
  const bytes = readdirSync(journal).reduce((sum, name) => sum + statSync(join(journal, name)).size, 0);
  assert.ok(
    bytes < 20 * 2 ** 20 && !readdirSync(journal).includes("0000000000000001.journal"),
    `${bytes} bytes`,
  );
});

test("all files are the owner's alone", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await daybook.settle();
  for (const name of readdirSync(daybook.home, { recursive: true }).map(String)) {
    if (name === "daybook.yaml") continue;
    const { mode } = statSync(join(daybook.home, name));
    assert.equal((mode & 0o077).toString(8), "0", name);
  }
});

test("close finishes what is in flight, refuses what is new, and leaves a clean journal", async (t) => {
  const home = tempFolder();
  const daybook = await startDaybook(t, { home });
  const keepAlive = await request(`${daybook.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "x-request-id": "in-flight" },
    body: chatBody({ stream: true, simulate: { completion_tokens: 20, pace_ms: 10 } }),
  });
  const closing = daybook.server.close();
  const text = await keepAlive.body.text();
  assert.match(text, /\[DONE\]/);
  await closing;
  const again = await startDaybook(t, { home });
  const events = await again.events("include=system");
  assert.deepEqual(
    events.filter(({ request_id }) => request_id === "in-flight").map(({ status }) => status),
    ["success"],
  );
  assert.deepEqual(
    events.filter(({ action }) => action === "unclean_stop"),
    [],
  );
});

test("what cannot wait for the grace to end is answered, recorded and cut", async (t) => {
  const home = tempFolder();
  const daybook = await startDaybook(t, { home });
  const stream = await request(`${daybook.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "x-request-id": "endless" },
    body: chatBody({ stream: true, simulate: { completion_tokens: 5000, pace_ms: 20 } }),
  });
  const text = stream.body.text();
  await daybook.server.close(0);
  assert.match(await text, /"code":"shutting_down"/);
  const again = await startDaybook(t, { home });
  const [event] = await again.events("request_id=endless");
  assert.deepEqual([event?.status, event?.status_code, event?.error_code], ["error", 503, "shutting_down"]);
});

test("the first start's secrets are shown once, and their making is the trail's beginning", async (t) => {
  const home = tempFolder();
  const first = await startDaybook(t, { home });
  assert.notEqual(first.server.firstSecrets, null);
  const events = await first.events();
  assert.deepEqual(
    events.map(({ kind, action, seq }) => [kind, action, seq]),
    [
      ["admin", "token_created", 1],
      ["admin", "api_key_created", 2],
    ],
  );
  await first.server.close(0);
  const second = await startDaybook(t, { home });
  assert.equal(second.server.firstSecrets, null);
  assert.equal((await second.events("kind=admin")).length, 2);
});

test("Ctrl+C ends a started server with exit code 0 and everything drained", async (t) => {
  const home = tempFolder();
  const env = {
    PATH: process.env.PATH,
    DAYBOOK_HOME: home,
    DAYBOOK_LISTEN: "127.0.0.1:0",
    DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
  };
  const child = execFile(process.execPath, [BIN, "serve"], { env });
  let said = "";
  const listening = new Promise<void>((resolve) =>
    child.stdout?.on("data", (data) => {
      said += data;
      if (said.includes("Then read the trail")) resolve();
    }),
  );
  await listening;
  const [, key = ""] = /API key\s+(\S+)/.exec(said) ?? [];
  const [, url = ""] = /listens on (http:\S+)/.exec(said) ?? [];
  const { statusCode, body } = await request(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: chatBody(),
  });
  assert.equal(statusCode, 200);
  await body.dump();
  const exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve([code, signal])));
  child.kill("SIGINT");
  assert.deepEqual(await exited, [0, null]);
  const again = await startDaybook(t, { home });
  assert.deepEqual(
    (await again.events("include=system"))
      .map(({ action }) => action)
      .filter((action) => action !== "queried"),
    ["token_created", "api_key_created", "chat"],
  );
});
