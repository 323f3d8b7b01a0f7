// Who sees what: every role on every screen of custody and administration. What one may not do is not offered; asked for
// by its address there is an honest screen, and asked of the server a 403.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaybook, type TestDaybook } from "../support/daybook.ts";
import { useBrowser, type Visit, visit } from "./visit.ts";

useBrowser();

type Role = "viewer" | "auditor" | "admin";

interface Screen {
  readonly path: string;
  readonly title: string;
  /** By hand: what the roles are for (DESIGN section 9). */
  readonly seenBy: readonly Role[];
  /** Buttons that make something, and who is offered them. */
  readonly makes: readonly (readonly [string, readonly Role[]])[];
  /** What the menu of a row offers, and whom. */
  readonly row?: Readonly<Record<"auditor" | "admin", readonly string[]>>;
  /** What stands behind it, for those who may not. */
  readonly asks: readonly (readonly [string, string, object?])[];
}

const ADMIN = ["admin"] as const;
const READERS = ["auditor", "admin"] as const;
const changes = (...verbs: string[]) => ({ auditor: [], admin: verbs });

// biome-ignore format: one screen, one line
const SCREENS: readonly Screen[] = [
  { path: "/exports", title: "Exports", seenBy: READERS, makes: [["New export", READERS], ["New schedule", ADMIN]], asks: [["GET", "/admin/jobs"], ["POST", "/admin/exports", {}], ["POST", "/admin/export-schedules", {}]] },
  { path: "/evidence", title: "Evidence", seenBy: READERS, makes: [["Verify now", READERS], ["New bundle", READERS]], asks: [["GET", "/admin/evidence/anchors"], ["POST", "/admin/evidence/verify", {}]] },
  { path: "/retention", title: "Retention", seenBy: READERS, makes: [], asks: [["GET", "/admin/retention"]] },
  { path: "/holds", title: "Legal holds", seenBy: READERS, makes: [["New hold", ADMIN]], row: { auditor: ["Its events"], admin: ["Its events", "Release"] }, asks: [["GET", "/admin/holds"], ["POST", "/admin/holds", {}]] },
  { path: "/erasures", title: "Erasures", seenBy: READERS, makes: [["Erase a person", ADMIN]], asks: [["GET", "/admin/erasures"], ["POST", "/admin/erasures", {}]] },
  { path: "/watch", title: "Audit of the audit", seenBy: READERS, makes: [], asks: [["GET", "/admin/audit-logs?kind=admin"]] },
  { path: "/users", title: "Users", seenBy: ADMIN, makes: [["New user", ADMIN]], row: changes("Its events", "Change", "Set limits", "Delete"), asks: [["GET", "/admin/users"], ["POST", "/admin/users", {}]] },
  { path: "/keys", title: "API keys", seenBy: ADMIN, makes: [["New key", ADMIN]], row: changes("Details", "Its events", "Set limits", "Rotate", "Revoke"), asks: [["GET", "/admin/api-keys"], ["POST", "/admin/api-keys", {}]] },
  { path: "/tokens", title: "Tokens", seenBy: ADMIN, makes: [["New token", ADMIN]], row: changes("Its events", "Revoke"), asks: [["GET", "/admin/tokens"], ["POST", "/admin/tokens", {}]] },
  { path: "/credits", title: "Credits", seenBy: ADMIN, makes: [], row: changes("Details", "Its events", "Give credit", "Correct credit"), asks: [["GET", "/admin/credits"]] },
  { path: "/providers", title: "Providers", seenBy: ADMIN, makes: [["New provider", ADMIN]], row: changes("Test", "Ask for its models", "Its events"), asks: [["GET", "/admin/providers"], ["POST", "/admin/providers", {}]] },
  { path: "/routes", title: "Routes", seenBy: ADMIN, makes: [["New route", ADMIN]], row: changes("Its events"), asks: [["GET", "/admin/routes"], ["POST", "/admin/routes", {}]] },
  { path: "/policies", title: "Policies", seenBy: ADMIN, makes: [["New policy", ADMIN]], row: changes("Details", "Its events", "Change", "Delete"), asks: [["GET", "/admin/policies"], ["POST", "/admin/policies", {}]] },
  { path: "/mcp-servers", title: "MCP servers", seenBy: ADMIN, makes: [["New server", ADMIN]], row: changes("Details", "Its events", "Change", "Delete"), asks: [["GET", "/admin/mcp/servers"], ["POST", "/admin/mcp/servers", {}]] },
  { path: "/system", title: "System", seenBy: READERS, makes: [], asks: [] },
];

