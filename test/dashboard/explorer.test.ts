// The explorer, on real traffic: search, facets, time, the list at any depth, the event beside it, live.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { until } from "../support/until.ts";
import { useBrowser, type Visit, visit } from "./visit.ts";

useBrowser();

async function many(daybook: TestDaybook, count: number, model = "demo"): Promise<void> {
  for (let sent = 0; sent < count; sent += 20)
    await Promise.all(Array.from({ length: Math.min(20, count - sent) }, () => chat(daybook.url, { model })));
  await daybook.settle();
}

const rows = ({ page }: Visit) =>
  page.locator("[data-testid=events] [aria-rowindex]:not([aria-rowindex='1'])");
const loaded = ({ page }: Visit) => page.locator("[data-testid=loaded]");
const search = ({ page }: Visit) => page.getByLabel("Search the trail");

async function ask(visited: Visit, text: string): Promise<void> {
  await search(visited).fill(text);
  await search(visited).press("Enter");
}

async function seeded(t: Parameters<typeof startDaybook>[0] & Parameters<typeof visit>[0]) {
  const daybook = await startDaybook(t);
  await many(daybook, 40);
  await many(daybook, 7, "nope");
  const visited = await visit(t, daybook);
  await visited.to("/?kind=inference");
  await loaded(visited).filter({ hasText: "47 of 47" }).waitFor();
  return { daybook, visited, page: visited.page };
}

test("a filter is typed, is in the address, survives a reload and is undone by Back", async (t) => {
  const { visited, page } = await seeded(t);
  assert.deepEqual(await visited.faults(), []);
  await ask(visited, "status:error model:nop*");
  await loaded(visited).filter({ hasText: "7 of 7" }).waitFor();
  assert.deepEqual([...new URL(page.url()).searchParams].toSorted(), [
    ["kind", "inference"],
    ["model", "nop*"],
    ["status", "error"],
  ]);
  await page.reload();
  await loaded(visited).filter({ hasText: "7 of 7" }).waitFor();
  assert.equal(await page.locator("[data-testid=chip]").count(), 3);
  await page.goBack();
  await loaded(visited).filter({ hasText: "47 of 47" }).waitFor();
});

test("a filter that cannot be is said below the line, and the rows stay", async (t) => {
  const { visited, page } = await seeded(t);
  await ask(visited, "staus:error");
  await page.getByRole("alert").filter({ hasText: "status" }).waitFor();
  assert.equal((await rows(visited).count()) > 10, true);
  visited.expected = /400/;
  await visited.to("/?no_such=1");
  await page.getByText("There is no parameter").waitFor();
});

test("names and values are offered, and taken by keys alone", async (t) => {
  const { visited, page } = await seeded(t);
  await page.keyboard.press("/");
  await page.keyboard.type("mod");
  await page.getByRole("option", { name: /^model:/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("option", { name: "model:nope" }).waitFor();
  await page.keyboard.type("no");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await loaded(visited).filter({ hasText: "7 of 7" }).waitFor();
});

test("facets count, include and exclude", async (t) => {
  const { visited, page } = await seeded(t);
  const models = page.getByRole("region", { name: "Model" });
  await models.getByRole("button", { name: "nope", exact: true }).click();
  await loaded(visited).filter({ hasText: "7 of 7" }).waitFor();
  // The other values stay in sight, with their counts.
  assert.match(await models.innerText(), /demo\s+40/);
  await models.getByRole("button", { name: "demo", exact: true }).hover();
  await models.getByRole("button", { name: "Also demo" }).click();
  await loaded(visited).filter({ hasText: "47 of 47" }).waitFor();
  await models.getByRole("button", { name: "nope", exact: true }).hover();
  await models.getByRole("button", { name: "Not nope" }).click();
  await loaded(visited).filter({ hasText: "40 of 40" }).waitFor();
  assert.match(page.url(), /model!?=/);
});

test("an event opens beside the list, moves with j and k, and narrows the list by its values", async (t) => {
  const { visited, page } = await seeded(t);
  const drawer = page.getByRole("complementary", { name: "Event", exact: true });
  await rows(visited).nth(2).click();
  await drawer.waitFor();
  const first = page.url();
  await page.keyboard.press("j");
  await page.waitForURL((url) => url.href !== first);
  await page.keyboard.press("k");
  await page.waitForURL(first);
  assert.deepEqual(await visited.faults(), []);
  await drawer.getByRole("button", { name: /^Only Model/ }).focus();
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=chip]").filter({ hasText: "model" }).waitFor();
  await drawer.getByRole("button", { name: "Close" }).click();
  await drawer.waitFor({ state: "hidden" });
});

test("an event's proof is verified in the browser, against the very values that are shown", async (t) => {
  const { visited, page, daybook } = await seeded(t);
  const [event] = await daybook.events("kind=inference");
  const path = `/admin/evidence/proofs/${event?.event_id}`;
  await until(async () => (await daybook.ask(path)).status === 200);
  await visited.to(`/?kind=inference&open=${event?.event_id}`);
  const integrity = page.getByRole("region", { name: "Integrity" });
  await integrity.getByRole("button", { name: "Verify here" }).click();
  await integrity.getByText("VALID", { exact: true }).waitFor();
  assert.deepEqual(await visited.faults(), []);
  // The store's answer is another than what was sealed.
  await page.route(/\/admin\/audit-logs[/?]/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replaceAll('"demo"', '"other"') });
  });
  await page.reload();
  await integrity.getByRole("button", { name: "Verify here" }).click();
  await integrity.getByText("TAMPERED", { exact: true }).waitFor();
  await integrity.getByText("model is shown otherwise than it was sealed").waitFor();
});

