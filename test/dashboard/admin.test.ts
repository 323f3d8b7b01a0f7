// Administration: lists and changes, each with its difference, its reason and its event.
import assert from "node:assert/strict";
import { test } from "node:test";
import { useBrowser, useDaybook, useVisit } from "./visit.ts";

useBrowser();
// Each test leaves what the later ones do not mind.
const shared = useDaybook(() => ({}));
const visiting = useVisit(shared);

test("a user is made, changed and deleted; each change shows what differs and leads to its event", async () => {
  const daybook = shared();
  const visited = visiting();
  const { page } = visited;
  const dialog = page.getByRole("dialog");
  await visited.to("/users");
  await page.getByRole("button", { name: "New user" }).click();
  await dialog.getByLabel(/^Name/).fill("<b>ann</b>");
  await dialog.getByLabel(/^Role/).selectOption("viewer");
  await dialog.getByLabel(/^Password/).fill("correct horse battery");
  assert.deepEqual(await visited.faults(), []);
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByText("(a new secret)").waitFor();
  assert.doesNotMatch(await dialog.innerText(), /correct horse/);
  await dialog.getByRole("button", { name: "New user" }).click();
  await page.getByRole("link", { name: "<b>ann</b>" }).waitFor();
  await page.getByRole("button", { name: "Changes of <b>ann</b>" }).click();
  await page.getByRole("menuitem", { name: "Change", exact: true }).click();
  await dialog.getByLabel(/^Role/).selectOption("auditor");
  await dialog.getByRole("button", { name: "Review" }).click();
  assert.deepEqual(await dialog.locator("tbody tr").allInnerTexts(), ["Role\tviewer\tauditor"]);
  await dialog.getByLabel(/^Justification/).fill("New duties");
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Changes of <b>ann</b>" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await dialog.getByLabel(/^Justification/).fill("Left");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("There are no users yet.").waitFor();
  const events = await daybook.events("entity_type=user");
  assert.deepEqual(
    events.map(({ action, justification }) => [action, justification]),
    [
      ["user_created", null],
      ["user_updated", "New duties"],
      ["user_deleted", "Left"],
    ],
  );
  assert.deepEqual(JSON.parse(events[1]?.new_values ?? ""), { role: "auditor" });
});

test("what takes something away asks for a reason first", async () => {
  const { page, to } = visiting();
  const dialog = page.getByRole("dialog");
  await to("/keys");
  await page.getByRole("button", { name: /^Changes of/ }).click();
  await page.getByRole("menuitem", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  assert.equal(await dialog.count(), 1);
  await dialog.getByLabel(/^Justification/).fill("Leaked");
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("revoked", { exact: true }).waitFor();
});

test("a key says by name whose it is, and leads to what that user did", async () => {
  const daybook = shared();
  const user = await daybook.ask("/admin/users", { method: "POST", body: { name: "ann", role: "viewer" } });
  const { id } = user.json as { id: string };
  await daybook.ask("/admin/api-keys", { method: "POST", body: { name: "ci", user_id: id } });
  const { page, to } = visiting();
  await to("/keys");
  await page.getByRole("link", { name: "ann", exact: true }).click();
  await page.waitForURL((url) => url.searchParams.get("user_id") === id);
});

test("a key's secret is shown once, and works", async () => {
  const daybook = shared();
  const { page, to } = visiting();
  const dialog = page.getByRole("dialog");
  await to("/keys");
  await page.getByRole("button", { name: "New key" }).click();
  await dialog.getByLabel(/^Name/).fill("deploy");
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "New key" }).click();
  const secret = await dialog.locator("[data-testid=secret]").innerText();
  assert.equal((await daybook.ask("/v1/models", { token: secret })).status, 200);
  await dialog.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("link", { name: "deploy", exact: true }).waitFor();
});

test("a provider and a route are made with their lists; a route is found; a provider is tested", async () => {
  const visited = visiting();
  const { page } = visited;
  const dialog = page.getByRole("dialog");
  await visited.to("/providers");
  await page.getByRole("button", { name: "New provider" }).click();
  await dialog.getByLabel(/^Name/).fill("mine");
  await dialog.getByLabel(/^Backend type/).fill("simulated");
  assert.deepEqual(await visited.faults(), []);
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "New provider" }).click();
  await page.getByRole("button", { name: "Changes of mine" }).click();
  await page.getByRole("menuitem", { name: "Test" }).click();
  await page.getByText(/^mine answers, in/).waitFor();
  await visited.to("/routes");
  await page.getByRole("button", { name: "New route" }).click();
  await dialog.getByLabel(/^Model/).fill("house-*");
  await dialog
    .getByLabel(/^Provider/)
    .first()
    .fill("mine");
  await dialog.getByLabel(/^Upstream model/).fill("demo");
  await dialog.getByLabel(/^Prompt per million/).fill("1.5");
  await dialog.getByLabel(/^Completion per million/).fill("2");
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "New route" }).click();
  await page.getByText("$1.5 in, $2 out").waitFor();
  await page.getByLabel("Which route would this model take?").last().fill("house-cat");
  await page.getByRole("button", { name: "Find out" }).click();
  await page.getByText(/1\. mine/).waitFor();
  assert.deepEqual(await visited.faults(), []);
});

test("a list is read to its end, a page at a time, and filtered whole", async () => {
  const daybook = shared();
  const made = (n: number) =>
    daybook.ask("/admin/tokens", {
      method: "POST",
      body: { name: n === 0 ? "the needle" : `t${n}`, role: "viewer" },
    });
  await Promise.all(Array.from({ length: 130 }, (_, n) => made(n)));
  const { page, to } = visiting();
  await to("/tokens");
  await page.getByText("100 of 100 loaded so far").waitFor();
  await page.getByRole("button", { name: "Load more" }).click();
  await page.getByText("131 of 131", { exact: true }).waitFor();
  await to("/tokens");
  await page.getByLabel("Filter the list").fill("needle");
  await page.getByText("1 of 131", { exact: true }).waitFor();
});