async function holders({ ask }: TestDaybook): Promise<Readonly<Record<Role, string>>> {
  const made = async (path: string, body: object) => {
    const { status, json, text } = await ask(path, { method: "POST", body });
    assert.equal(status, 201, text);
    return json as { id: string; secret: string };
  };
  const { id } = await made("/admin/users", { name: "ann", role: "viewer" });
  await made("/admin/policies", { name: "p", effect: "warn", match: { kind: "mcp" } });
  await made("/admin/mcp/servers", { name: "files", url: "http://127.0.0.1:9/mcp" });
  await made("/admin/holds", { filter: { user_id: "bob" } });
  const token = async (role: Role) =>
    (await made("/admin/tokens", { name: role, role, ...(role === "viewer" ? { user_id: id } : {}) })).secret;
  return { viewer: await token("viewer"), auditor: await token("auditor"), admin: await token("admin") };
}

/** The status that the browser itself is answered with, session and all. */
function askedBy({ page }: Visit, [method, path, body]: Screen["asks"][number]): Promise<number> {
  const sent =
    body === undefined
      ? ""
      : `, headers: {"content-type":"application/json"}, body: ${JSON.stringify(JSON.stringify(body))}`;
  return page.evaluate<number>(
    `fetch("${path}", { method: "${method}"${sent} }).then(({ status }) => status)`,
  );
}

async function isOffered({ page }: Visit, role: Role, { title, makes, row }: Screen): Promise<void> {
  for (const [name, roles] of makes)
    assert.equal(
      await page.getByRole("button", { name }).count(),
      roles.includes(role) ? 1 : 0,
      `${role}: ${name}`,
    );
  if (row === undefined || role === "viewer") return;
  await page
    .getByRole("button", { name: /^Changes of/ })
    .first()
    .click();
  await page.getByRole("menuitem").first().waitFor();
  assert.deepEqual(await page.getByRole("menuitem").allInnerTexts(), row[role], `${role} at ${title}`);
  if (role !== "admin") return page.keyboard.press("Escape");
  await page.getByRole("menuitem", { name: "Its events" }).click();
  await page.getByRole("heading", { name: "Explorer" }).waitFor();
  await page.locator("[data-testid=loaded]").filter({ hasText: / of / }).waitFor();
}

test("each role is offered what it may do, and everything else is refused, on the screen and by the server", async (t) => {
  const daybook = await startDaybook(t);
  const tokens = await holders(daybook);
  for (const role of ["viewer", "auditor", "admin"] as const) {
    const visited = await visit(t, daybook, { token: tokens[role] });
    const { page } = visited;
    visited.expected = /403/;
    const navigation = page.getByRole("navigation", { name: "Pages" });
    const links = await navigation.getByRole("link").allInnerTexts();
    const offered = SCREENS.filter(({ title }) => links.some((link) => link.trim() === title));
    assert.deepEqual(
      offered.map(({ title }) => title),
      SCREENS.filter(({ seenBy }) => seenBy.includes(role)).map(({ title }) => title),
      role,
    );
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    const reached = (await page.getByRole("option").allInnerTexts()).map((text) => text.trim());
    for (const { title, seenBy, makes } of SCREENS) {
      assert.equal(
        reached.some((text) => text.startsWith(title)),
        seenBy.includes(role),
        `${role}: ${title}`,
      );
      for (const [name, roles] of makes)
        assert.equal(reached.includes(name), roles.includes(role), `${role}: ${name}`);
    }
    await page.keyboard.press("Escape");
    for (const screen of SCREENS) {
      const { path, title, seenBy, asks } = screen;
      if (seenBy.includes(role)) {
        await navigation.getByRole("link", { name: title, exact: true }).click();
        await page.getByRole("heading", { name: title, exact: true, level: 1 }).waitFor();
        if (screen.row !== undefined) await page.locator("tbody tr button").first().waitFor();
        await isOffered(visited, role, screen);
        assert.equal(
          await page.getByRole("alert").filter({ hasText: /\S/ }).count(),
          0,
          `${role} at ${title}`,
        );
      } else {
        await visited.to(path);
        await page.getByRole("heading", { name: "This page is not for you" }).waitFor();
        assert.equal(await page.getByRole("table").count(), 0);
        if (path === "/users") assert.deepEqual(await visited.faults(), []);
        for (const asked of asks)
          if (path !== "/watch")
            assert.equal(await askedBy(visited, asked), 403, `${role}: ${asked.join(" ")}`);
      }
    }
  }
  await daybook.settle();
  const refused = await daybook.events("status_code=403&error_code=forbidden");
  assert.ok(
    refused.length > 0 && refused.every(({ user_id, api_key_id }) => user_id !== null || api_key_id !== null),
  );
});
