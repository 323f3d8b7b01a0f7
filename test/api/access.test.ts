// Who may ask what: every route of the table against every sort of holder, and what is refused is recorded.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { request } from "undici";
import type { Route } from "../../src/api/route.ts";
import { ROUTES } from "../../src/api/routes.ts";
import { completeFirstStart } from "../../src/control/bootstrap.ts";
import { type ControlParts, openParts } from "../../src/control/parts.ts";
import type { Role, Scope } from "../../src/control/people-tables.ts";
import type { EventJson } from "../../src/event/json.ts";
import { ADMIN_TOKEN, API_KEY, CHEAP, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

const ACTOR = { caller: "cli" } as const;
const PASSWORD = "correct horse battery";
const HOUR_MS = 3_600_000;

/** `can`: what the holder may ask for, by hand; or why it is nobody (401). */
interface Holder {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly can: readonly string[] | string;
  /** What its role could ask for without the token's scopes. */
  readonly role?: readonly string[];
  readonly isKey?: true;
  /** Its changes come from another site. */
  readonly crossSite?: true;
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** Everybody there is; some since yesterday, so that they have expired. */
async function populate(parts: ControlParts, setClock: (back: number) => void): Promise<Holder[]> {
  const { users, tokens, sessions } = parts;
  await completeFirstStart(parts.control, { adminToken: ADMIN_TOKEN, apiKey: API_KEY });
  const roles: readonly Role[] = ["viewer", "auditor", "admin"];
  for (const role of roles) await users.create(ACTOR, { name: role, role, password: PASSWORD });
  await users.create(ACTOR, { name: "gone", role: "admin", password: PASSWORD });
  const token = async (
    role: Role,
    scopes: Scope[] | null = null,
    more: { expiresAt?: number; userId?: string } = {},
  ) => tokens.create(ACTOR, { name: "t", role, scopes, userId: role, ...more });
  const expired = await token("admin", null, { expiresAt: Date.now() - HOUR_MS });
  const revoked = await token("admin");
  await tokens.revoke(ACTOR, revoked.id);
  const gone = await token("admin", null, { userId: "gone" });
  const session = async (name: string) => {
    const login = await sessions.login(ACTOR, name, PASSWORD);
    return { cookie: `daybook_session=${login.ok ? login.secret : assert.fail(login.reason)}` };
  };
  const old = await session("admin");
  setClock(0);
  const goneSession = await session("gone");
  await users.update(ACTOR, "gone", { disabled: true });
  const own = { "sec-fetch-site": "same-origin" };
  const all = {
    viewer: ["own"],
    auditor: ["own", "audit:read"],
    admin: ["own", "audit:read", "admin", "ingest"],
  };
  const holders: Holder[] = [
    { name: "nobody", headers: {}, can: "missing" },
    { name: "unknown token", headers: bearer("dbt_nobody-has-this-one"), can: "unknown" },
    { name: "API key", headers: bearer(API_KEY), can: "unknown", isKey: true },
    { name: "expired token", headers: bearer(expired.secret), can: "token_expired" },
    { name: "revoked token", headers: bearer(revoked.secret), can: "token_revoked" },
    { name: "token of a disabled user", headers: bearer(gone.secret), can: "user_disabled" },
    { name: "expired session", headers: { ...old, ...own }, can: "session_expired" },
    { name: "session of a disabled user", headers: { ...goneSession, ...own }, can: "user_disabled" },
    { name: "unknown session", headers: { cookie: "daybook_session=dbs_x", ...own }, can: "unknown" },
  ];
  for (const role of roles) {
    const { secret } = await token(role);
    holders.push({ name: `${role} token`, headers: bearer(secret), can: all[role], role: all[role] });
    const cookie = await session(role);
    holders.push({
      name: `${role} session`,
      headers: { ...cookie, ...own },
      can: all[role],
      role: all[role],
    });
  }
  const scoped: [Role, Scope[], string[]][] = [
    ["admin", ["audit:read"], ["own", "audit:read"]],
    ["admin", ["admin"], ["own", "admin"]],
    ["admin", ["ingest"], ["ingest"]],
    ["admin", ["ingest", "audit:read"], ["own", "audit:read", "ingest"]],
    ["auditor", ["admin"], ["own"]],
    ["viewer", ["audit:read"], ["own"]],
    ["viewer", ["ingest"], []],
  ];
  for (const [role, scopes, can] of scoped) {
    const { secret } = await token(role, scopes);
    holders.push({ name: `${role} token for ${scopes}`, headers: bearer(secret), can, role: all[role] });
  }
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example" },
    {},
  ]) {
    const name = `admin session, from ${Object.values(headers)[0] ?? "who knows"}`;
    const cookie = await session("admin");
    holders.push({
      name,
      headers: { ...cookie, ...headers },
      can: all.admin,
      crossSite: true,
    });
  }
  return holders;
}

