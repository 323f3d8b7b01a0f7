// Time as people see it: a stretch chosen in the histogram is the one that is asked for and shown, in every zone, also
// when clocks change within it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../src/stores/open-store.ts";
import { NodeLog } from "../support/events.ts";
import { tempFolder } from "../support/temp.ts";
import { loaded, rows } from "./traffic.ts";
import { useBrowser, useDaybook, visit } from "./visit.ts";

const HOUR_MS = 3_600_000;
const NEW_YORK = "America/New_York";
const ZONES = ["UTC", "Asia/Kolkata", NEW_YORK] as const;
/** When New York last set its clocks back, so that an hour came twice. */
const change = lastChange();
/** An event every half hour, for half a day before and after. */
const times = Array.from({ length: 48 }, (_, at) => change - 12 * HOUR_MS + at * (HOUR_MS / 2));
const home = tempFolder();

useBrowser();

async function storedAround(): Promise<void> {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const log = new NodeLog("00000000000000c2");
  const same = { kind: "inference", action: "chat", model: "timed", status: "success", count: 1 } as const;
  await store.append(
    log.next(times.length, (seq) => {
      const at = times[seq - 1] ?? 0;
      return { ...same, recorded_at: at, timestamp: at };
    }),
  );
  await store.close();
}

const shared = useDaybook(async () => {
  await storedAround();
  return { home, yaml: "audit: { retention_days: { inference: 365 } }\n" };
});

/** `-04:00` of New York in summer. */
function offsetOf(zone: string, at: number): string {
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(
    at,
  );
  const text = parts.find(({ type }) => type === "timeZoneName")?.value.slice(3) ?? "";
  return (text === "" ? "+00:00" : text).replace("-", "−");
}

/** `2026-11-01 01:30` by the clocks of `zone`. */
function clock(zone: string, at: number): string {
  const format = new Intl.DateTimeFormat("sv", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  return format.format(at);
}

function lastChange(): number {
  for (let at = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 13 * HOUR_MS; ; at -= HOUR_MS)
    if (offsetOf(NEW_YORK, at) === "−05:00" && offsetOf(NEW_YORK, at - 1) === "−04:00") return at;
}

for (const zone of ZONES)
  test(`a stretch is chosen by dragging and by keys, and is shown by the clocks of ${zone}, which change in it`, async (t) => {
    const visited = await visit(t, shared(), { zone });
    const { page } = visited;
    const iso = (at: number) => new Date(at).toISOString();
    const [from, to] = [change - 12 * HOUR_MS, change + 12 * HOUR_MS - 1];
    await visited.to(`/?model=timed&since=${iso(from)}&until=${iso(to)}`);
    await loaded(visited, "48 of 48");
    const chart = page.locator("[data-testid=histogram]");
    await chart.waitFor();
    // Its ends and its zone, by the zone's own clocks.
    const caption = (await page.locator("figcaption").innerText()).split("\n").map((text) => text.trim());
    assert.equal(caption[0], clock(zone, from));
    assert.equal(caption.at(-1), clock(zone, to));
    const named =
      zone === "UTC"
        ? "UTC"
        : await page.evaluate<string>("Intl.DateTimeFormat().resolvedOptions().timeZone");
    assert.ok(caption.includes(`${named} (UTC${offsetOf(zone, to)})`), caption.join());
    // Each row by the clock of its own moment: in New York half past one comes twice, with another offset.
    const near = [change - HOUR_MS / 2, change + HOUR_MS / 2];
    for (const at of near) {
      const row = rows(visited)
        .locator(`a[title^="${iso(at)}"]`)
        .first();
      await page.locator("[data-testid=events]").focus();
      for (let moves = 0; (await row.count()) === 0 && moves < 5; moves++)
        await page.keyboard.press("PageDown");
      assert.equal((await row.innerText()).slice(0, 16), clock(zone, at));
      assert.ok((await row.getAttribute("title"))?.includes(`(UTC${offsetOf(zone, at)})`));
    }
    const isTwice = clock(zone, near[0] ?? 0) === clock(zone, near[1] ?? 0);
    assert.equal(isTwice, zone === NEW_YORK);

    const chosen = async () => {
      await page.waitForURL((url) => (url.searchParams.get("since") ?? iso(from)) !== iso(from));
      const { searchParams } = new URL(page.url());
      const [since = 0, until = 0] = ["since", "until"].map((name) =>
        Date.parse(searchParams.get(name) ?? ""),
      );
      const inside = times.filter((at) => at >= since && at <= until).length;
      await loaded(visited, `${inside} of ${inside}`);
      const label = `${clock(zone, since)} – ${clock(zone, until)}`;
      await page.getByRole("button", { name: label }).waitFor();
      return { since, until, inside };
    };
    const box = (await chart.boundingBox()) ?? assert.fail();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 20, { steps: 4 });
    await page.mouse.up();
    const dragged = await chosen();
    // Around the change, to the width of a bar.
    const bar = 24 * HOUR_MS * 0.025;
    assert.ok(Math.abs(dragged.since - (from + 24 * HOUR_MS * 0.4)) <= bar, iso(dragged.since));
    assert.ok(Math.abs(dragged.until - (from + 24 * HOUR_MS * 0.6)) <= bar, iso(dragged.until));
    assert.ok(dragged.since < change && change < dragged.until && dragged.inside >= 8);
    await page.goBack();
    await loaded(visited, "48 of 48");
    await chart.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    for (let moves = 0; moves < 3; moves++) await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Enter");
    const pressed = await chosen();
    assert.ok(pressed.until < change && pressed.until > pressed.since);
  });
