// The request logs, as their users know them: each test is named after what was asked for. The list's ends by hand (a
// Load More, a cut at a hundred rows) gave way to a list of any length.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../src/stores/open-store.ts";
import { chat } from "../support/daybook.ts";
import { type Cells, NodeLog } from "../support/events.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { breakable } from "./link.ts";
import { rows } from "./traffic.ts";
import { useBrowser, useDaybook, useVisit, type Visit, visit } from "./visit.ts";

const MINUTE_MS = 60_000;
const LONG = `a-model-of-a-long-name-${"x".repeat(80)}`;
const DONE = { kind: "inference", action: "chat", count: 1, endpoint: "/v1/chat/completions" } as const;
const TOKENS = { prompt_tokens: 40, completion_tokens: 2, total_tokens: 42 } as const;
/** Newest last: minutes ago, and what it was. */
const STORED: readonly (readonly [number, Cells])[] = [
  [3000, { model: "old", backend_type: "openai", status: "success", duration_ms: 5 }],
  [200, { model: "mixed", backend_type: "openai", status: "success", duration_ms: 740, ...TOKENS }],
  [
    150,
    { model: "mixed", backend_type: "anthropic", status: "error", duration_ms: 1300, total_tokens: null },
  ],
  [
    40,
    { model: "mixed", backend_type: "local", status: "timeout", duration_ms: 150_000, total_tokens: null },
  ],
  [30, { model: "mixed", backend_type: "local", status: "cancelled", duration_ms: 59_949, ...TOKENS }],
  [20, { model: "mixed", backend_type: "local", status: "odd", duration_ms: null, total_tokens: null }],
  [10, { model: LONG, backend_type: "local", status: "success", duration_ms: 999, ...TOKENS }],
];
const home = tempFolder();

useBrowser();

async function storedBefore(): Promise<void> {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const log = new NodeLog("00000000000000c3");
  const now = Date.now();
  const cellsOf = (seq: number) => {
    const [minutes, cells] = STORED[seq - 1] ?? assert.fail();
    const at = now - minutes * MINUTE_MS;
    return { ...DONE, recorded_at: at, timestamp: at, ...cells };
  };
  await store.append(log.next(STORED.length, cellsOf));
  const many = { ...DONE, model: "many", status: "success" } as const;
  await store.append(log.next(130, (seq) => ({ ...many, recorded_at: now + seq, timestamp: now + seq })));
  await store.close();
}

const shared = useDaybook(async () => {
  await storedBefore();
  return { home };
});
const visited = useVisit(shared);

async function panel(search = ""): Promise<Visit["page"]> {
  await visited().to(`/settings${search}`);
  const { page } = visited();
  await page.getByRole("heading", { name: "Request Logs" }).waitFor();
  return page;
}

const shown = () => rows(visited());
const cards = ["Total Requests", "Successful", "Errors", "Models Used"] as const;

async function counts(...numbers: readonly number[]): Promise<void> {
  for (const [at, number] of numbers.entries())
    await visited()
      .page.locator("dl > div")
      .filter({ hasText: cards[at] ?? "" })
      .locator("dd")
      .filter({ hasText: new RegExp(`^${number}$`) })
      .waitFor();
}

async function lists(count: number): Promise<void> {
  const grid = visited().page.locator(`[data-testid=events][aria-rowcount='${count + 1}']`);
  await (count === 0 ? visited().page.getByText("No audit logs found") : grid).waitFor();
}

async function isLive(text: "Live" | "Offline" = "Live", { page }: Pick<Visit, "page"> = visited()) {
  await page.getByRole("status").filter({ hasText: text }).first().waitFor();
}

/** The cells of each row, from the top. */
const cells = async () => (await shown().allInnerTexts()).map((text) => text.split(/\n+/));

test("B1: the panel shows the requests, and reads on by itself to the last", async () => {
  const page = await panel("?model=many");
  await lists(130);
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("End");
  await page.locator("[aria-rowindex='131'] a").waitFor();
  assert.deepEqual(await visited().faults(), []);
});

test("B2: it is filtered by model, backend, status and time", async () => {
  await panel("?model=mixed&backend_type=local&status=timeout");
  await lists(1);
  await panel("?model=mixed&since=1h");
  await lists(3);
  const page = await panel("?model=mixed");
  await page.getByLabel("Time", { exact: true }).selectOption("1h");
  await lists(3);
  assert.match(page.url(), /since=1h/);
  await panel("?model=old");
  await lists(0);
  await page.getByLabel("Time", { exact: true }).selectOption("7d");
  await lists(1);
});

test("B3: a request shows as it is made, by a connection that stays open", async () => {
  await panel("?model=demo-b3");
  await isLive();
  await lists(0);
  await chat(shared().url, { model: "demo-b3" });
  await lists(1);
});

