// The explorer, on real traffic: search, facets, the list at any depth, the event beside it, exports.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { until } from "../support/until.ts";
import { breakable } from "./link.ts";
import { ask, counted, idsInView, loaded, many, recorded, rows } from "./traffic.ts";
import { useBrowser, useDaybook, useVisit, visit } from "./visit.ts";

useBrowser();

const shared = useDaybook(
  () => ({}),
  async (daybook) => {
    await many(daybook, 40);
    await many(daybook, 7, "nope");
  },
);

const visiting = useVisit(shared);

/** The 47 requests. */
async function seeded(visited = visiting()) {
  await visited.to("/?kind=inference");
  await loaded(visited, "47 of 47");
  return { daybook: shared(), visited, page: visited.page };
}

test("a filter is typed, is in the address, survives a reload and is undone by Back", async () => {
  const { visited, page } = await seeded();
  assert.deepEqual(await visited.faults(), []);
  await ask(visited, "status:error model:nop*");
  await loaded(visited, "7 of 7");
  assert.deepEqual([...new URL(page.url()).searchParams].toSorted(), [
    ["kind", "inference"],
    ["model", "nop*"],
    ["status", "error"],
  ]);
  await page.reload();
  await loaded(visited, "7 of 7");
  assert.equal(await page.locator("[data-testid=chip]").count(), 3);
  await page.goBack();
  await loaded(visited, "47 of 47");
});

test("keys that come faster than the address follows are each done to what the one before left", async () => {
  const { visited, page } = await seeded();
  await ask(visited, "status:error");
  await ask(visited, "model:nope");
  await loaded(visited, "7 of 7");
  assert.equal(await page.locator("[data-testid=chip]").count(), 3);
  // Two at once, with no time between them for anything to follow.
  await page.evaluate(`(() => {
    const line = document.querySelector("[aria-label='Search the trail']");
    for (let at = 0; at < 2; at++) line.dispatchEvent(new KeyboardEvent("keydown", { key: "Backspace", bubbles: true }));
  })()`);
  await loaded(visited, "47 of 47");
  assert.deepEqual(await page.locator("[data-testid=chip]").allInnerTexts(), ["kind: inference"]);
  await page.waitForURL((url) => url.search === "?kind=inference");
});

test("a filter that cannot be is said below the line, and the rows stay", async () => {
  const { visited, page } = await seeded();
  await ask(visited, "staus:error");
  await page.getByRole("alert").filter({ hasText: "status" }).waitFor();
  assert.equal((await rows(visited).count()) > 10, true);
  visited.expected = /400/;
  await visited.to("/?no_such=1");
  await page.getByText("There is no parameter").waitFor();
});

