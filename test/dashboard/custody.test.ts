// What is kept, proven, exported and erased, by hand in a browser; one server for all of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { chat } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { type Bucket, slowBucket } from "./slow-bucket.ts";
import { useBrowser, useDaybook, useVisit } from "./visit.ts";

useBrowser();

const vault = tempFolder();
let bucket: Bucket | null = null;
const shared = useDaybook(
  async (t) => {
    bucket = await slowBucket(t);
    const s3 = `{ bucket: far-away, endpoint: ${bucket.url}, path_style: true, access_key_id: a, secret_access_key: b }`;
    return { yaml: `export_targets: [{ name: vault, folder: ${vault} }, { name: far, s3: ${s3} }]` };
  },
  async ({ url }) => {
    for (let sent = 0; sent < 6; sent++) await chat(url, { model: sent < 4 ? "demo" : "nope" });
  },
);
const visited = useVisit(shared, { ownTime: true });

test("an export is made of a filter, and its file is what its SHA-256 says", async () => {
  const { page, to, soon, faults } = visited();
  const dialog = page.getByRole("dialog");
  await to("/?model=demo&since=0");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await dialog.getByRole("link", { name: /^In the background/ }).click();
  await soon(dialog.getByText("4 events now."));
  assert.match(await dialog.getByLabel(/^Filter/).inputValue(), /model:demo/);
  await dialog.getByLabel(/^Filter/).fill("model:demo since:1d x:");
  await dialog.getByRole("status").filter({ hasText: "x" }).waitFor();
  await dialog.getByLabel(/^Filter/).fill("model:demo since:1d");
  await dialog.getByLabel(/^Format/).selectOption("csv");
  assert.deepEqual(await faults(), []);
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "New export" }).click();
  const made = page.getByRole("region", { name: "Exports" }).locator("tbody tr").first();
  await soon(made.getByText("done", { exact: true }));
  const cells = await made.locator("td").allInnerTexts();
  assert.deepEqual([cells[0], cells[4]], ["csv", "4"]);
  await made.getByRole("button", { name: /^Changes of/ }).click();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "Download", exact: true }).click(),
  ]);
  const sha256 = createHash("sha256")
    .update(readFileSync(await file.path()))
    .digest("hex");
  assert.equal(await made.locator(`td[title="${sha256}"]`).count(), 1);
  await made.getByRole("button", { name: /^Changes of/ }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByText("There are no exports yet.").waitFor();
});

test("an export that is on its way is cancelled, and goes on from where it was", async () => {
  const { page, to, soon } = visited();
  const dialog = page.getByRole("dialog");
  await to("/exports");
  await page.getByRole("button", { name: "New export" }).click();
  await dialog.getByLabel(/^Filter/).fill("model:nope");
  await dialog.getByLabel(/^Target/).selectOption("far");
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "New export" }).click();
  const made = page.getByRole("region", { name: "Exports" }).locator("tbody tr").first();
  const pick = async (verb: string) => {
    await made.getByRole("button", { name: /^Changes of/ }).click();
    await page.getByRole("menuitem", { name: verb, exact: true }).click();
  };
  await made.getByText("running", { exact: true }).waitFor();
  await until(() => bucket?.asked() === 1);
  await pick("Cancel");
  await soon(made.getByText("cancelled", { exact: true }));
  assert.deepEqual(bucket?.kept(), []);
  bucket?.open();
  await pick("Go on");
  await soon(made.getByText("done", { exact: true }));
  assert.equal(await made.locator("td").nth(4).innerText(), "2");
  const [first = ""] = bucket?.kept() ?? [];
  assert.match(first, /^\/far-away\/.*\.jsonl$/);
  await pick("Remove");
  await page.getByText("There are no exports yet.").waitFor();
  await page.getByText("It is gone, with what it made.").waitFor();
});