test("B4: each entry shows time, model, backend, duration, status and tokens", async () => {
  await panel("?model=mixed&backend_type=openai");
  await lists(1);
  const [[time = "", ...rest] = []] = await cells();
  assert.match(time, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  assert.deepEqual(rest, ["mixed", "OpenAI", "/v1/chat/completions", "740ms", "success", "42"]);
});

/** The lines of the file that a button gives. */
async function saved(button: "JSONL" | "CSV"): Promise<{ name: string; lines: string[] }> {
  const { page } = visited();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button, exact: true }).click(),
  ]);
  return {
    name: file.suggestedFilename(),
    lines: readFileSync(await file.path(), "utf8")
      .trim()
      .split("\n"),
  };
}

test("B5: the logs are exported in formats that others read", async () => {
  await panel("?model=mixed");
  await lists(5);
  const jsonl = await saved("JSONL");
  assert.match(jsonl.name, /\.jsonl$/);
  assert.deepEqual(
    jsonl.lines.map((line) => (JSON.parse(line) as { model: string }).model),
    Array(5).fill("mixed"),
  );
  const csv = await saved("CSV");
  assert.match(csv.name, /\.csv$/);
  assert.match(csv.lines[0] ?? "", /^timestamp,request_id,model,backend_type,endpoint,duration_ms,status,/);
  assert.equal(csv.lines.length, 6);
});

test("B18: four cards count all requests, successes, errors and models; what there is none of is 0", async () => {
  await panel("?model=mixed");
  await counts(5, 1, 1, 1);
  await panel("?model=none-such");
  await counts(0, 0, 0, 0);
});

test("B19: a change of a filter reads the list again, from its top", async () => {
  const page = await panel();
  assert.deepEqual(await page.getByLabel("Backend").locator("option").allInnerTexts(), [
    ...["All Backends", "Local", "OpenAI", "Anthropic"],
  ]);
  assert.deepEqual(await page.getByLabel("Status", { exact: true }).locator("option").allInnerTexts(), [
    ...["All Status", "Success", "Error", "Timeout"],
  ]);
  await page.getByLabel("Model", { exact: true }).fill("many");
  await page.getByLabel("Model", { exact: true }).press("Enter");
  await lists(130);
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("End");
  await page.locator("[aria-rowindex='131'] a").waitFor();
  await page.getByLabel("Model", { exact: true }).fill("m*");
  await page.getByLabel("Model", { exact: true }).press("Enter");
  await lists(135);
  await page.locator("[aria-rowindex='2'] a").waitFor();
  await page.getByLabel("Model", { exact: true }).fill("mixed");
  await page.getByLabel("Model", { exact: true }).press("Enter");
  await lists(5);
  await page.locator("[aria-rowindex='2'] a").waitFor();
  await page.getByLabel("Backend").selectOption("local");
  await lists(3);
  await page.getByLabel("Status", { exact: true }).selectOption("timeout");
  await lists(1);
});

test("B20: it says Live or Offline, connects again by itself, and nothing is missed", async () => {
  await panel("?model=demo-b20");
  await isLive();
  const { context } = visited();
  visited().expected = /ERR_INTERNET_DISCONNECTED/;
  await context.setOffline(true);
  await isLive("Offline");
  await chat(shared().url, { model: "demo-b20" });
  await context.setOffline(false);
  await isLive();
  await lists(1);
});

test("B21: Refresh, JSONL and CSV; files are downloads of the session, as the filters say", async () => {
  const page = await panel("?model=mixed");
  await lists(5);
  await page.getByLabel("Status", { exact: true }).selectOption("error");
  await lists(1);
  const { lines } = await saved("JSONL");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { status: string }).status),
    ["error"],
  );
  await page.getByRole("button", { name: "Refresh" }).click();
  await lists(1);
});

test("B22: its columns, with the endpoint; a long model's name is whole in its title; no tokens are a dash", async () => {
  const page = await panel("?model=mixed");
  await lists(5);
  assert.deepEqual(await page.getByRole("columnheader").allInnerTexts(), [
    ...["Time", "Model", "Backend", "Endpoint", "Duration", "Status", "Tokens"],
  ]);
  assert.deepEqual(
    (await cells()).map((row) => row.at(-1)),
    ["-", "42", "-", "-", "42"],
  );
  assert.deepEqual(
    (await cells()).map(([, , backend]) => backend),
    ["Local", "Local", "Local", "Anthropic", "OpenAI"],
  );
  await panel(`?model=${LONG}`);
  await lists(1);
  const model = shown().first().locator(`[title="${LONG}"]`);
  assert.match((await model.getAttribute("class")) ?? "", /truncate.*font-mono|font-mono.*truncate/);
});

test("B23: durations are milliseconds below a second, seconds below a minute, then minutes", async () => {
  await panel("?model=mixed");
  await lists(5);
  assert.deepEqual(
    (await cells()).map((row) => row.at(-3)),
    ["-", "59.9s", "2.5m", "1.3s", "740ms"],
  );
});

