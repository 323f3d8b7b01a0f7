// The request logs, as their users know them: each test is named after what was asked for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { chat, startDaybook } from "../support/daybook.ts";
import { useBrowser, type Visit, visit } from "./visit.ts";

useBrowser();

async function panel(t: TestContext, requests = 0, failures = 0) {
  const daybook = await startDaybook(t);
  for (let sent = 0; sent < requests; sent++) await chat(daybook.url, { simulate: { usage: undefined } });
  for (let sent = 0; sent < failures; sent++) await chat(daybook.url, { model: "nope" });
  await daybook.settle();
  const visited = await visit(t, daybook);
  await visited.to("/settings");
  await visited.page.getByRole("heading", { name: "Request Logs" }).waitFor();
  return { daybook, visited, page: visited.page };
}

const rows = ({ page }: Visit) =>
  page.locator("[data-testid=events] [aria-rowindex]:not([aria-rowindex='1'])");
const card = ({ page }: Visit, title: string) =>
  page.locator("dl > div").filter({ hasText: title }).locator("dd");

async function shows(visited: Visit, title: string, value: string): Promise<void> {
  await card(visited, title)
    .filter({ hasText: new RegExp(`^${value}$`) })
    .waitFor();
}

test("B18, B25, B28: without requests the cards are zero, and the list says so", async (t) => {
  const { visited, page } = await panel(t);
  await page.getByText("View and export inference request logs. Live updates when connected.").waitFor();
  await page.getByText("No audit logs found").waitFor();
  for (const title of ["Total Requests", "Successful", "Errors", "Models Used"])
    await shows(visited, title, "0");
  assert.deepEqual(await visited.faults(), []);
});

test("B1, B4, B22, B23, B24: an entry shows time, model, backend, endpoint, duration, status and tokens", async (t) => {
  const { visited, page } = await panel(t, 1, 1);
  await rows(visited).nth(1).waitFor();
  assert.deepEqual(await page.getByRole("columnheader").allInnerTexts(), [
    "Time",
    "Model",
    "Backend",
    "Endpoint",
    "Duration",
    "Status",
    "Tokens",
  ]);
  const [failed = "", good = ""] = await rows(visited).allInnerTexts();
  assert.match(
    good,
    /^\d{4}-\d\d-\d\d [\d:.]+\s+demo\s+Simulated\s+\/v1\/chat\/completions\s+\d+ms\s+success\s+\d+$/,
  );
  assert.match(failed, /nope\s+\/v1\/chat\/completions\s+\d+ms\s+error\s+-$/);
  assert.match((await page.locator(".badge").first().getAttribute("class")) ?? "", /text-bad/);
  assert.match((await page.locator(".badge").nth(1).getAttribute("class")) ?? "", /text-good/);
  await shows(visited, "Total Requests", "2");
  await shows(visited, "Errors", "1");
  assert.deepEqual(await visited.faults(), []);
});

test("B2, B19: filters by model, backend, status and time read the list again", async (t) => {
  const { visited, page } = await panel(t, 3, 2);
  await page.getByLabel("Status", { exact: true }).selectOption("error");
  await shows(visited, "Total Requests", "2");
  await page.getByLabel("Model", { exact: true }).fill("demo");
  await page.getByLabel("Model", { exact: true }).press("Enter");
  await page.getByText("No audit logs found").waitFor();
  await page.getByLabel("Status", { exact: true }).selectOption("");
  await shows(visited, "Total Requests", "3");
  await page.getByLabel("Backend").selectOption("openai");
  await shows(visited, "Total Requests", "0");
  await page.getByLabel("Backend").selectOption("");
  await page.getByLabel("Time", { exact: true }).selectOption("15m");
  await shows(visited, "Total Requests", "3");
  assert.match(page.url(), /since=15m/);
});

test("B3, B20, B27, B29, L9: a request shows as it is made, once, if the filters let it, and the cards count it", async (t) => {
  const { visited, page, daybook } = await panel(t, 1);
  await page.getByText("Live", { exact: true }).waitFor();
  await chat(daybook.url);
  await shows(visited, "Total Requests", "2");
  assert.equal(await rows(visited).count(), 2);
  await page.getByLabel("Status", { exact: true }).selectOption("error");
  await page.getByText("No audit logs found").waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await chat(daybook.url);
  await chat(daybook.url, { model: "nope" });
  await shows(visited, "Total Requests", "1");
  assert.equal(await rows(visited).count(), 1);
});

test("B20: the indicator says Offline, connects again by itself, and nothing is missed", async (t) => {
  const { visited, page, daybook } = await panel(t, 1);
  visited.expected = /ERR_INTERNET_DISCONNECTED/;
  await page.getByText("Live", { exact: true }).waitFor();
  await visited.context.setOffline(true);
  await page.getByText("Offline", { exact: true }).waitFor();
  await chat(daybook.url);
  await visited.context.setOffline(false);
  await page.getByText("Live", { exact: true }).waitFor();
  await rows(visited).nth(1).waitFor();
  assert.equal(await rows(visited).count(), 2);
});

test("B5, B21, L10: exports are downloads of the session, as the filters say", async (t) => {
  const { page } = await panel(t, 2, 1);
  await page.getByLabel("Status", { exact: true }).selectOption("success");
  for (const [button, name] of [
    ["JSONL", /\.jsonl$/],
    ["CSV", /\.csv$/],
  ] as const) {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: button, exact: true }).click(),
    ]);
    assert.match(file.suggestedFilename(), name);
    const lines = readFileSync(await file.path(), "utf8")
      .trim()
      .split("\n");
    assert.equal(lines.length, button === "CSV" ? 3 : 2);
  }
});

test("B21, B26: Refresh reads again, and the list has no end to load by hand", async (t) => {
  const { visited, page, daybook } = await panel(t, 130);
  await rows(visited).first().waitFor();
  await page.locator("[data-testid=events][aria-rowcount='131']").waitFor();
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("End");
  await page.locator("[aria-rowindex='131'] a").waitFor();
  await chat(daybook.url);
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.locator("[data-testid=events][aria-rowcount='132']").waitFor();
});
