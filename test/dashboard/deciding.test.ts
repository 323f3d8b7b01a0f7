// What decides about requests, by hand in a browser: policies, credit, limits, servers; one server for all of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat } from "../support/daybook.ts";
import { useBrowser, useDaybook, useVisit } from "./visit.ts";

useBrowser();

const YAML = `
providers: [{ name: demo, backend_type: simulated }]
routes:
  - model: demo
    providers: [{ provider: demo }]
    price: { prompt_per_million: 1000, completion_per_million: 10000 }
`;
let userId = "";
let secret = "";
const shared = useDaybook(
  () => ({ yaml: YAML }),
  async ({ ask, url }) => {
    const made = async (path: string, body: object) =>
      (await ask(path, { method: "POST", body })).json as { id: string; secret: string };
    ({ id: userId } = await made("/admin/users", { name: "ann", role: "viewer" }));
    ({ secret } = await made("/admin/api-keys", { name: "anns", user_id: userId }));
    for (let sent = 0; sent < 3; sent++) await chat(url, { headers: { authorization: `Bearer ${secret}` } });
    await chat(url);
  },
);
const visiting = useVisit(shared);

test("a policy is checked as it is typed, tried on the trail before it is saved, and asked afterwards", async () => {
  const visited = visiting();
  const { page, to } = visited;
  // The browser tells of each answer that the server refuses.
  visited.expected = /400/;
  const dialog = page.getByRole("dialog");
  await to("/policies");
  await page.getByRole("button", { name: "New policy" }).click();
  await dialog.getByLabel(/^Name/).first().fill("anns-calls");
  await dialog.getByLabel(/^User/).fill(userId);
  await dialog.getByLabel(/^Effect/).selectOption("deny");
  await dialog.getByLabel(/^When/).fill("max_tokenz > 3");
  const problem = dialog.getByRole("alert").filter({ hasText: "Unknown variable: max_tokenz" });
  await problem.waitFor();
  const review = dialog.getByRole("button", { name: "Review" });
  assert.ok(await review.isDisabled());
  await dialog.getByLabel(/^When/).fill('model == "demo"');
  await dialog.getByLabel(/^Reason/).fill("Not for ann");
  await problem.waitFor({ state: "hidden" });
  await review.click();
  const tried = dialog.getByRole("region", { name: "What it would come to" });
  await tried.getByText(/: 3 would have gone otherwise, 1 as they did/).waitFor();
  assert.match(await tried.innerText(), /3: n\/a → deny/);
  assert.equal(await tried.getByRole("link").count(), 3);
  assert.deepEqual(await visited.faults(), []);
  await dialog.getByRole("button", { name: "New policy" }).click();
  await page.getByText("anns-calls", { exact: true }).waitFor();
  await page.getByText("What would they say of a request?").click();
  const asked = page.getByRole("region", { name: "Policies" });
  await asked.getByLabel(/^Model/).fill("demo");
  await asked.getByLabel(/^User/).fill(userId);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await asked.getByRole("status").filter({ hasText: "Not for ann" }).waitFor();
  await page.getByText("What would they have said of the trail?").click();
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByText(/3 would have gone otherwise/).waitFor();
  await chat(shared().url, { headers: { authorization: `Bearer ${secret}` } });
  await shared().settle();
  await page.getByRole("button", { name: "Changes of anns-calls" }).click();
  await page.getByRole("menuitem", { name: "Details" }).click();
  await dialog.getByRole("link", { name: "What it decided" }).click();
  await page.locator("[data-testid=loaded]").filter({ hasText: "1 of 1" }).waitFor();
  // Before it goes: what would have gone otherwise without it; nothing is asked but the reason.
  await to("/policies");
  const pick = async (verb: string) => {
    await page.getByRole("button", { name: "Changes of anns-calls" }).click();
    await page.getByRole("menuitem", { name: verb, exact: true }).click();
  };
  await pick("Delete");
  await tried.getByText(/: 1 would have gone otherwise, 4 as they did/).waitFor();
  assert.match(await tried.innerText(), /1: deny → n\/a/);
  assert.equal(await dialog.getByRole("button", { name: "Back" }).count(), 0);
  await dialog.getByRole("button", { name: "Close" }).click();
  // Switched off, or under another name: the same, less the one that is still there.
  await pick("Change");
  await dialog.getByRole("checkbox", { name: /^Enabled/ }).click();
  await review.click();
  await tried.getByText(/: 1 would have gone otherwise, 4 as they did/).waitFor();
});

test("credit is given with its reason, burns down, and is taken back; limits show what is used", async () => {
  const visited = visiting();
  const { page, to } = visited;
  const dialog = page.getByRole("dialog");
  const pick = async (verb: string) => {
    await page.getByRole("button", { name: "Changes of ann" }).click();
    await page.getByRole("menuitem", { name: verb, exact: true }).click();
  };
  await to("/credits");
  await pick("Give credit");
  await dialog.getByLabel(/^Amount/).fill("5000000");
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "Give credit" }).click();
  assert.equal(await dialog.count(), 1, "without a reason there is no grant");
  await dialog.getByLabel(/^Reason/).fill("Autumn");
  await dialog.getByRole("button", { name: "Give credit" }).click();
  await page.getByText("$5.00", { exact: true }).first().waitFor();
  const spent = (await shared().events("kind=inference"))
    .filter(({ user_id: id }) => id === userId)
    .reduce((sum, { cost_micros: micros }) => sum + (micros ?? 0), 0);
  assert.ok(spent > 0);
  await pick("Details");
  await dialog.getByRole("row").filter({ hasText: "Autumn" }).waitFor();
  await dialog.getByText(/^At this pace it lasts/).waitFor();
  const month = dialog.getByRole("row").filter({ hasText: "Cost per month" });
  assert.match(
    await month.innerText(),
    new RegExp(`\\$${(spent / 1e6).toFixed(4).replace(/0+$/, "")}\\d*\\s+no limit`),
  );
  await dialog.getByRole("button", { name: "Set limits" }).click();
  await dialog.getByLabel(/^Cost micros per month/).fill(String(spent * 2));
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "Set limits" }).click();
  await dialog.waitFor({ state: "hidden" });
  await pick("Details");
  await month.filter({ hasText: "50%" }).waitFor();
  assert.deepEqual(await visited.faults(), []);
  await dialog.getByRole("button", { name: "Take back" }).click();
  await dialog.getByLabel(/^Reason/).fill("Too early");
  await dialog.getByRole("button", { name: "Take back" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByText("used up", { exact: true }).waitFor();
  const told = await shared().events(`kind=admin&entity_id=${userId}&action=credit_*`);
  assert.deepEqual(
    told.map(({ action, justification }) => [action, justification]),
    [
      ["credit_granted", "Autumn"],
      ["credit_reversed", "Too early"],
    ],
  );
});
