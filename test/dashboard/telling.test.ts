// What people hear who do not see the page: results, new rows and failures, politely, and never more than a message in
// five seconds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../support/until.ts";
import { breakable } from "./link.ts";
import { loaded, many } from "./traffic.ts";
import { useBrowser, useDaybook, type Visit, visit } from "./visit.ts";

useBrowser();
const shared = useDaybook(
  () => ({}),
  async (daybook) => {
    await many(daybook, 9, "heard");
    await many(daybook, 4, "nope");
  },
);

/** Every change of any live region of the page, in the page's own time, but for the title of a page that one came to. */
const HEARD = `
  window.heard = [];
  const LIVE = "[aria-live=polite], [aria-live=assertive]:not(#svelte-announcer), [role=status]:not([aria-live=off]), [role=alert]";
  new MutationObserver((changes) => {
    const regions = new Set(changes.map(({ target }) => (target.closest ? target : target.parentElement)?.closest(LIVE)));
    for (const region of regions) if (region?.textContent.trim()) heard.push({ at: performance.now(), text: region.textContent.trim() });
  }).observe(document, { subtree: true, childList: true, characterData: true });
`;

interface Heard {
  readonly at: number;
  readonly text: string;
}

const heardBy = ({ page }: Visit) => page.evaluate<Heard[]>("heard");

/** What is heard once `is` holds for it; until then the page's time goes on faster. */
async function hears(visited: Visit, is: (texts: readonly string[]) => boolean): Promise<string[]> {
  let texts: string[] = [];
  await until(async () => {
    texts = (await heardBy(visited)).map(({ text }) => text);
    if (!is(texts)) await visited.page.clock.runFor(1000);
    return is(texts);
  });
  return texts;
}

test("searches, live rows and failures are told: the last word on each, and five seconds apart", async (t) => {
  const daybook = shared();
  const link = await breakable(t, daybook.url);
  const visited = await visit(t, daybook, { url: link.url });
  const { page } = visited;
  visited.expected = /ERR_/;
  await page.clock.install();
  await page.addInitScript(HEARD);
  const underWay = new Set<object>();
  page.on("request", (request) => underWay.add(request));
  for (const end of ["requestfinished", "requestfailed"] as const)
    page.on(end, (request) => underWay.delete(request));
  await visited.to("/?kind=inference");
  await hears(visited, (texts) => texts.at(-1) === "13 events");
  const before = await heardBy(visited);
  await page.clock.pauseAt((await page.evaluate<number>("Date.now()")) + 100);
  for (const [model, found] of [
    ["heard", "9 of 9"],
    ["nope", "4 of 4"],
    ["heard", "9 of 9"],
    ["none", "0 of 0"],
  ]) {
    await visited.follow(`/?model=${model}`);
    await until(async () => {
      await page.clock.runFor(5);
      const list = page.locator("[data-testid=loaded]").filter({ hasText: found ?? "" });
      return page.url().endsWith(`=${model}`) && (await list.count()) === 1;
    });
  }
  assert.deepEqual(await heardBy(visited), before, "it is too soon for another");
  // What is under way has a limit by the same clock.
  await until(() => underWay.size === 0);
  await page.clock.runFor(60_000);
  assert.deepEqual(
    (await heardBy(visited)).slice(before.length).map(({ text }) => text),
    ["No events"],
  );
  await page.clock.resume();
  await visited.follow("/?model=heard&live=1");
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  const news = (texts: readonly string[]) =>
    texts.reduce((sum, text) => sum + Number(/(\d+) new events?/.exec(text)?.[1] ?? 0), 0);
  for (let round = 0; round < 6; round++) await many(daybook, 5, "heard");
  await loaded(visited, "39 of 39");
  await hears(visited, (texts) => news(texts) === 30);
  link.isDown = true;
  link.cut();
  await page.getByRole("button", { name: "Read again" }).click();
  await hears(visited, (texts) => texts.some((text) => text.includes("cannot be reached")));
  await page.clock.runFor(30_000);
  link.isDown = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await loaded(visited, "39 of 39");
  await hears(visited, (texts) => texts.at(-1)?.includes("39 events") === true);
  const heard = await heardBy(visited);
  assert.equal(
    heard.filter(({ text }) => text.includes("cannot be reached")).length,
    1,
    JSON.stringify(heard),
  );
  for (const [at, one] of heard.entries()) {
    const apart = one.at - (heard[at - 1]?.at ?? Number.NEGATIVE_INFINITY);
    assert.ok(apart >= 5000, `${one.text}: ${apart} ms`);
  }
});