test("names and values are offered, and taken by keys alone", async () => {
  const { visited, page } = await seeded();
  await page.keyboard.press("/");
  await page.keyboard.type("mod");
  await page.getByRole("option", { name: /^model:/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("option", { name: "model:nope" }).waitFor();
  await page.keyboard.type("no");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await loaded(visited, "7 of 7");
});

test("facets count, include and exclude", async () => {
  const { visited, page } = await seeded();
  const models = page.getByRole("region", { name: "Model" });
  await models.getByRole("button", { name: "nope", exact: true }).click();
  await loaded(visited, "7 of 7");
  await counted(visited);
  // The other values stay in sight, with their counts.
  assert.match(await models.innerText(), /demo\s+40/);
  await models.getByRole("button", { name: "demo", exact: true }).hover();
  await models.getByRole("button", { name: "Also demo" }).click();
  await loaded(visited, "47 of 47");
  // Statuses above grow by one, and move what the pointer is on.
  await counted(visited);
  await models.getByRole("button", { name: "nope", exact: true }).hover();
  await models.getByRole("button", { name: "Not nope" }).click();
  await loaded(visited, "40 of 40");
  assert.match(page.url(), /model!?=/);
  // On a telephone they are in nobody's way, and there when they are asked for.
  await page.setViewportSize({ width: 390, height: 800 });
  await models.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Facets" }).click();
  await models.getByRole("button", { name: "demo", exact: true }).waitFor();
  assert.deepEqual(await visited.faults(), []);
  assert.equal(await page.evaluate<number>("document.documentElement.scrollWidth"), 390);
});

test("an event opens beside the list, moves with j and k, and narrows the list by its values", async () => {
  const { visited, page } = await seeded();
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

test("next and previous stay within the filter, to its last event and no further", async () => {
  const { visited, page, daybook } = await seeded();
  await ask(visited, "status:error");
  await loaded(visited, "7 of 7");
  const ids = (await daybook.events("kind=inference&status=error")).map(({ event_id }) => event_id).reverse();
  const opened = () => new URL(page.url()).searchParams.get("open");
  await rows(visited).first().click();
  const seen: (string | null)[] = [];
  for (const [at, id] of ids.entries()) {
    await page.waitForURL((url) => url.searchParams.get("open") === id);
    seen.push(opened());
    if (at < ids.length - 1) await page.keyboard.press("j");
  }
  assert.deepEqual(seen, ids);
  await page.keyboard.press("j");
  assert.equal(opened(), ids.at(-1));
  await page.keyboard.press("k");
  await page.waitForURL((url) => url.searchParams.get("open") === ids.at(-2));
});

test("an event's proof is verified in the browser, against the very values that are shown", async (t) => {
  const { visited, page, daybook } = await seeded(await visit(t, shared()));
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

test("each row can be a tab of its own, and shows its event there", async () => {
  const { visited, page, daybook } = await seeded();
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

test("the whole of what is filtered is downloaded", async () => {
  const { visited, page } = await seeded();
  await ask(visited, "status:error");
  await loaded(visited, "7 of 7");
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByText("7 events: all").waitFor();
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
  const daybook = shared();
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
  // Its own events are its to take away; jobs are of those who may read everything.
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Download" }).waitFor();
  assert.equal(await page.getByRole("link", { name: /^In the background/ }).count(), 0);
  await page.keyboard.press("Escape");
  await visited.to("/?user_id=somebody");
  await page.getByText("This shows events of your own only.").first().waitFor();
});

test("what clients send is shown as they sent it, and never as part of the page", async () => {
  const daybook = shared();
  const hostile = `<img src=x onerror="document.title='owned'">"';--`;
  const made = await daybook.ask("/admin/users", { method: "POST", body: { name: hostile, role: "viewer" } });
  assert.equal(made.status, 201);
  const visited = visiting();
  const { page } = visited;
  await visited.to("/?kind=admin");
  await rows(visited).filter({ hasText: "user_created" }).first().click();
  await page.locator("pre").filter({ hasText: "onerror" }).waitFor();
  await ask(visited, `text:"<b>bold</b>"`);
  await page.locator("[data-testid=chip]").filter({ hasText: "<b>bold</b>" }).waitFor();
  assert.equal(await page.title(), "Explorer · Daybook");
});

test("assistive technology is told what is seen; chosen colours and stillness are kept", async (t) => {
  const { visited, page } = await seeded(await visit(t, shared()));
  await ask(visited, "status:error");
  await loaded(visited, "7 of 7");
  const grid = page.locator("[data-testid=events]");
  await rows(visited).nth(1).click();
  const [list, ...told] = (await grid.ariaSnapshot()).split("\n").map((line) => line.trim());
  assert.equal(list, '- grid "Events, newest first":');
  assert.deepEqual(
    told.filter((line) => line.startsWith("- columnheader")).slice(0, 3),
    ["Time", "Status", "Kind"].map((title) => `- columnheader "${title}"`),
  );
  const read = told.filter((line) => /^- row "\d{4}/.test(line));
  assert.equal(read.length, 7);
  assert.deepEqual(
    read.map((line) => [/ error inference chat nope /.test(line), line.includes("[selected]")]),
    Array.from({ length: 7 }, (_, at) => [true, at === 1]),
  );
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  assert.deepEqual(await visited.faults(), []);
  const of = (element: string, property: string) =>
    page.evaluate<string>(`getComputedStyle(document.querySelector('${element}')).${property}`);
  assert.equal(await of('[role=row][aria-selected="true"]', "outlineStyle"), "solid");
  assert.equal(await of("[data-testid=events] .badge", "borderTopStyle"), "solid");
  assert.match(await of("body", "animationDuration"), /^(?:0\.01ms|1e-05s)$/);
});

test("nothing is wrong by axe, by day or by night, with an event open and at 200 %", async () => {
  const { visited, page } = await seeded();
  const isWell = async () => {
    assert.deepEqual(await visited.faults(), []);
    assert.deepEqual(await visited.faultsByNight(), []);
  };
  await visited.to("/");
  await rows(visited).nth(1).click();
  await page.getByRole("complementary", { name: "Event", exact: true }).waitFor();
  await isWell();
  // 200 % of a window of 1280 is a window of 640: nothing is cut off, and all of it can still be used.
  await page.setViewportSize({ width: 640, height: 400 });
  await page.keyboard.press("Escape");
  await isWell();
  assert.equal(await page.evaluate<number>("document.documentElement.scrollWidth"), 640);
  await ask(visited, "model:nope");
  await loaded(visited, "7 of 7");
  await page.getByRole("button", { name: "Last 24 hours" }).click();
  await page.getByRole("button", { name: "Last hour" }).click();
  await loaded(visited, "7 of 7");
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: "Event", exact: true }).waitFor();
  await isWell();
});

test("rows and sums whose answer broke off are asked for again, while they are looked at", async (t) => {
  const daybook = shared();
  const link = await breakable(t, daybook.url);
  const visited = await visit(t, daybook, { url: link.url, ownTime: true });
  const { page, soon } = visited;
  visited.expected = /ERR_/;
  await recorded(daybook, 620, "broken");
  link.breakAt = `{"since":`;
  await visited.to("/?model=broken");
  const fault = page.locator(".card").filter({ hasText: "broke off" });
  await soon(fault);
  // How many there are is not known, and the rows are there without it.
  await loaded(visited, "100 of 101");
  const [oldest] = await daybook.events("model=broken");
  link.breakAt = `"event_id":"${oldest?.event_id}"`;
  await soon(page.locator("[data-testid=loaded]").filter({ hasText: "100 of 620" }));
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("End");
  const before = link.broken;
  await until(async () => {
    await page.clock.runFor(250);
    return link.broken > before + 2;
  });
  link.breakAt = null;
  await soon(page.locator("[aria-rowindex='621'] a"));
  await loaded(visited, "620 of 620");
  await fault.waitFor({ state: "hidden" });
});

test("a list longer than a page is read to its end: the server's events, each once, and an export has the same", async () => {
  const daybook = shared();
  await recorded(daybook, 1300, "deep");
  const visited = visiting();
  const { page } = visited;
  await visited.to("/?model=deep");
  await loaded(visited, "of 1,300");
  const grid = page.locator("[data-testid=events]");
  assert.equal(await grid.getAttribute("aria-rowcount"), "1301");
  const ids = (await daybook.events("model=deep")).map(({ event_id }) => event_id);
  await grid.focus();
  const seen = new Set<string>();
  for (let at = 0; at < 1300; at += 15) {
    await until(async () => !(await grid.innerText()).includes("…"));
    for (const id of await idsInView(visited)) seen.add(id);
    await page.keyboard.press("PageDown");
  }
  assert.deepEqual([...seen].sort(), ids.toSorted());
  await page.keyboard.press("Home");
  await page.keyboard.press("End");
  await page.locator("[aria-rowindex='1301'] a").waitFor();
  await loaded(visited, "1,300 of 1,300 loaded");
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByText("1,300 events: all").waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download" }).click(),
  ]);
  const lines = readFileSync(await file.path(), "utf8")
    .trim()
    .split("\n");
  const exported = lines.map((line) => (JSON.parse(line) as { event_id: string }).event_id);
  assert.deepEqual(exported.toSorted(), ids.toSorted());
});