test("each row can be a tab of its own, and shows its event there", async (t) => {
  const { visited, page, daybook } = await seeded(t);
  const [event] = await daybook.events("kind=inference");
  const href = await rows(visited).first().locator("a").getAttribute("href");
  assert.match(href ?? "", /^\?kind=inference&open=[0-9a-f-]{36}$/);
  await visited.to(`/?model=none-such&open=${event?.event_id}`);
  await page
    .getByRole("complementary", { name: "Event", exact: true })
    .getByText(event?.request_id ?? "")
    .waitFor();
  await page.getByText("Nothing fits the filter in this time.").waitFor();
  await page.getByRole("button", { name: "Take the filter away" }).click();
  await rows(visited).first().waitFor();
});

test("a list longer than a page is read to its end: as many rows as there are events, and no event twice", async (t) => {
  const daybook = await startDaybook(t);
  await many(daybook, 1300);
  const visited = await visit(t, daybook);
  const { page } = visited;
  await visited.to("/?kind=inference");
  await loaded(visited).filter({ hasText: "of 1,300" }).waitFor();
  const grid = page.locator("[data-testid=events]");
  assert.equal(await grid.getAttribute("aria-rowcount"), "1301");
  await grid.focus();
  const seen = new Set<string>();
  for (let at = 0; at < 1300; at += 15) {
    await until(async () => !(await grid.innerText()).includes("…"));
    const hrefs = await page.evaluate<string[]>(
      `[...document.querySelectorAll("[data-testid=events] a")].map((link) => link.getAttribute("href"))`,
    );
    for (const href of hrefs) seen.add(href);
    await page.keyboard.press("PageDown");
  }
  const ids = new Set((await daybook.events("kind=inference")).map(({ event_id }) => event_id));
  assert.equal(seen.size, 1300);
  assert.equal(
    [...ids].every((id) => seen.has(`?kind=inference&open=${id}`)),
    true,
  );
  await page.keyboard.press("Home");
  await page.keyboard.press("End");
  await page.locator("[aria-rowindex='1301'] a").waitFor();
  assert.equal(await loaded(visited).innerText(), "1,300 of 1,300 loaded");
});

test("live shows what is recorded; scrolled away it waits, counted, and goes on by a key", async (t) => {
  const daybook = await startDaybook(t);
  await many(daybook, 60);
  const visited = await visit(t, daybook);
  const { page } = visited;
  await visited.to("/?kind=inference");
  await loaded(visited).filter({ hasText: "60 of 60" }).waitFor();
  await page.keyboard.press("l");
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  await many(daybook, 5);
  await loaded(visited).filter({ hasText: "65 of 65" }).waitFor();
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("PageDown");
  await page.keyboard.press("PageDown");
  await page.getByRole("button", { name: "Paused", exact: true }).waitFor();
  const before = await rows(visited).allInnerTexts();
  await many(daybook, 9);
  await page.getByRole("button", { name: "Paused · 9 new" }).waitFor();
  assert.deepEqual(await rows(visited).allInnerTexts(), before);
  assert.deepEqual(await visited.faults(), []);
  await page.keyboard.press("l");
  await loaded(visited).filter({ hasText: "74 of 74" }).waitFor();
  assert.match(page.url(), /live=1/);
});

test("a tail that was cut off misses nothing and shows nothing twice", async (t) => {
  const daybook = await startDaybook(t);
  const visited = await visit(t, daybook);
  const { page, context } = visited;
  visited.expected = /ERR_INTERNET_DISCONNECTED/;
  await visited.to("/?kind=inference&live=1");
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  await many(daybook, 3);
  await loaded(visited).filter({ hasText: "3 of 3" }).waitFor();
  await context.setOffline(true);
  await page.getByText("This machine is offline.").waitFor();
  await many(daybook, 4);
  await context.setOffline(false);
  await loaded(visited).filter({ hasText: "7 of 7" }).waitFor();
});