/** What a cell must be answered: null, anything but 401 and 403; else the status and error_type. */
function expected({ access, changes, acts, opensFeed }: Route, holder: Holder): [number, RegExp] | null {
  const { can, role = [], isKey, crossSite } = holder;
  const mutates = changes !== undefined || acts === true || opensFeed === "web_socket";
  // A browser that says nothing brings no cookie's rights, but may log in.
  const isForged = crossSite && mutates && Object.keys(holder.headers).length > 1;
  if (access === "anyone") return isForged ? [403, /^cross_site$/] : null;
  if (access === "client") return isKey ? null : [401, /^(missing|unknown)$/];
  if (typeof can === "string") return [401, new RegExp(`^${can}$`)];
  if (crossSite && mutates) return [403, /^cross_site$/];
  // Through a proxy nothing is local.
  if (access === "known" || access === "local") return null;
  if (access.some((grant) => can.includes(grant))) return null;
  return [403, access.some((grant) => role.includes(grant)) ? /^scope$/ : /^role$/];
}

const nameOf = ({ method, path }: Route) => `${method} ${path}`;
/** Logging out comes last: it ends the session. */
const routes = ROUTES.toSorted(
  (one, other) => Number(one.path === "/auth/logout") - Number(other.path === "/auth/logout"),
);

test("every route, for every holder: who may ask, may, and whoever may not is recorded", async (t) => {
  const home = tempFolder();
  let back = 13 * HOUR_MS;
  const parts = await openParts({
    path: join(home, "control.db"),
    clock: () => Date.now() - back,
    scrypt: CHEAP,
  });
  const holders = await populate(parts, (to) => {
    back = to;
  });
  await parts.control.close();
  const daybook = await startDaybook(t, { home, yaml: "trusted_proxies: [127.0.0.1]\n" });
  const cells = holders.map(async (holder, row) => {
    const answers: { route: Route; id: string; status: number }[] = [];
    for (const [column, route] of routes.entries()) {
      const id = `cell-${row}-${column}`;
      const { statusCode, headers, body } = await request(
        daybook.url + route.path.replaceAll(/:\w+/g, "none"),
        {
          method: route.method,
          // Each from an address of its own, so that no refusals are counted together.
          headers: { ...holder.headers, "x-request-id": id, "x-forwarded-for": `10.1.${row}.${column}` },
        },
      );
      // A feed does not end by itself.
      if (headers["content-type"]?.includes("event-stream")) body.on("error", () => {}).destroy();
      else await body.dump();
      answers.push({ route, id, status: statusCode });
    }
    return answers;
  });
  const asked = await Promise.all(cells);
  const events = new Map<string, EventJson[]>();
  for (const event of await allEvents(daybook.events)) {
    events.set(event.request_id, [...(events.get(event.request_id) ?? []), event]);
  }
  for (const [row, answers] of asked.entries()) {
    const holder = holders[row] ?? assert.fail();
    for (const { route, id, status } of answers) {
      const cell = `${holder.name}: ${nameOf(route)}`;
      const refusal = expected(route, holder);
      if (refusal === null) {
        assert.ok(![401, 403].includes(status), `${cell} was refused with ${status}`);
        continue;
      }
      assert.equal(status, refusal[0], cell);
      const [event, ...more] = events.get(id) ?? [];
      assert.deepEqual(more, [], cell);
      const isAudited = route.audit !== null || route.changes !== undefined;
      assert.equal(event !== undefined, isAudited, cell);
      if (event === undefined) continue;
      assert.equal(event.status_code, refusal[0], cell);
      assert.match(String(event.error_type), refusal[1], cell);
      assert.equal(
        event.kind,
        route.changes === undefined ? route.audit?.kind : (route.changes.kind ?? "admin"),
        cell,
      );
      assert.equal(event.action, route.changes?.action ?? route.audit?.action, cell);
    }
  }
  assert.ok(holders.length > 20 && routes.length > 20);
});

