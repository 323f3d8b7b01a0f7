// Logging in and out, with the real server: sessions, their cookie, and what the trail says.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { ControlParts } from "../../src/control/parts.ts";
import { openParts } from "../../src/control/parts.ts";
import { type Asked, CHEAP, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { serveApi } from "./served-api.ts";

const PASSWORD = "correct horse battery";
const OWN = { "sec-fetch-site": "same-origin" };

function login({ ask }: Pick<TestDaybook, "ask">, name: string, password = PASSWORD): Promise<Asked> {
  return ask("/auth/login", { method: "POST", token: null, body: { name, password } });
}

const cookieOf = ({ headers }: Asked) => String(headers["set-cookie"]).split(";", 1)[0] ?? "";

async function withUser(t: Parameters<typeof startDaybook>[0], role = "auditor", yaml = "") {
  const daybook = await startDaybook(t, { yaml });
  const { json } = await daybook.ask("/admin/users", {
    method: "POST",
    body: { name: "ann", role, password: PASSWORD },
  });
  const as = (cookie: string, path: string, method: "GET" | "POST" = "GET") =>
    daybook.ask(path, { token: null, method, headers: { cookie, ...OWN } });
  return { ...daybook, as, user: json as { id: string } };
}

test("a session lets its user in until it ends, and is told apart in the trail", async (t) => {
  const daybook = await withUser(t);
  const answer = await login(daybook, "ANN");
  assert.equal(answer.status, 200);
  assert.match(
    String(answer.headers["set-cookie"]),
    /^daybook_session=dbs_[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  assert.ok(!answer.text.includes("dbs_"));
  const cookie = cookieOf(answer);
  const me = (await daybook.as(cookie, "/me")).json as Record<string, unknown>;
  assert.deepEqual(
    [me.name, me.role, me.user_id, me.grants],
    ["ann", "auditor", daybook.user.id, ["own", "audit:read"]],
  );
  assert.equal((await daybook.as(cookie, "/admin/audit-logs")).status, 200);
  assert.equal((await daybook.as(cookie, "/admin/users")).status, 403);
  const out = await daybook.as(cookie, "/auth/logout", "POST");
  assert.deepEqual(
    [out.status, /^daybook_session=; Max-Age=0/.test(String(out.headers["set-cookie"]))],
    [204, true],
  );
  assert.equal((await daybook.as(cookie, "/me")).status, 401);
  const events = await daybook.events("include=system");
  const about = events.filter(({ session_id }) => session_id === me.session_id);
  assert.deepEqual(
    // A login reaches the journal by way of the outbox, and may be passed on the way.
    about.map(({ kind, action, user_id, status }) => [kind, action, user_id, status]).toSorted(),
    [
      ["api", "request", daybook.user.id, "error"],
      ["api", "request", daybook.user.id, "success"],
      ["auth", "login", daybook.user.id, "success"],
      ["auth", "logout", daybook.user.id, "success"],
      ["system", "queried", daybook.user.id, "success"],
    ],
  );
});

test("a failed login is an auth event; who it was is said only where the name is a user's", async (t) => {
  const daybook = await withUser(t);
  const typed = "my-password-in-the-wrong-field";
  const answers = [await login(daybook, "ann", "wrong horse battery"), await login(daybook, typed)];
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers["set-cookie"]]),
    [
      [401, undefined],
      [401, undefined],
    ],
  );
  const [one, other] = answers.map(({ json }) => json as Record<string, unknown>);
  assert.equal(one?.detail, other?.detail);
  const events = await daybook.events("kind=auth");
  assert.deepEqual(
    events.map(({ action, status_code, error_type, user_id }) => [action, status_code, error_type, user_id]),
    [
      ["login", 401, "wrong_password", daybook.user.id],
      ["login", 401, "wrong_password", null],
    ],
  );
  assert.ok(!JSON.stringify(await daybook.events("include=system")).includes(typed));
});

test("failed logins slow down, also with the right password, and that is recorded", async (t) => {
  const daybook = await withUser(t);
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) statuses.push((await login(daybook, "ann", `wrong horse battery ${n}`)).status);
  const answer = await login(daybook, "ann");
  assert.deepEqual([...statuses, answer.status], [401, 401, 401, 401, 429]);
  assert.equal(answer.headers["retry-after"], "1");
  const last = (await daybook.events("kind=auth")).at(-1);
  assert.deepEqual(
    [last?.status_code, last?.error_code, last?.error_type],
    [429, "limit_exceeded", "login_throttled"],
  );
});