test("a schedule is made, run, changed and ended, each with its event", async () => {
  const daybook = shared();
  const { page, to, soon } = visited();
  const dialog = page.getByRole("dialog");
  const row = page.getByRole("region", { name: "Schedules" }).locator("tbody tr").first();
  const pick = async (verb: string) => {
    await row.getByRole("button", { name: "Changes of nightly" }).click();
    await page.getByRole("menuitem", { name: verb, exact: true }).click();
  };
  await to("/exports");
  await page.getByRole("button", { name: "New schedule" }).click();
  await dialog.getByLabel(/^Name/).fill("nightly");
  await dialog.getByLabel(/^Filter/).fill("model:demo");
  await dialog.getByLabel(/^Target/).selectOption("vault");
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByRole("button", { name: "New schedule" }).click();
  await row.getByText("none yet").waitFor();
  await pick("Run now");
  await soon(row.getByText("well", { exact: true }));
  assert.equal(readdirSync(vault).filter((name) => /^nightly-.*\.jsonl\.zst$/.test(name)).length, 1);
  await pick("Change");
  await dialog.getByLabel(/^Keep/).fill("7");
  await dialog.getByRole("button", { name: "Review" }).click();
  assert.deepEqual(await dialog.locator("tbody tr").allInnerTexts(), ["Keep\tnone\t7"]);
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await row.getByText("the last 7").waitFor();
  await pick("Delete");
  await dialog.getByLabel(/^Justification/).fill("Done with");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText(/^There are no schedules\./).waitFor();
  const told = await daybook.events("entity_type=export_schedule");
  assert.deepEqual(
    told.map(({ action, justification }) => [action, justification]),
    [
      ["export_schedule_created", null],
      ["export_schedule_changed", null],
      ["export_schedule_deleted", "Done with"],
    ],
  );
});

test("a person is erased after a look at what it comes to, and not while a hold stands against it", async () => {
  const daybook = shared();
  const { page, to, soon, faults } = visited();
  const dialog = page.getByRole("dialog");
  const { json } = await daybook.ask("/admin/users", {
    method: "POST",
    body: { name: "ann", role: "viewer" },
  });
  const { id } = json as { id: string };
  const key = await daybook.ask("/admin/api-keys", { method: "POST", body: { name: "k", user_id: id } });
  const { secret } = key.json as { secret: string };
  for (let sent = 0; sent < 3; sent++)
    await chat(daybook.url, { headers: { authorization: `Bearer ${secret}` } });
  await daybook.settle();
  await to("/holds");
  await page.getByRole("button", { name: "New hold" }).click();
  await dialog.getByLabel(/^Filter/).fill(`user_id:${id} kind:inference`);
  await soon(dialog.getByText("3 events now."));
  await dialog.getByRole("button", { name: "Review" }).click();
  await dialog.getByLabel(/^Justification/).fill("Case 7");
  await dialog.getByRole("button", { name: "New hold" }).click();
  await page.getByRole("link", { name: new RegExp(`user_id:${id}`) }).waitFor();
  const review = async () => {
    await to("/erasures");
    await page.getByRole("button", { name: "Erase a person" }).click();
    await dialog.getByLabel(/^User/).fill("ann");
    await dialog.getByRole("button", { name: "Review" }).click();
  };
  const erase = dialog.getByRole("button", { name: "Erase a person" });
  await review();
  await dialog.getByRole("link", { name: /3 events are under a legal hold/ }).waitFor();
  await dialog.getByLabel(/to confirm/).fill("ann");
  assert.ok(await erase.isDisabled(), "held");
  await to("/holds");
  await page.getByRole("button", { name: /^Changes of/ }).click();
  await page.getByRole("menuitem", { name: "Release" }).click();
  await dialog.getByLabel(/^Justification/).fill("Closed");
  await dialog.getByRole("button", { name: "Release" }).click();
  await page.getByText("released", { exact: true }).waitFor();
  await review();
  await dialog.getByText(/events would lose what is personal/).waitFor();
  assert.ok(await erase.isDisabled(), "nothing typed");
  await dialog.getByLabel(/to confirm/).fill("anne");
  assert.ok(await erase.isDisabled(), "somebody else typed");
  await dialog.getByLabel(/to confirm/).fill("ann");
  assert.deepEqual(await faults(), []);
  await dialog.getByLabel(/^Justification/).fill("Asked for");
  await erase.click();
  await soon(page.getByText("finished", { exact: true }));
  assert.deepEqual(await daybook.events(`user_id=${id}`), []);
});

