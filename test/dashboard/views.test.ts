// What somebody keeps of the explorer: views, columns; whose names it shows; and that all of it goes without a mouse.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { chat, type TestDaybook } from "../support/daybook.ts";
import { until } from "../support/until.ts";
import { ask, loaded, many, rows } from "./traffic.ts";
import { useBrowser, useDaybook, type VisitOptions, visit } from "./visit.ts";

useBrowser();
const tokens = new Map<string, string>();

const shared = useDaybook(
  () => ({}),
  async (daybook) => {
    await many(daybook, 12);
    await many(daybook, 5, "nope");
    for (const name of ["ann", "ben"]) tokens.set(name, await personOf(daybook, name));
  },
);

/** A user whose key asked for something; a token that sees all events. */
async function personOf(daybook: TestDaybook, name: string): Promise<string> {
  const made = async (path: string, body: object) =>
    (await daybook.ask(path, { method: "POST", body })).json as { id: string; secret: string };
  const user = await made("/admin/users", { name, role: "auditor" });
  const key = await made("/admin/api-keys", { name: `${name}'s key`, user_id: user.id });
  await chat(daybook.url, { headers: { authorization: `Bearer ${key.secret}` } });
  return (await made("/admin/tokens", { name: `${name}'s`, role: "auditor", user_id: user.id })).secret;
}

const as = async (t: TestContext, name: string, more: VisitOptions = {}) =>
  visit(t, shared(), { token: tokens.get(name) ?? assert.fail(), ...more });

test("a view is saved, shows what was changed since, is brought up to date, shared, first, and deleted", async (t) => {
  const visited = await as(t, "ann");
  const { page } = visited;
  await visited.to("/?kind=inference&since=7d");
  await ask(visited, "status:error");
  await loaded(visited, "5 of 5");
  await page.getByRole("button", { name: "Views" }).click();
  assert.deepEqual(await visited.faults(), []);
  await page.getByRole("menuitem", { name: "Save as a view …" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Failures <b>");
  assert.deepEqual(await visited.faults(), []);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "View Failures <b>", exact: true }).waitFor();
  assert.match(page.url(), /view=view_/);
  // Another filter, and other columns: it says that it is not as saved.
  await page.getByRole("button", { name: "Remove status: error" }).click();
  await loaded(visited, "19 of 19");
  await page.getByRole("button", { name: "View Failures <b>, changed" }).waitFor();
  await page.goBack();
  await page.getByRole("button", { name: "View Failures <b>", exact: true }).waitFor();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("button", { name: "Without Kind" }).click();
  await page.getByRole("button", { name: "Model earlier" }).click();
  assert.deepEqual(await visited.faults(), []);
  await page.getByRole("button", { name: "Done" }).click();
  const heads = () => page.getByRole("columnheader").allInnerTexts();
  assert.deepEqual((await heads()).slice(0, 4), ["Time", "Status", "Model", "Action"]);
  await page.getByRole("button", { name: "View Failures <b>, changed" }).waitFor();
  await page.getByRole("button", { name: "Update" }).click();
  await page.getByRole("button", { name: "View Failures <b>", exact: true }).click();
  await page.getByRole("menuitem", { name: "Change this view …" }).click();
  await page.getByLabel("Everybody sees it").click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });

  // Somebody else sees it, as it was saved, and cannot change it; and what comes first is one's own word.
  const other = await as(t, "ben");
  const { page: bens } = other;
  await other.to("/?kind=inference");
  await loaded(other, "19 of 19");
  await bens.getByRole("button", { name: "Views" }).click();
  await bens.getByRole("menuitem", { name: "Failures <b> (shared)" }).click();
  await loaded(other, "5 of 5");
  assert.deepEqual((await bens.getByRole("columnheader").allInnerTexts()).slice(0, 4), [
    "Time",
    "Status",
    "Model",
    "Action",
  ]);
  assert.match(bens.url(), /since=7d/);
  await bens.getByRole("button", { name: "View Failures <b>", exact: true }).click();
  assert.equal(await bens.getByRole("menuitem", { name: "Change this view …" }).count(), 0);
  await bens.getByRole("menuitem", { name: "Save as a view …" }).click();
  await bens.getByLabel("Name", { exact: true }).fill("Mine");
  await bens.getByLabel("What I see first").click();
  await bens.getByRole("button", { name: "Save", exact: true }).click();
  await bens.getByRole("button", { name: "View Mine", exact: true }).waitFor();
  await other.to("/");
  await bens.getByRole("button", { name: "View Mine", exact: true }).waitFor();
  await loaded(other, "5 of 5");
  await bens.getByRole("button", { name: "View Mine", exact: true }).click();
  await bens.getByRole("menuitem", { name: "Change this view …" }).click();
  await bens.getByRole("button", { name: "Delete" }).click();
  await bens.getByRole("button", { name: "Views", exact: true }).waitFor();
});

test("who it was is said by name, and filtered by id", async (t) => {
  const visited = await as(t, "ann");
  const { page } = visited;
  await visited.to("/?kind=inference");
  const users = page.getByRole("region", { name: "User", exact: true });
  await users.getByRole("button", { name: "ben", exact: true }).click();
  await loaded(visited, "1 of 1");
  assert.match(page.url(), /user_id=usr_[0-9a-f]{16}/);
  assert.match((await rows(visited).first().innerText()) ?? "", /\sben\s/);
  await visited.to("/activity");
  await page.getByRole("link", { name: "ben", exact: true }).click();
  await page.waitForURL(/user_id=usr_/);
});

test("all of it goes by keys alone: search, facets, rows, an event and its values, live", async (t) => {
  const daybook = shared();
  const visited = await visit(t, daybook);
  const { page } = visited;
  const focused = () =>
    page.evaluate<string>(
      "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()",
    );
  /** Tab, until what has the focus says it. */
  const tabTo = async (name: RegExp) => {
    for (let tabs = 0; tabs < 80 && !name.test(await focused()); tabs++) await page.keyboard.press("Tab");
    assert.match(await focused(), name);
  };
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await visited.to("/");
  await loaded(visited, "loaded");
  await press("/");
  await page.keyboard.type("kind:inference");
  await press("Enter");
  await loaded(visited, "19 of 19");
  await page.getByRole("region", { name: "Model" }).getByText("nope").waitFor();
  await tabTo(/^nope$/);
  await press("Enter");
  await loaded(visited, "5 of 5");
  await tabTo(/^Events, newest first/);
  await press("ArrowDown", "ArrowDown", "Enter");
  const drawer = page.getByRole("complementary", { name: "Event", exact: true });
  await drawer.waitFor();
  const opened = () => new URL(page.url()).searchParams.get("open");
  const third = opened();
  await press("j");
  await page.waitForURL((url) => url.searchParams.get("open") !== third);
  await press("i");
  await tabTo(/^Only Code 404$/);
  await press("Enter");
  await page.locator("[data-testid=chip]").filter({ hasText: "status_code: 404" }).waitFor();
  await press("Escape");
  await drawer.waitFor({ state: "hidden" });
  await press("l");
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  await many(daybook, 2, "nope");
  await loaded(visited, "7 of 7");
  await press("l");
  await page.getByRole("button", { name: "Live", exact: true }).waitFor();
  // The chips go the way they came.
  await press("/");
  for (let left = 2; left >= 0; left--) {
    await press("Backspace");
    await until(async () => (await page.locator("[data-testid=chip]").count()) === left);
  }
});
