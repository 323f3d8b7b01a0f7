// The configuration read again while Daybook runs, and what differs between starts: what comes into force, what is
// refused, and what the trail is told.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { connect } from "node:tls";
import { Agent, request, setGlobalDispatcher } from "undici";
import type { EventJson } from "../../src/event/json.ts";
import { makeCertificate } from "../support/certificate.ts";
import { API_KEY, chat, chatBody, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

const ONE = "providers: [{ name: one, backend_type: simulated, api_key: sk-canary-1 }]\n";
const TO_ONE = `${ONE}routes: [{ model: m, providers: [{ provider: one }] }]\n`;

function write({ home }: Pick<TestDaybook, "home">, yaml: string): void {
  writeFileSync(join(home, "daybook.yaml"), `listen: 127.0.0.1:0\n${yaml}`);
}

const reload = (daybook: TestDaybook) => daybook.ask("/admin/reload", { method: "POST" });

/** Events of the configuration: status, error code, old and new values. */
async function told(daybook: TestDaybook) {
  const events = (await daybook.events("kind=admin")).filter(
    (event) => event.entity_type === "configuration",
  );
  return events.map(({ caller, status, error_code, error_type, old_values, new_values }) => ({
    caller,
    status,
    error_code,
    error_type,
    old: parsed(old_values),
    new: parsed(new_values),
  }));
}

function parsed(text: EventJson["old_values"]): Record<string, unknown> | null {
  return text == null ? null : (JSON.parse(String(text)) as Record<string, unknown>);
}

test("providers, routes and limits of a changed file serve the next request, and one event tells it", async (t) => {
  const daybook = await startDaybook(t);
  write(
    daybook,
    `${TO_ONE}limits: { max_body_bytes: 300 }\naudit: { user_agent: true }\njournal: { max_mb: 64 }\n`,
  );
  const { status, json } = await reload(daybook);
  assert.equal(status, 200);
  const { changed, needs_restart } = json as { changed: string[]; needs_restart: string[] };
  assert.ok(changed.includes("providers.one.api_key") && changed.includes("limits.max_body_bytes"));
  assert.deepEqual(needs_restart, ["journal.max_mb"]);
  assert.equal((await chat(daybook.url, { model: "m", headers: { "user-agent": "ua" } })).status, 200);
  assert.equal((await chat(daybook.url, { model: "demo" })).status, 404);
  assert.equal((await chat(daybook.url, { model: "m", body: { user: "x".repeat(300) } })).status, 413);
  const [event, ...more] = await told(daybook);
  assert.deepEqual(more, []);
  assert.deepEqual([event?.caller, event?.status], ["http", "success"]);
  assert.deepEqual(event?.old?.["limits.max_body_bytes"], 33_554_432);
  assert.deepEqual(event?.new?.["limits.max_body_bytes"], 300);
  assert.deepEqual(
    [event?.old?.["providers.one.api_key"], event?.new?.["providers.one.api_key"]],
    [null, "set"],
  );
  assert.equal(event?.new?.["journal.max_mb"], undefined, "what waits for the next start is told then");
  const [answered] = await daybook.events("kind=inference");
  assert.deepEqual([answered?.provider, answered?.user_agent], ["one", "ua"]);
});

test("a bad file is refused with its place, and nothing changes", async (t) => {
  const daybook = await startDaybook(t, { yaml: TO_ONE });
  write(daybook, `${ONE}routes: [{ model: other, providers: [{ provider: oen }] }]\n`);
  const { status, json } = await reload(daybook);
  const { code, detail } = json as { code: string; detail: string };
  assert.deepEqual([status, code], [500, "invalid_configuration"]);
  assert.match(
    detail,
    /daybook\.yaml:3:\d+: routes\[0\]\.providers\[0\]\.provider: there is no provider "oen": did you mean one\?/,
  );
  assert.equal((await chat(daybook.url, { model: "m" })).status, 200);
  assert.equal((await chat(daybook.url, { model: "other" })).status, 404);
  const [event, ...more] = await told(daybook);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [event?.status, event?.error_code, event?.error_type, event?.new],
    ["error", "invalid_configuration", "bad_config", null],
  );
});

test("a file that names what cannot be read changes nothing", async (t) => {
  const daybook = await startDaybook(t, { yaml: TO_ONE });
  write(daybook, TO_ONE.replace("api_key", "ca_file: absent.pem, api_key"));
  const { status, json } = await reload(daybook);
  assert.equal(status, 500);
  assert.match((json as { detail: string }).detail, /providers\.one\.ca_file: .*absent\.pem .*\(ENOENT\)/);
  assert.equal((await chat(daybook.url, { model: "m" })).status, 200);
});

test("a change that cannot be recorded is not made", async (t) => {
  const daybook = await startDaybook(t);
  const database = new DatabaseSync(join(daybook.home, "control.db"), { timeout: 5000 });
  database.exec("CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'refused'); END");
  write(daybook, TO_ONE);
  assert.equal((await reload(daybook)).status, 503);
  assert.equal((await chat(daybook.url, { model: "m" })).status, 404);
  database.exec("DROP TRIGGER refuse");
  database.close();
  assert.equal((await reload(daybook)).status, 200);
  assert.equal((await chat(daybook.url, { model: "m" })).status, 200);
});