test("another password, or being disabled or deleted, ends a user's sessions", async (t) => {
  const daybook = await withUser(t);
  const path = `/admin/users/${daybook.user.id}`;
  const session = async (password?: string) => cookieOf(await login(daybook, "ann", password));
  const before = await session();
  await daybook.ask(path, { method: "PATCH", body: { password: "another horse battery" } });
  assert.equal((await daybook.as(before, "/me")).status, 401);
  const second = await session("another horse battery");
  assert.equal((await daybook.as(second, "/me")).status, 200);
  await daybook.ask(path, { method: "PATCH", body: { disabled: true } });
  assert.equal((await daybook.as(second, "/me")).status, 401);
  assert.equal((await login(daybook, "ann", "another horse battery")).status, 401);
  await daybook.ask(path, { method: "PATCH", body: { disabled: false } });
  assert.equal((await daybook.as(second, "/me")).status, 200);
  await daybook.ask(path, { method: "DELETE" });
  assert.equal((await daybook.as(second, "/me")).status, 401);
  const reasons = (await daybook.events("status_code=401")).map(({ error_type }) => error_type);
  assert.deepEqual(reasons, ["unknown", "user_disabled", "user_disabled", "unknown"]);
});

test("the cookie is for encrypted connections only where the client's is one, by a trusted proxy's word", async (t) => {
  const trusting = await withUser(t, "viewer", "trusted_proxies: [127.0.0.1]\n");
  const asked = { method: "POST", token: null, body: { name: "ann", password: PASSWORD } } as const;
  const secure = await trusting.ask("/auth/login", { ...asked, headers: { "x-forwarded-proto": "https" } });
  assert.match(String(secure.headers["set-cookie"]), /; Secure/);
  const plain = await withUser(t, "viewer");
  const forged = await plain.ask("/auth/login", { ...asked, headers: { "x-forwarded-proto": "https" } });
  assert.doesNotMatch(String(forged.headers["set-cookie"]), /Secure/);
});

test("a form of another site cannot log in, or change anything", async (t) => {
  const daybook = await withUser(t, "admin");
  const body = `name=ann&password=${PASSWORD}`;
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
    const answer = await fetch(`${daybook.url}/auth/login`, {
      method: "POST",
      headers: { "content-type": type },
      body,
    });
    assert.equal(answer.status, 400, type);
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
  }
  const cookie = cookieOf(await login(daybook, "ann"));
  const own = { origin: daybook.url };
  const made = await daybook.ask("/admin/api-keys", {
    method: "POST",
    token: null,
    headers: { cookie, ...own },
    body: { name: "from our own page, in an old browser" },
  });
  assert.equal(made.status, 201);
});

test("sessions live through a restart, and end after twelve hours", async () => {
  const path = join(tempFolder(), "control.db");
  let now = Date.UTC(2026, 10, 21);
  const open = (): Promise<ControlParts> => openParts({ path, clock: () => now, scrypt: CHEAP });
  const first = await open();
  await first.users.create({ caller: "cli" }, { name: "ann", role: "viewer", password: PASSWORD });
  const made = await first.sessions.login({ caller: "http" }, "ann", PASSWORD);
  const secret = made.ok ? made.secret : assert.fail(made.reason);
  await first.control.close();
  const second = await open();
  assert.equal(second.sessions.check(secret).ok, true);
  now += 12 * 3_600_000;
  const check = second.sessions.check(secret);
  assert.equal(!check.ok && check.reason, "session_expired");
  await second.control.close();
});

test("a refused login is not answered before it is recorded", async () => {
  const settled: string[] = [];
  await using api = await serveApi([], {
    recorder: {
      begin: ({ action }) => ({
        eventId: "01890a5d-ac96-774b-bcce-b302099a8057",
        mode: "strict",
        note: () => {},
        finish: () => settled.push(action),
        settled: async () => "late",
      }),
    },
  });
  const body = JSON.stringify({ name: "nobody", password: PASSWORD });
  const headers = { "content-type": "application/json" };
  const answer = await api.ask("/auth/login", { method: "POST", token: null, headers, body });
  assert.deepEqual([answer.status, (answer.json as { code: string }).code], [503, "audit_unavailable"]);
  assert.deepEqual(settled, ["login"]);
});

test("the name of a user is not told by how a failed login is recorded, also where refusals are counted", async (t) => {
  const daybook = await withUser(t);
  for (let n = 0; n < 61; n++) await daybook.ask("/admin/users", { token: "dbt_nobody" });
  for (const name of ["ann", "nobody"]) {
    const { status, headers, json } = await login(daybook, name, "wrong horse battery");
    const { instance } = json as { instance: string };
    assert.deepEqual(
      [status, instance.startsWith("/admin/audit-logs/"), typeof headers["x-trace-id"]],
      [401, true, "string"],
      name,
    );
  }
});

