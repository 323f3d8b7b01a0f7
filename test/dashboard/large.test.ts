// What only a large trail shows: an export of two hundred thousand events, and more live ones than are kept.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Traffic } from "../../bench/traffic.ts";
import { COLUMN } from "../../src/event/fields.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { idsInView, loaded, recorded } from "./traffic.ts";
import { useBrowser, useDaybook, useVisit } from "./visit.ts";

const EVENTS = 200_000;
const BATCH = 20_000;
/** Live events are kept up to 22,000; then all but the newest 20,000 become a part of the list. */
const BURST = 22_400;
const home = tempFolder();
const stored = new Set<string>();

useBrowser();

/** Straight into the store, as another node's log. */
async function fill(): Promise<void> {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const traffic = new Traffic({ stepMs: 20 });
  while (stored.size < EVENTS) {
    const batch = traffic.next(BATCH);
    await store.append(batch);
    for (const { row } of batch.events) stored.add(String(row[COLUMN.event_id]));
  }
  await store.close();
}

const shared = useDaybook(async () => {
  await fill();
  return { home, yaml: "audit: { retention_days: { inference: 3650 } }" };
});
const visited = useVisit(shared);

test("two hundred thousand events are exported: each line, once, as its event says, with progress meanwhile", async () => {
  const { page, to } = visited();
  const dialog = page.getByRole("dialog");
  // Exports give way to everything else on a busy machine.
  page.setDefaultTimeout(120_000);
  await to("/?kind=inference&since=0");
  await loaded(visited(), "of 200,000");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await dialog.getByText("200,000 events: all").waitFor();
  await dialog.getByLabel(/^csv/).click();
  await page.evaluate(`(() => {
    window.seen = [];
    const progress = document.querySelector("[data-testid=progress]");
    new MutationObserver(() => seen.push(progress.textContent)).observe(progress, { subtree: true, childList: true, characterData: true });
  })()`);
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Download" }).click(),
  ]);
  const bytes = readFileSync(await file.path());
  await page
    .locator("[data-testid=progress]")
    .filter({ hasText: /^Done: [\d.]+ MiB\.$/ })
    .waitFor();
  const seen = await page.evaluate<string[]>("seen");
  assert.ok(new Set(seen.filter((text) => text.endsWith("so far …"))).size > 10, seen.join("; "));
  const [head = "", ...lines] = bytes.toString("latin1").trim().split("\r\n");
  assert.equal(lines.length, EVENTS);
  const at = head.split(",").indexOf("event_id");
  const ids = new Set(lines.map((line) => line.split(",")[at] ?? ""));
  assert.deepEqual([ids.size, ids.difference(stored).size], [EVENTS, 0]);
  // What an export should be when it is whole is said once: here, in the trailers, and in the manifest of a job.
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const [exported] = await shared().events("include=system&action=exported");
  assert.deepEqual(JSON.parse(exported?.metadata ?? ""), {
    format: "csv",
    compression: "none",
    filters: "kind,since",
    rows: EVENTS,
    bytes: bytes.length,
    sha256,
  });
});

/** So many events live, as they are recorded; their ids, newest first. */
const burst = async (count: number) => (await recorded(shared(), count, "ring")).reverse();

test("live events that are too many to keep become a part of the list: what is read stays, and none is missed", async () => {
  const { page, to } = visited();
  const grid = page.locator("[data-testid=events]");
  const rowcount = async () => Number(await grid.getAttribute("aria-rowcount")) - 1;
  const old = await burst(60);
  await to("/?model=ring&live=1");
  await loaded(visited(), "60 of 60");
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  await grid.focus();
  await page.keyboard.press("PageDown");
  await page.keyboard.press("PageDown");
  const paused = page.getByRole("button", { name: /^Paused · / });
  await paused.waitFor();
  const before = await idsInView(visited());
  const ids = [...(await burst(BURST)), ...old];
  const waiting = async () => Number(/([\d,]+) new/.exec(await paused.innerText())?.[1]?.replaceAll(",", ""));
  await until(async () => (await waiting()) + (await rowcount()) === ids.length);
  const kept = await waiting();
  assert.ok(kept >= 20_000 && kept < BURST, `${kept} wait`);
  await until(async () => String(await idsInView(visited())) === String(before));
  const isRead = (from: number) =>
    until(async () => {
      const inView = await idsInView(visited());
      return inView.length > 10 && inView.every((id, at) => id === ids[from + at]);
    });
  await page.keyboard.press("Home");
  await isRead(kept);
  await page.keyboard.press("l");
  await until(async () => (await rowcount()) === ids.length);
  await isRead(0);
  // Where those that are kept end and the others begin.
  await grid.evaluate((element) => {
    element.scrollTop = (element.scrollHeight / 22_460) * 19_990;
  });
  await until(async () => {
    const [first] = await idsInView(visited());
    const from = ids.indexOf(first ?? "");
    return from > 19_900 && from < 20_000;
  });
  await isRead(ids.indexOf((await idsInView(visited()))[0] ?? ""));
});