test("a stretch of the histogram is chosen by dragging, and by keys, in whatever zone", async (t) => {
  const offsets = { UTC: /\+00:00/, "Asia/Kolkata": /\+05:30/, "America/New_York": /−0[45]:00/ };
  for (const [zone, offset] of Object.entries(offsets)) {
    const daybook = await startDaybook(t);
    await many(daybook, 3);
    const visited = await visit(t, daybook, { zone });
    const { page } = visited;
    await visited.to("/?kind=inference&since=1h");
    const chart = page.locator("[data-testid=histogram]");
    await chart.waitFor();
    assert.match(await page.locator("figcaption").innerText(), offset);
    const box = await chart.boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width / 2, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + 20, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/until=/);
    await loaded(visited).filter({ hasText: "3 of 3" }).waitFor();
    const { searchParams } = new URL(page.url());
    const [since, until] = [searchParams.get("since"), searchParams.get("until")].map((text) =>
      Date.parse(text ?? ""),
    );
    const [{ recorded_at: at } = { recorded_at: "" }] = await daybook.events("kind=inference");
    assert.ok((since ?? 0) <= Date.parse(at) && Date.parse(at) <= (until ?? 0));
    await page.goBack();
    await chart.focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.waitForURL(/until=/);
  }
});

test("the whole of what is filtered is downloaded", async (t) => {
  const { visited, page } = await seeded(t);
  await ask(visited, "status:error");
  await loaded(visited).filter({ hasText: "7 of 7" }).waitFor();
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByText("7 events").waitFor();
  assert.deepEqual(await visited.faults(), []);
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download" }).click(),
  ]);
  const lines = readFileSync(await file.path(), "utf8")
    .trim()
    .split("\n");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { status: string }).status),
    Array(7).fill("error"),
  );
});

test("a viewer sees events of its own, and nothing that others may do", async (t) => {
  const { daybook } = await seeded(t);
  const made = await daybook.ask("/admin/users", { method: "POST", body: { name: "vera", role: "viewer" } });
  const { id } = made.json as { id: string };
  const token = await daybook.ask("/admin/tokens", {
    method: "POST",
    body: { name: "vera's", role: "viewer", user_id: id },
  });
  const { secret } = token.json as { secret: string };
  const visited = await visit(t, daybook, { token: secret });
  const { page } = visited;
  visited.expected = /403/;
  await daybook.settle();
  await visited.to("/");
  await rows(visited).first().waitFor();
  assert.deepEqual(
    await page
      .getByRole("navigation")
      .getByRole("link")
      .allInnerTexts()
      .then((texts) => texts.filter((text) => /keys|Users|Providers/.test(text))),
    [],
  );
  assert.equal(await page.getByRole("button", { name: "Export" }).count(), 0);
  await visited.to("/?user_id=somebody");
  await page.getByText("This shows events of your own only.").waitFor();
});

test("what clients send is shown as they sent it, and never as part of the page", async (t) => {
  const daybook = await startDaybook(t);
  const hostile = `<img src=x onerror="document.title='owned'">"';--`;
  const made = await daybook.ask("/admin/users", { method: "POST", body: { name: hostile, role: "viewer" } });
  assert.equal(made.status, 201);
  const visited = await visit(t, daybook);
  const { page } = visited;
  await visited.to("/?kind=admin");
  await rows(visited).filter({ hasText: "user_created" }).first().click();
  await page.locator("pre").filter({ hasText: "onerror" }).waitFor();
  await ask(visited, `text:"<b>bold</b>"`);
  await page.locator("[data-testid=chip]").filter({ hasText: "<b>bold</b>" }).waitFor();
  assert.equal(await page.title(), "Explorer · Daybook");
});

for (const dark of [false, true]) {
  test(`nothing is wrong by axe, ${dark ? "dark" : "light"}, with an event open and at 200 %`, async (t) => {
    const daybook = await startDaybook(t);
    await many(daybook, 5);
    await many(daybook, 2, "nope");
    const visited = await visit(t, daybook, { dark });
    const { page } = visited;
    await visited.to("/");
    await rows(visited).nth(1).click();
    await page.getByRole("complementary", { name: "Event", exact: true }).waitFor();
    assert.deepEqual(await visited.faults(), []);
    // 200 % of a window of 1280 is a window of 640.
    await page.setViewportSize({ width: 640, height: 400 });
    await page.keyboard.press("Escape");
    assert.deepEqual(await visited.faults(), []);
  });
}
