// Who sees what: every role on every screen of custody and administration. What one may not do is not offered; asked for
// by its address there is an honest screen, and asked of the server a 403.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startDaybook, type TestDaybook } from "../support/daybook.ts";
import { useBrowser, type Visit, visit } from "./visit.ts";

useBrowser();

/** Roles, and admins whose token is narrowed by its scopes to one of them. */
const HOLDERS = ["viewer", "auditor", "admin", "reader", "operator", "sender"] as const;
type Holder = (typeof HOLDERS)[number];
const SCOPES = { reader: ["audit:read"], operator: ["admin"], sender: ["ingest"] } as const;

interface Screen {
  readonly path: string;
  readonly title: string;
  /** By hand: what the roles are for (DESIGN section 9). */
  readonly seenBy: readonly Holder[];
  /** Buttons that make something, and who is offered them. */
  readonly makes: readonly (readonly [string, readonly Holder[]])[];
  /** What the menu of a row offers, and whom. */
  readonly row?: Readonly<Record<"auditor" | "admin", readonly string[]>>;
  /** What stands behind it, for those who may not. */
  readonly asks: readonly (readonly [string, string, object?])[];
}

const ADMIN = ["admin", "operator"] as const;
const READERS = ["auditor", "admin", "reader"] as const;
const EITHER = [...READERS, "operator"] as const;
/** Events of their own, or all. */
const ANY = ["viewer", ...READERS] as const;
const changes = (...verbs: string[]) => ({ auditor: [], admin: verbs });

// biome-ignore format: one screen, one line
const SCREENS: readonly Screen[] = [
  { path: "/", title: "Explorer", seenBy: ANY, makes: [["Export", ANY]], asks: [["GET", "/admin/audit-logs"], ["GET", "/admin/audit-logs/export"]] },
  { path: "/overview", title: "Overview", seenBy: ANY, makes: [], asks: [["GET", "/admin/audit-logs/stats"]] },
  { path: "/activity", title: "Activity", seenBy: ANY, makes: [], asks: [["GET", "/admin/audit-logs/users"]] },
  { path: "/sessions", title: "Sessions", seenBy: ANY, makes: [], asks: [["GET", "/admin/audit-logs/sessions"]] },
  { path: "/settings", title: "Request Logs", seenBy: ANY, makes: [["JSONL", ANY], ["CSV", ANY]], asks: [["GET", "/api/system/audit-logs"], ["GET", "/api/system/audit-logs/export"]] },
  { path: "/exports", title: "Exports", seenBy: EITHER, makes: [["New export", READERS], ["New schedule", ADMIN]], asks: [["GET", "/admin/jobs"], ["POST", "/admin/exports", {}], ["POST", "/admin/export-schedules", {}]] },
  { path: "/evidence", title: "Evidence", seenBy: EITHER, makes: [["Verify now", EITHER], ["New bundle", EITHER]], asks: [["GET", "/admin/evidence/anchors"], ["POST", "/admin/evidence/verify", {}]] },
  { path: "/retention", title: "Retention", seenBy: EITHER, makes: [], asks: [["GET", "/admin/retention"]] },
  { path: "/holds", title: "Legal holds", seenBy: EITHER, makes: [["New hold", ADMIN]], row: { auditor: ["Its events"], admin: ["Its events", "Release"] }, asks: [["GET", "/admin/holds"], ["POST", "/admin/holds", {}]] },
  { path: "/erasures", title: "Erasures", seenBy: EITHER, makes: [["Erase a person", ADMIN]], asks: [["GET", "/admin/erasures"], ["POST", "/admin/erasures", {}]] },
  { path: "/watch", title: "Audit of the audit", seenBy: READERS, makes: [], asks: [] },
  { path: "/users", title: "Users", seenBy: ADMIN, makes: [["New user", ADMIN]], row: changes("Its events", "Change", "Set limits", "Delete"), asks: [["GET", "/admin/users"], ["POST", "/admin/users", {}]] },
  { path: "/keys", title: "API keys", seenBy: ADMIN, makes: [["New key", ADMIN]], row: changes("Details", "Its events", "Set limits", "Rotate", "Revoke"), asks: [["GET", "/admin/api-keys"], ["POST", "/admin/api-keys", {}]] },
  { path: "/tokens", title: "Tokens", seenBy: ADMIN, makes: [["New token", ADMIN]], row: changes("Its events", "Revoke"), asks: [["GET", "/admin/tokens"], ["POST", "/admin/tokens", {}]] },
  { path: "/credits", title: "Credits", seenBy: ADMIN, makes: [], row: changes("Details", "Its events", "Give credit", "Correct credit"), asks: [["GET", "/admin/credits"]] },
  { path: "/providers", title: "Providers", seenBy: ADMIN, makes: [["New provider", ADMIN]], row: changes("Test", "Ask for its models", "Its events"), asks: [["GET", "/admin/providers"], ["POST", "/admin/providers", {}]] },
  { path: "/routes", title: "Routes", seenBy: ADMIN, makes: [["New route", ADMIN]], row: changes("Its events"), asks: [["GET", "/admin/routes"], ["POST", "/admin/routes", {}]] },
  { path: "/policies", title: "Policies", seenBy: ADMIN, makes: [["New policy", ADMIN]], row: changes("Details", "Its events", "Change", "Delete"), asks: [["GET", "/admin/policies"], ["POST", "/admin/policies", {}]] },
  { path: "/mcp-servers", title: "MCP servers", seenBy: ADMIN, makes: [["New server", ADMIN]], row: changes("Details", "Its events", "Change", "Delete"), asks: [["GET", "/admin/mcp/servers"], ["POST", "/admin/mcp/servers", {}]] },
  { path: "/system", title: "System", seenBy: EITHER, makes: [], asks: [] },
];