test("SIGHUP leaves its event also when nothing differs, and when the file is bad", async (t) => {
  const daybook = await startDaybook(t, { yaml: TO_ONE });
  assert.deepEqual(await daybook.server.reload(), { changed: [], needsRestart: [] });
  write(daybook, "limits: { max_body_bytes: no }\n");
  await assert.rejects(daybook.server.reload(), { code: "bad_config" });
  write(daybook, `${TO_ONE}trusted_proxies: [127.0.0.1]\n`);
  assert.deepEqual((await daybook.server.reload()).changed, ["trusted_proxies"]);
  // Changes come by the outbox, refusals directly: between the two the order is not promised.
  const events = (await told(daybook)).map(({ caller, status, error_code, new: values }) =>
    JSON.stringify([caller, status, error_code, values]),
  );
  assert.deepEqual(events.sort(), [
    '["system","error","invalid_configuration",null]',
    '["system","success",null,null]',
    '["system","success",null,{"trusted_proxies":"127.0.0.1"}]',
  ]);
  await chat(daybook.url, { model: "m", headers: { "x-forwarded-for": "192.0.2.9" } });
  assert.equal((await daybook.events("kind=inference"))[0]?.client_ip, "192.0.2.9");
});

test("limits of all keys are those of the file as it is now", async (t) => {
  const daybook = await startDaybook(t);
  assert.equal((await chat(daybook.url)).status, 200);
  write(daybook, "quotas: { keys: { requests_per_minute: 1 } }\n");
  assert.deepEqual((await reload(daybook)).json, {
    changed: ["quotas.keys.requests_per_minute"],
    needs_restart: [],
  });
  const statuses = [(await chat(daybook.url)).status, (await chat(daybook.url)).status];
  assert.equal(statuses.at(-1), 429);
  write(daybook, "");
  await reload(daybook);
  assert.equal((await chat(daybook.url)).status, 200);
});

test("a request that runs ends on the providers that it began with", async (t) => {
  const daybook = await startDaybook(t, { yaml: TO_ONE });
  const { statusCode, body } = await request(`${daybook.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: chatBody({ model: "m", stream: true, simulate: { pace_ms: 30 } }),
  });
  assert.equal(statusCode, 200);
  write(daybook, "");
  assert.equal((await reload(daybook)).status, 200);
  assert.match(await body.text(), /\[DONE\]/);
  assert.equal((await chat(daybook.url, { model: "m" })).status, 404);
  const [first] = await daybook.events("kind=inference");
  assert.deepEqual([first?.status, first?.provider], ["success", "one"]);
});

test("a difference between two starts is recorded, and an equal file leaves nothing", async (t) => {
  const home = tempFolder();
  const first = await startDaybook(t, { home, yaml: TO_ONE });
  assert.deepEqual(await told(first), [], "there is nothing to differ from");
  await first.server.close(0);
  const same = await startDaybook(t, { home, yaml: TO_ONE });
  assert.deepEqual(await told(same), []);
  await same.server.close(0);
  const yaml = `${TO_ONE.replace("sk-canary-1", "sk-canary-2")}journal: { max_mb: 64 }\n`;
  const other = await startDaybook(t, { home, yaml });
  const [event, ...more] = await told(other);
  assert.deepEqual(more, []);
  assert.equal(event?.caller, "system");
  assert.deepEqual(event?.old, { "journal.max_mb": 1024, "providers.one.api_key": "set" });
  assert.deepEqual(event?.new, { "journal.max_mb": 64, "providers.one.api_key": "set to another" });
  await other.server.close(0);
  for (const file of ["control.db", "events.db"])
    assert.doesNotMatch(readFileSync(join(home, file), "latin1"), /sk-canary/);
});

test("what was read again and waits for a start is told at that start", async (t) => {
  const home = tempFolder();
  const first = await startDaybook(t, { home });
  write(first, "journal: { max_mb: 64 }\n");
  assert.deepEqual((await reload(first)).json, { changed: [], needs_restart: ["journal.max_mb"] });
  await first.server.close(0);
  const second = await startDaybook(t, { home, yaml: "journal: { max_mb: 64 }\n" });
  assert.deepEqual(
    (await told(second)).map(({ caller, new: values }) => [caller, values]),
    [
      ["http", null],
      ["system", { "journal.max_mb": 64 }],
    ],
  );
});

test("another certificate of the file is shown after the reload; one that cannot be used is refused", async (t) => {
  const home = tempFolder();
  const [one, two] = [makeCertificate("one"), makeCertificate("two")];
  for (const [name, { cert, key }] of Object.entries({ one, two })) {
    writeFileSync(join(home, `${name}.crt`), cert);
    writeFileSync(join(home, `${name}.key`), key);
  }
  const dispatcher = new Agent({ connect: { ca: [one.cert, two.cert] } });
  setGlobalDispatcher(dispatcher);
  t.after(() => {
    setGlobalDispatcher(new Agent());
    return dispatcher.close();
  });
  const daybook = await startDaybook(t, { home, yaml: "tls: { cert: one.crt, key: one.key }\n" });
  const shown = () =>
    new Promise((resolve) => {
      const { hostname: host, port } = new URL(daybook.url);
      const socket = connect({ host, port: Number(port), ca: [one.cert, two.cert] }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
    });
  assert.equal(await shown(), "one");
  write(daybook, "tls: { cert: two.crt, key: one.key }\n");
  const refused = await reload(daybook);
  assert.deepEqual([refused.status, (refused.json as { code: string }).code], [500, "invalid_configuration"]);
  assert.equal(await shown(), "one");
  write(daybook, "tls: { cert: two.crt, key: two.key }\n");
  assert.equal((await reload(daybook)).status, 200);
  assert.equal(await shown(), "two");
});