/** Refusals of every kind that is here, over as many pages as they take. */
async function allEvents(events: (query: string) => Promise<EventJson[]>): Promise<EventJson[]> {
  const found: EventJson[] = [];
  for (let page: EventJson[] | null = null; page === null || page.length === 1000; found.push(...page))
    page = await events(
      `kind=admin&kind=auth&kind=api&kind=system&kind=quota&status=error&offset=${found.length}`,
    );
  return found;
}

test("a token for configuration gives out no more than it has, by whatever way", async (t) => {
  const daybook = await startDaybook(t);
  const as = (token: string) => (method: "POST" | "PATCH", path: string, body: object) =>
    daybook.ask(path, { token, method, body });
  const full = as(ADMIN_TOKEN);
  const token = { name: "t", role: "admin" };
  const secretOf = async (scopes: Scope[]) => {
    const { json } = await full("POST", "/admin/tokens", { ...token, scopes });
    return (json as { secret: string }).secret;
  };
  for (const [name, role] of [
    ["ann", "auditor"],
    ["vic", "viewer"],
  ])
    await full("POST", "/admin/users", { name, role });
  const user = { name: "new", role: "viewer", password: PASSWORD };
  const scoped = as(await secretOf(["admin"]));
  const refused: [Parameters<typeof scoped>, number][] = [
    [["POST", "/admin/tokens", token], 403],
    [["POST", "/admin/tokens", { ...token, scopes: ["audit:read"] }], 403],
    [["POST", "/admin/tokens", { ...token, scopes: ["ingest"] }], 403],
    [["POST", "/admin/tokens", { ...token, role: "auditor" }], 403],
    [["POST", "/admin/tokens", { ...token, role: "viewer", user_id: "vic" }], 403],
    [["POST", "/admin/tokens", { ...token, scopes: ["admin"] }], 201],
    [["POST", "/admin/tokens", { ...token, role: "viewer" }], 201],
    [["POST", "/admin/users", { ...user, role: "auditor" }], 403],
    [["POST", "/admin/users", user], 201],
    [["PATCH", "/admin/users/new", { role: "admin" }], 403],
    [["PATCH", "/admin/users/ann", { password: PASSWORD }], 403],
    [["PATCH", "/admin/users/vic", { password: PASSWORD }], 403],
    [["PATCH", "/admin/users/ann", { disabled: true, password: null }], 200],
  ];
  for (const [ask, status] of refused)
    assert.equal((await scoped(...ask)).status, status, JSON.stringify(ask));
  const both = as(await secretOf(["admin", "audit:read"]));
  assert.equal((await both("PATCH", "/admin/users/ann", { password: PASSWORD })).status, 200);
  assert.equal((await both("POST", "/admin/tokens", { ...token, role: "auditor" })).status, 201);
  assert.equal((await both("POST", "/admin/tokens", token)).status, 403);
});