async function holders({ ask }: TestDaybook): Promise<Readonly<Record<Holder, string>>> {
  const made = async (path: string, body: object) => {
    const { status, json, text } = await ask(path, { method: "POST", body });
    assert.equal(status, 201, text);
    return json as { id: string; secret: string };
  };
  const { id } = await made("/admin/users", { name: "ann", role: "viewer" });
  await made("/admin/policies", { name: "p", effect: "warn", match: { kind: "mcp" } });
  await made("/admin/mcp/servers", { name: "files", url: "http://127.0.0.1:9/mcp" });
  await made("/admin/holds", { filter: { user_id: "bob" } });
  const token = async (name: Holder, about: object) =>
    (await made("/admin/tokens", { name, role: "admin", ...about })).secret;
  return {
    viewer: await token("viewer", { role: "viewer", user_id: id }),
    auditor: await token("auditor", { role: "auditor" }),
    admin: await token("admin", {}),
    reader: await token("reader", { scopes: SCOPES.reader }),
    operator: await token("operator", { scopes: SCOPES.operator }),
    sender: await token("sender", { scopes: SCOPES.sender }),
  };
}

/** The statuses that the browser itself is answered with, session and all. */
function askedBy({ page }: Visit, asks: Screen["asks"]): Promise<number[]> {
  const headers = { "content-type": "application/json" };
  const all = asks.map(([method, path, body]) => [
    path,
    { method, ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }) },
  ]);
  return page.evaluate<number[]>(
    `Promise.all(${JSON.stringify(all)}.map(([path, init]) => fetch(path, init).then(({ status }) => status)))`,
  );
}