test("retention says how long, and what has gone", async () => {
  const daybook = shared();
  const { page, to } = visited();
  const gone = { node: "0123456789abcdef", from_seq: 1, to_seq: 9, because: "age", inference: 5, mcp: 2 };
  await daybook.server.recorder.system("pruned", gone);
  await daybook.settle();
  await to("/retention");
  const kinds = page.getByRole("table", { name: "Days by kind" });
  assert.match(
    await kinds.getByRole("row").filter({ hasText: "inference" }).innerText(),
    /inference\s+30\s+open/,
  );
  assert.match(await kinds.getByRole("row").filter({ hasText: "admin" }).innerText(), /admin\s+365\s+strict/);
  const run = page.getByRole("table", { name: /^Runs of retention/ }).locator("tbody tr");
  assert.match(await run.innerText(), /age\s+7\s+inference 5, mcp 2/);
  await run.getByRole("link").click();
  await page.getByRole("complementary", { name: "Event", exact: true }).getByText("pruned").first().waitFor();
});

test("who looked, exported and changed is counted, and each number leads to its events", async () => {
  const daybook = shared();
  const { page, to } = visited();
  const policy = { name: "p", effect: "warn", match: { kind: "mcp" } };
  await daybook.ask("/admin/policies", { method: "POST", body: policy });
  await daybook.settle();
  await to("/watch?since=24h");
  const changed = page.getByRole("region", { name: "Changed something" });
  await changed.getByRole("link", { name: "policy_created" }).click();
  await page.locator("[data-testid=loaded]").filter({ hasText: "1 of 1" }).waitFor();
  await to("/watch");
  for (const name of ["Looked", "Took copies", "Signed in and out"])
    await page.getByRole("region", { name }).locator("li a").first().waitFor();
});

test("the trail is verified from here, in words, and so is that it was changed", async () => {
  const daybook = shared();
  const { page, to, soon } = visited();
  const dialog = page.getByRole("dialog");
  const row = page.getByRole("region", { name: "Verifications" }).locator("tbody tr").first();
  const verify = async () => {
    await to("/evidence");
    await page.getByText("Nothing outside knows these logs").waitFor();
    await page.getByRole("button", { name: "Verify now" }).click();
    await dialog.getByRole("button", { name: "Review" }).click();
    await dialog.getByRole("button", { name: "Verify now" }).click();
    await dialog.waitFor({ state: "hidden" });
  };
  await verify();
  await soon(row.getByText(/^(VALID|VALID_ERASED|UNSEALED_TAIL\(\d+\))$/));
  const [{ event_id: id = "" } = {}] = await daybook.events("kind=inference&model=nope");
  await until(async () => (await daybook.ask(`/admin/evidence/proofs/${id}`)).status === 200);
  await page.getByLabel("The proof of an event").fill(id);
  const [proof] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("region", { name: "Proof of an event" }).getByRole("button", { name: "Download" }).click(),
  ]);
  assert.match(readFileSync(await proof.path(), "utf8"), /"format"/);
  const store = new DatabaseSync(join(daybook.home, "events.db"), { timeout: 5000 });
  store.exec("UPDATE events SET duration_ms = duration_ms + 1");
  store.close();
  await verify();
  await soon(row.getByText("TAMPERED", { exact: true }));
  await row.getByRole("button", { name: /^Changes of/ }).click();
  await page.getByRole("menuitem", { name: "Details" }).click();
  await dialog.getByText("Something is not what was sealed.").waitFor();
  await dialog.getByText(/^Not proven:.*the end of a log was not cut off/).waitFor();
});
