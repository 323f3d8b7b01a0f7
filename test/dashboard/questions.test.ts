// What people come to ask, answered by a few clicks from the first page, or typed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, startDaybook } from "../support/daybook.ts";
import { useBrowser, visit } from "./visit.ts";

useBrowser();

test("which model failed most", async (t) => {
  const daybook = await startDaybook(t);
  for (const [model, times] of [
    ["one", 2],
    ["two", 3],
    ["demo", 4],
  ] as const)
    for (let sent = 0; sent < times; sent++) await chat(daybook.url, { model });
  await daybook.settle();
  const visited = await visit(t, daybook);
  const { page } = visited;
  await page.getByRole("link", { name: "Overview" }).click();
  const failing = page.getByRole("region", { name: "Models that failed most" });
  await failing.getByRole("link").first().waitFor();
  assert.match(await failing.getByRole("link").first().innerText(), /two\s+3/);
  assert.deepEqual(await visited.faults(), []);
  // Each number leads to what it counts.
  await failing.getByRole("link").first().click();
  await page.locator("[data-testid=loaded]").filter({ hasText: "3 of 3" }).waitFor();
});

test("what did the requests of a model cost", async (t) => {
  const daybook = await startDaybook(t);
  for (let sent = 0; sent < 4; sent++) await chat(daybook.url);
  await daybook.settle();
  const { page } = await visit(t, daybook);
  await page.keyboard.press("/");
  await page.keyboard.type("model:demo ");
  await page.keyboard.press("Enter");
  await page
    .locator("[data-testid=sums]")
    .filter({ hasText: /^4 requests · 0 failed · \d+ tokens · \$/ })
    .waitFor();
});

test("is anything being lost right now", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await daybook.settle();
  const visited = await visit(t, daybook);
  const { page } = visited;
  await page.getByRole("link", { name: "System" }).click();
  await page.getByText("Nothing is being lost.").waitFor();
  assert.deepEqual(await visited.faults(), []);
});
