// The live end of the explorer: what is recorded shows, waits while it is paused, and nothing is missed or shown twice,
// whatever becomes of the connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat } from "../support/daybook.ts";
import { until } from "../support/until.ts";
import { breakable } from "./link.ts";
import { idsInView, loaded, many, rows } from "./traffic.ts";
import { useBrowser, useDaybook, useVisit, visit } from "./visit.ts";

useBrowser();
const shared = useDaybook(() => ({}));
const visiting = useVisit(shared);

test("live shows what is recorded; scrolled away it waits, counted, and goes on by a key", async () => {
  const daybook = shared();
  await many(daybook, 60, "one");
  const visited = visiting();
  const { page } = visited;
  await visited.to("/?model=one");
  await loaded(visited, "60 of 60");
  await page.keyboard.press("l");
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  await many(daybook, 5, "one");
  await loaded(visited, "65 of 65");
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("PageDown");
  await page.keyboard.press("PageDown");
  await page.getByRole("button", { name: "Paused", exact: true }).waitFor();
  const before = await rows(visited).allInnerTexts();
  await many(daybook, 9, "one");
  await page.getByRole("button", { name: "Paused · 9 new" }).waitFor();
  assert.deepEqual(await rows(visited).allInnerTexts(), before);
  assert.deepEqual(await visited.faults(), []);
  await page.keyboard.press("l");
  await loaded(visited, "74 of 74");
  assert.match(page.url(), /live=1/);
});

test("a tail that was cut off misses nothing and shows nothing twice", async () => {
  const daybook = shared();
  const visited = visiting();
  const { page, context } = visited;
  visited.expected = /ERR_INTERNET_DISCONNECTED/;
  await visited.to("/?model=two&live=1");
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  await many(daybook, 3, "two");
  await loaded(visited, "3 of 3");
  await context.setOffline(true);
  await page.getByText("This machine is offline.").waitFor();
  await many(daybook, 4, "two");
  await context.setOffline(false);
  await loaded(visited, "7 of 7");
});

test("a socket that is killed in the middle of a tail loses nothing and doubles nothing: rows, new ones, histogram", async (t) => {
  const daybook = shared();
  await many(daybook, 30, "three");
  const link = await breakable(t, daybook.url);
  const visited = await visit(t, daybook, { url: link.url });
  const { page } = visited;
  visited.expected = /ERR_/;
  await visited.to("/?model=three&live=1");
  await loaded(visited, "30 of 30");
  const isLive = page.getByRole("button", { name: /^(?:Live ·|Paused)/ }).first();
  await isLive.waitFor();
  /** Requests while connections die. */
  const whileKilled = async (count: number) => {
    for (let sent = 0; sent < count; sent++) {
      await chat(daybook.url, { model: "three" });
      if (sent % 8 === 4) link.cut();
    }
    await daybook.settle();
  };
  await whileKilled(32);
  await loaded(visited, "62 of 62");
  await page.locator("[data-testid=events]").focus();
  await page.keyboard.press("PageDown");
  await page.getByRole("button", { name: "Paused", exact: true }).waitFor();
  const before = await idsInView(visited);
  await whileKilled(24);
  await page.getByRole("button", { name: "Paused · 24 new" }).waitFor();
  assert.deepEqual(await idsInView(visited), before);
  await page.keyboard.press("l");
  await loaded(visited, "86 of 86");
  const seen: string[] = [];
  const grid = page.locator("[data-testid=events]");
  await grid.focus();
  for (let at = 0; seen.length === 0 || at < 86; at += 10) {
    await until(async () => !(await grid.innerText()).includes("…"));
    seen.push(...(await idsInView(visited)));
    await page.keyboard.press("PageDown");
  }
  const ids = (await daybook.events("model=three")).map(({ event_id }) => event_id);
  assert.equal(ids.length, 86);
  assert.deepEqual([...new Set(seen)].sort(), ids.toSorted());
  assert.equal(await grid.getAttribute("aria-rowcount"), "87");
  const chart = page.locator("[data-testid=histogram]");
  await until(async () => (await chart.getAttribute("aria-valuetext"))?.startsWith("86 events") === true);
});