test("B24: success is green, error red, timeout yellow, all others grey, by day and by night", async (t) => {
  for (const dark of [false, true]) {
    const each = dark ? await visit(t, shared(), { dark }) : visited();
    await each.to("/settings?model=mixed");
    await rows(each).nth(4).waitFor();
    const hues = await each.page.evaluate<string[]>(`[...document.querySelectorAll(".badge")].map((badge) => {
      const context = document.createElement("canvas").getContext("2d");
      context.fillStyle = getComputedStyle(badge).color;
      context.fillRect(0, 0, 1, 1);
      const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
      if (Math.max(red, green, blue) - Math.min(red, green, blue) < 24) return "grey";
      if (green > red) return "green";
      return green - blue > 40 ? "yellow" : "red";
    })`);
    // odd, cancelled, timeout, error, success
    assert.deepEqual(hues, ["grey", "grey", "yellow", "red", "green"]);
  }
});

test("B25: it says that it loads, and where nothing is, that nothing was found", async () => {
  const page = await panel("?model=none-such");
  await page.getByText("No audit logs found").waitFor();
  let isHeld = true;
  const held = Promise.withResolvers<void>();
  await page.route(/\/admin\/audit-logs\?/, async (route) => {
    if (isHeld) await held.promise;
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: await answer.text() });
  });
  await panel("?model=mixed");
  await page.getByText("Loading...").waitFor();
  isHeld = false;
  held.resolve();
  await lists(5);
});

test("B26: the list has no end to load by hand: it is as long as there are requests", async () => {
  const page = await panel("?model=many");
  await lists(130);
  assert.equal(await page.getByRole("button", { name: "Load More" }).count(), 0);
});

test("B27: new rows are put on top, and none below is cut off for them", async () => {
  await panel("?model=many&model=demo-b27");
  await lists(130);
  await isLive();
  await chat(shared().url, { model: "demo-b27" });
  await lists(131);
  // Those of the store are dated a little ahead.
  const models = (await cells()).map(([, model]) => model);
  assert.equal(models[0], "demo-b27");
});

test("B28: the section is on the settings page, with its title and what it is for", async () => {
  const page = await panel();
  await page.getByText("View and export inference request logs. Live updates when connected.").waitFor();
  assert.match(page.url(), /\/settings$/);
  assert.deepEqual(await visited().faults(), []);
});

test("B29: make a request, see it appear: once, counted, if the filters let it (L9)", async () => {
  const page = await panel("?model=demo-b29");
  await isLive();
  await chat(shared().url, { model: "demo-b29" });
  await lists(1);
  await counts(1, 0, 1, 1);
  await page.getByLabel("Status", { exact: true }).selectOption("success");
  await lists(0);
  await isLive();
  await chat(shared().url, { model: "demo-b29" });
  await shared().settle();
  await page.getByLabel("Status", { exact: true }).selectOption("error");
  await lists(2);
  await counts(2, 0, 2, 1);
});

test("BL9: the cards follow live requests", async () => {
  await panel("?model=demo-bl9");
  await isLive();
  for (let sent = 1; sent <= 3; sent++) {
    await chat(shared().url, { model: "demo-bl9" });
    await counts(sent, 0, sent, 1);
  }
});

test("BL9: where Daybook cannot be reached it says so, keeps what it shows, and goes on when it is back", async (t) => {
  const link = await breakable(t, shared().url);
  const each = await visit(t, shared(), { url: link.url, ownTime: true });
  each.expected = /ERR_/;
  await each.to("/settings?model=mixed");
  await rows(each).nth(4).waitFor();
  await isLive("Live", each);
  link.isDown = true;
  link.cut();
  await isLive("Offline", each);
  await each.page.getByRole("button", { name: "Refresh" }).click();
  await each.soon(each.page.getByRole("alert").first());
  assert.equal(await rows(each).count(), 5);
  assert.deepEqual(await each.faults(), []);
  await each.page.getByRole("button", { name: "CSV", exact: true }).click();
  await until(async () => (await each.page.getByText("Daybook", { exact: false }).count()) > 1);
  link.isDown = false;
  await each.page.getByRole("button", { name: "Try again" }).first().click();
  await until(async () => (await each.page.getByRole("alert").count()) === 0);
  await each.soon(each.page.getByRole("status").filter({ hasText: "Live" }).first());
  assert.equal(await rows(each).count(), 5);
});

test("BL9: an address that asks for what there is not is said, and taken away", async () => {
  const page = await panel("?no_such=1");
  await page.getByRole("alert").filter({ hasText: "There is no parameter" }).waitFor();
  await page.getByRole("link", { name: "Take the filter away" }).click();
  await page.locator("[data-testid=events]").waitFor();
});

test("filters that are chosen faster than the address follows are all there", async () => {
  const page = await panel();
  await page.getByLabel("Backend").waitFor();
  await page.evaluate(`(() => {
    for (const [name, value] of [["Model", "mixed"], ["Backend", "local"], ["Status", "timeout"]]) {
      const input = document.querySelector("form [aria-label='" + name + "']");
      input.value = value;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  })()`);
  await lists(1);
  await page.waitForURL((url) => url.search === "?model=mixed&backend_type=local&status=timeout");
});
