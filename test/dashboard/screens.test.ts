// Every screen, with whatever others may have put into the trail and into the administration: nothing of it is markup,
// none of it passes for something else, and axe finds nothing wrong, by day or by night.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answered, createRecorder } from "../../src/library/index.ts";
import { chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { useBrowser, type Visit, visit } from "./visit.ts";

useBrowser();

/** Each with its heading, and what is there once it has its data. */
const SCREENS = [
  ["/?since=0", "Explorer", "aside section button"],
  ["/overview?period=24h", "Overview", "section ol a"],
  ["/activity?period=24h", "Activity", "tbody td"],
  ["/sessions?period=24h", "Sessions", "tbody td"],
  ["/sessions?session=far-1", "Session", "[data-testid=lane] button"],
  ["/settings?since=0", "Request Logs", "[data-testid=events] a"],
  ["/exports", "Exports", "tbody td"],
  ["/evidence", "Evidence", "section[aria-label=Verifications] tbody td"],
  ["/retention", "Retention", "tbody td"],
  ["/erasures", "Erasures", "tbody td"],
  ["/watch", "Audit of the audit", "section li a"],
  ["/credits", "Credits", "tbody td"],
  ["/users", "Users", "tbody td"],
  ["/keys", "API keys", "tbody td"],
  ["/tokens", "Tokens", "tbody td"],
  ["/providers", "Providers", "tbody td"],
  ["/routes", "Routes", "tbody td"],
  ["/policies", "Policies", "tbody td"],
  ["/mcp-servers", "MCP servers", "tbody td"],
  ["/holds", "Legal holds", "tbody td"],
  ["/system", "System", "tbody td"],
] as const;

const HOSTILE = {
  html: `<img src=x onerror="document.title='owned'"><svg onload=alert(1)>`,
  script: `</script><script>document.title='owned'</script>`,
  url: "javascript:document.title='owned'",
  bidi: "invoice\u202egnp.exe\u2066\u200bann",
  long: "W".repeat(250),
  json: `{"__proto__":{"owned":true},"constructor":"x"}`,
  braces: "{@html `owned`} {owned} {{owned}} %s",
  star: "*",
} as const;
const NAMES = Object.values(HOSTILE);

/** What can be opened of a row: the row, and what its details show. */
const DETAILS = [
  ["/credits", HOSTILE.html, "Credit of"],
  ["/keys", HOSTILE.html, "Key"],
  ["/policies", "hostile", "Policy hostile"],
  ["/mcp-servers", "files", "MCP server files"],
  ["/evidence", "", "What was found"],
] as const;

async function madeBy({ ask, url, settle }: TestDaybook): Promise<void> {
  const made = async (path: string, body: object, expected = 201) => {
    const { status, text, json } = await ask(path, { method: "POST", body });
    assert.equal(status, expected, `${path}: ${text}`);
    return String((json as { id?: unknown }).id);
  };
  // It takes away what exports have made: before there are any.
  await made("/admin/erasures", { user_id: "carl", justification: HOSTILE.html }, 202);
  await until(async () => (await ask("/admin/erasures")).text.includes('"finished"'));
  await made("/admin/exports", { filter: "", format: "csv" }, 202);
  await made("/admin/evidence/verify", {}, 202);
  const schedule = { name: "nightly", cron: "0 3 * * *", target: "vault" };
  await made("/admin/export-schedules", {
    ...schedule,
    filter: String(new URLSearchParams({ q: `"${HOSTILE.url}"` })),
  });
  const madeFor = async (name: string) => {
    const id = await made("/admin/users", { name, role: "viewer" });
    await made(`/admin/users/${id}/credits/grant`, { amount_microcredits: 5_000_000, reason: name });
    await made("/admin/api-keys", { name });
    await made("/admin/tokens", { name, role: "viewer" });
    await made("/admin/holds", { filter: { user_id: [name, "ann"] }, justification: name });
  };
  await Promise.all(NAMES.map((each) => madeFor(each.slice(0, 128))));
  const match = { kind: "mcp" };
  await made("/admin/policies", { name: "hostile", effect: "warn", match, reason: HOSTILE.html });
  await made("/admin/providers", { name: "mine", backend_type: "simulated" });
  const providers = [{ provider: "mine", upstream_model: "demo" }];
  await made("/admin/routes", { model: "house-*", providers });
  await made("/admin/mcp/servers", { name: "files", url: "http://127.0.0.1:9/mcp" });
  const { json } = await ask("/admin/tokens", {
    method: "POST",
    body: { name: "far", role: "admin", scopes: ["ingest"] },
  });
  const { secret } = json as { secret: string };
  const far = await createRecorder({ url, key: secret, folder: tempFolder() });
  for (const name of NAMES) {
    const metadata = { region: name };
    const facts = {
      name,
      userId: name,
      sessionId: "far-1",
      provider: name.slice(0, 128),
      endpoint: name,
      metadata,
    };
    far.log({ kind: "mcp", action: "tool", ...facts, arguments: { path: name } }, answered(null));
    far.log({ kind: "inference", action: "chat", ...facts, backendType: "constructor" }, answered(200));
  }
  // What another node says of its attempts is whatever it likes.
  const tried = [{ provider: HOSTILE.html, code: "<b>", ms: 4 }];
  for (const attempts of [{ length: 1 }, [null, 7, { provider: 1 }], tried])
    far.log({ kind: "inference", action: "chat", name: "attempts", attempts }, answered(200));
  assert.ok(await far.shipped());
  await far.close();
  await chat(url);
  await chat(url, { model: "nope" });
  await settle();
}

const rows = ({ page }: Visit) =>
  page.locator("[data-testid=events] [aria-rowindex]:not([aria-rowindex='1'])");

/** Nothing became a part of the page, and nothing that cannot be seen is in its text. */
async function isUnharmed({ page }: Visit, where: string): Promise<void> {
  const { title, foreign, text, overflow } = await page.evaluate<Found>(`({
    title: document.title,
    foreign: document.querySelectorAll("img[src=x], [onerror], [onload], a[href^='javascript:' i]").length,
    text: document.body.innerText,
    overflow: Math.max(...["html", "main"].map((name) => document.querySelector(name)).map((e) => e.scrollWidth - e.clientWidth)),
  })`);
  assert.doesNotMatch(title, /owned/, where);
  assert.equal(foreign, 0, where);
  assert.doesNotMatch(text, /[\u200b\u202a-\u202e\u2066-\u2069]/, where);
  assert.ok(overflow <= 0, `${where} is wider than the window by ${overflow}`);
}

interface Found {
  readonly title: string;
  readonly foreign: number;
  readonly text: string;
  readonly overflow: number;
}

test("every screen shows what others wrote as they wrote it, and axe finds nothing, light or dark", async (t) => {
  const daybook = await startDaybook(t, {
    yaml: `export_targets: [{ name: vault, folder: ${tempFolder()} }]`,
  });
  await madeBy(daybook);
  const visited = await visit(t, daybook);
  const { page } = visited;
  const isWell = async (where: string) => {
    await isUnharmed(visited, where);
    assert.deepEqual(await visited.faults(), [], `${where}, light`);
    assert.deepEqual(await visited.faultsByNight(), [], `${where}, dark`);
  };
  await visited.to("/");
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  for (const [path, heading, filled] of SCREENS) {
    // Each is there by its address, and is looked at without another load of the page.
    assert.equal((await daybook.ask(path, { token: null })).status, 200, path);
    await visited.follow(path);
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
    await page.locator(filled).first().waitFor();
    await isWell(path);
  }
  for (const [path, row, title] of DETAILS) {
    await visited.follow(path);
    const menu = row === "" ? /^Changes of/ : `Changes of ${row}`;
    await page.getByRole("button", { name: menu }).first().click();
    await page.getByRole("menuitem", { name: "Details" }).click();
    const dialog = page.getByRole("dialog", { name: title });
    await dialog.locator("table, section, details").first().waitFor();
    await isWell(title);
  }
  await visited.to("/?kind=mcp&kind=inference&since=0");
  const drawer = page.getByRole("complementary", { name: "Event", exact: true });
  await rows(visited).first().click();
  const seen = new Set<string>();
  const count = Number(await page.locator("[data-testid=events]").getAttribute("aria-rowcount")) - 1;
  for (let at = 0; at < count; at++) {
    await drawer.locator("dl").first().waitFor();
    for (const text of await drawer.locator("dd").allInnerTexts()) seen.add(text.trim());
    await isUnharmed(visited, page.url());
    const { href } = new URL(page.url());
    await page.keyboard.press("j");
    if (at < count - 1) await page.waitForURL((url) => url.href !== href);
  }
  for (const name of [HOSTILE.html, HOSTILE.script, HOSTILE.url, HOSTILE.long, HOSTILE.json, HOSTILE.braces])
    assert.ok(seen.has(name), name);
  assert.ok(seen.has("invoice\\u202egnp.exe\\u2066\\u200bann"));
});