test("a session that is ended twice at once is told of once", async () => {
  const { users, sessions, control } = await openParts({
    path: join(tempFolder(), "control.db"),
    clock: Date.now,
    scrypt: CHEAP,
  });
  await users.create({ caller: "cli" }, { name: "ann", role: "viewer", password: PASSWORD });
  const made = await sessions.login({ caller: "cli" }, "ann", PASSWORD);
  assert.ok(made.ok);
  await Promise.all([1, 2].map(() => sessions.logout({ caller: "cli" }, made.session)));
  const actions = (await control.outboxAfter(0, 10)).map(({ facts }) => facts.action);
  assert.deepEqual(actions, ["user_created", "login", "logout"]);
  await control.close();
});

test("a user who is disabled while the password is checked gets no session", async () => {
  const { users, sessions, control } = await openParts({
    path: join(tempFolder(), "control.db"),
    clock: Date.now,
    scrypt: { log2N: 15, r: 8, p: 1 },
  });
  await users.create({ caller: "cli" }, { name: "ann", role: "viewer", password: PASSWORD });
  const login = sessions.login({ caller: "cli" }, "ann", PASSWORD);
  await control.reads.selectFrom("users").select("id").execute();
  await Promise.all([
    assert.rejects(login, { code: "conflict" }),
    users.update({ caller: "cli" }, "ann", { disabled: true }),
  ]);
  const actions = (await control.outboxAfter(0, 10)).map(({ facts }) => facts.action);
  assert.deepEqual(actions, ["user_created", "user_updated"]);
  await control.close();
});

test("refusals of nobody's requests are counted beyond sixty a minute; a known holder's are not", async (t) => {
  const daybook = await withUser(t, "viewer");
  const cookie = cookieOf(await login(daybook, "ann"));
  for (let n = 0; n < 65; n++) {
    const { status, headers } = await daybook.ask("/admin/users", { token: "dbt_nobody" });
    assert.deepEqual([status, headers["x-trace-id"] === undefined], [401, n >= 60]);
  }
  for (let n = 0; n < 65; n++) assert.equal((await daybook.as(cookie, "/admin/users")).status, 403);
  await daybook.server.close(0);
  const again = await startDaybook(t, { home: daybook.home });
  const events = await again.events("endpoint=/admin/users&status=error");
  const of = (status: number) => events.filter(({ status_code }) => status_code === status);
  assert.equal(of(403).length, 65);
  assert.deepEqual(
    of(401)
      .map(({ count }) => count)
      .toSorted((one, other) => one - other),
    [...Array.from({ length: 60 }, () => 1), 5],
  );
});

test("a session opened with a token may what the token may, and ends with it", async (t) => {
  const daybook = await startDaybook(t);
  const made = await daybook.ask("/admin/tokens", {
    method: "POST",
    body: { name: "desk", role: "auditor" },
  });
  const token = made.json as { id: string; secret: string };
  const answer = await daybook.ask("/auth/login/token", {
    method: "POST",
    token: null,
    body: { token: token.secret },
  });
  assert.deepEqual([answer.status, answer.text.includes("dbs_")], [200, false]);
  const headers = { cookie: cookieOf(answer), ...OWN };
  const asked = async (path: string) => (await daybook.ask(path, { token: null, headers })).status;
  const { json } = await daybook.ask("/me", { token: null, headers });
  const me = json as Record<string, unknown>;
  assert.deepEqual(
    [me.name, me.grants, me.user_id, me.token_id],
    ["desk", ["own", "audit:read"], null, token.id],
  );
  assert.deepEqual([await asked("/admin/audit-logs"), await asked("/admin/users")], [200, 403]);
  const foreign = await daybook.ask("/auth/logout", {
    method: "POST",
    token: null,
    headers: { ...headers, "sec-fetch-site": "cross-site" },
  });
  assert.equal(foreign.status, 403);
  await daybook.ask(`/admin/tokens/${token.id}`, { method: "DELETE", body: {} });
  assert.equal(await asked("/me"), 401);
  const wrong = await daybook.ask("/auth/login/token", {
    method: "POST",
    token: null,
    body: { token: token.secret },
  });
  assert.deepEqual([wrong.status, wrong.headers["set-cookie"]], [401, undefined]);
  const logins = await daybook.events("action=login");
  assert.deepEqual(
    logins.map(({ kind, status_code, error_type, api_key_id, session_id }) => [
      kind,
      status_code,
      error_type,
      api_key_id,
      session_id,
    ]),
    [
      ["auth", null, null, token.id, me.session_id],
      ["auth", 401, "token_revoked", token.id, null],
    ],
  );
});