async function isOffered({ page }: Visit, holder: Holder, { title, makes, row }: Screen): Promise<void> {
  for (const [name, holders] of makes)
    assert.equal(
      await page.getByRole("button", { name, exact: true }).count(),
      holders.includes(holder) ? 1 : 0,
      `${holder}: ${name}`,
    );
  if (row === undefined) return;
  const offered = holder === "admin" || holder === "operator" ? row.admin : row.auditor;
  // Events of changes are for those who may read the trail.
  const expected = offered.filter((verb) => holder !== "operator" || verb !== "Its events");
  const menus = page.getByRole("button", { name: /^Changes of/ });
  if (expected.length === 0) return assert.equal(await menus.count(), 0, `${holder} at ${title}`);
  await menus.first().click();
  await page.getByRole("menuitem").first().waitFor();
  assert.deepEqual(await page.getByRole("menuitem").allInnerTexts(), expected, `${holder} at ${title}`);
  if (holder !== "admin") return page.keyboard.press("Escape");
  await page.getByRole("menuitem", { name: "Its events" }).click();
  await page.getByRole("heading", { name: "Explorer" }).waitFor();
  await page.locator("[data-testid=loaded]").filter({ hasText: / of / }).waitFor();
}

async function isLed(visited: Visit, holder: Holder): Promise<void> {
  const { page } = visited;
  const seen = SCREENS.filter(({ seenBy }) => seenBy.includes(holder)).map(({ title }) => title);
  const links = await page.getByRole("navigation", { name: "Pages" }).getByRole("link").allInnerTexts();
  const offered = SCREENS.filter(({ title }) => links.some((link) => link.trim() === title));
  assert.deepEqual(
    offered.map(({ title }) => title),
    seen,
    holder,
  );
  await page.keyboard.press("Control+k");
  await page.getByRole("option").first().waitFor();
  const reached = (await page.getByRole("option").allInnerTexts()).map((text) => text.trim());
  for (const { title, makes } of SCREENS) {
    assert.equal(
      reached.some((text) => text.startsWith(title)),
      seen.includes(title),
      `${holder}: ${title}`,
    );
    for (const [name, holders] of makes.filter((make) => /^(?:New|Erase|Verify)/.test(make[0])))
      assert.equal(reached.includes(name), holders.includes(holder), `${holder}: ${name}`);
  }
  await page.keyboard.press("Escape");
}

/** Everything is as it should be for one of them. */
async function isServed(t: TestContext, daybook: TestDaybook, holder: Holder, token: string): Promise<void> {
  const visited = await visit(t, daybook, { token });
  const { page } = visited;
  visited.expected = /403/;
  await visited.to("/");
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  await isLed(visited, holder);
  const refused: Screen["asks"][number][] = [];
  for (const [at, screen] of SCREENS.entries()) {
    const { path, title, seenBy, asks } = screen;
    // Who sees nothing is told so in one place: a few screens show it, and the server is asked for all.
    if (holder === "sender" && at % 6 > 0) {
      refused.push(...asks);
      continue;
    }
    await visited.follow(path);
    if (seenBy.includes(holder)) {
      await page.getByRole("heading", { name: title, exact: true, level: 1 }).waitFor();
      if (screen.row !== undefined) await page.locator("tbody tr").first().waitFor();
      await isOffered(visited, holder, screen);
      const alerts = page.getByRole("alert").filter({ hasText: /\S/ });
      assert.equal(await alerts.count(), 0, `${holder} at ${title}`);
    } else {
      await page.waitForURL((url) => url.pathname === path);
      await page.getByRole("heading", { name: "This page is not for you" }).waitFor();
      assert.equal(await page.getByRole("table").count(), 0);
      if (path === "/users") assert.deepEqual(await visited.faults(), []);
      refused.push(...asks);
    }
  }
  assert.deepEqual(
    await askedBy(visited, refused),
    refused.map(() => 403),
    `${holder}: ${refused.join("; ")}`,
  );
}

test("each role and scope is offered what it may do; everything else is refused, on the screen and by the server", async (t) => {
  const daybook = await startDaybook(t);
  const tokens = await holders(daybook);
  // Two at a time: while one waits for its page, the other looks at its own.
  for (let at = 0; at < HOLDERS.length; at += 2)
    await Promise.all(
      HOLDERS.slice(at, at + 2).map((holder) => isServed(t, daybook, holder, tokens[holder])),
    );
  await daybook.settle();
  const told = await daybook.events("status_code=403&error_code=forbidden");
  assert.ok(
    told.length > 0 && told.every(({ user_id, api_key_id }) => user_id !== null || api_key_id !== null),
  );
});
