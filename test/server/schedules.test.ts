// Schedules of exports in a whole Daybook, with a target that can fail.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dueAfter } from "../../src/control/schedules.ts";
import { chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

type Json = Record<string, unknown>;
const PATH = "/admin/export-schedules";
const YEARLY = { name: "nightly", cron: "0 3 1 1 *", target: "archive", format: "jsonl" };

async function created(daybook: TestDaybook, more: Json = {}): Promise<string> {
  const { status, json, text } = await daybook.ask(PATH, { method: "POST", body: { ...YEARLY, ...more } });
  assert.equal(status, 201, text);
  return (json as Json).id as string;
}

async function schedule({ ask }: TestDaybook, id: string): Promise<Json> {
  const { json } = await ask(PATH);
  return (json as Json[]).find((each) => each.id === id) ?? assert.fail("no such schedule");
}

/** A run from its beginning to its end. */
async function run(daybook: TestDaybook, id: string): Promise<Json> {
  await daybook.settle();
  const { status, text } = await daybook.ask(`${PATH}/${id}/run`, { method: "POST", body: {} });
  assert.equal(status, 202, text);
  let now: Json = {};
  await until(async () => {
    now = await schedule(daybook, id);
    return now.running === false;
  });
  return now;
}

const files = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .sort();
const idsIn = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as Json).event_id);

test("each run has what no run before it had, and the last ones are kept", async (t) => {
  const folder = join(tempFolder(), "out");
  const daybook = await startDaybook(t, { yaml: `export_targets: [{ name: archive, folder: ${folder} }]\n` });
  const id = await created(daybook, { filter: "kind=inference", keep: 2 });
  const seen: unknown[] = [];
  for (const chats of [2, 0, 3]) {
    for (let made = 0; made < chats; made++) await chat(daybook.url);
    assert.equal((await run(daybook, id)).failed, null);
    const found = idsIn(join(folder, files(folder).at(-1) ?? ""));
    assert.equal(found.length, chats);
    seen.push(...found);
  }
  assert.equal(new Set(seen).size, 5);
  assert.equal(files(folder).length, 2);
  assert.equal(readdirSync(folder).length, 4);
});

test("a run that fails is in /readyz and an event, and the next one has what it should have had", async (t) => {
  const parent = tempFolder();
  const blocked = join(parent, "blocked");
  writeFileSync(blocked, "a file where a folder should be");
  const folder = join(blocked, "out");
  const daybook = await startDaybook(t, { yaml: `export_targets: [{ name: archive, folder: ${folder} }]\n` });
  await chat(daybook.url);
  const id = await created(daybook, { filter: "kind=inference" });
  assert.equal((await run(daybook, id)).failed, "export_failed");
  const { text } = await daybook.get("/readyz");
  assert.match(text, /nightly fails: export_failed/);
  assert.equal((await daybook.events("include=system&action=export_failed")).length, 1);
  rmSync(blocked);
  await chat(daybook.url);
  assert.equal((await run(daybook, id)).failed, null);
  assert.equal(idsIn(join(folder, files(folder)[0] ?? "")).length, 2);
  assert.doesNotMatch((await daybook.get("/readyz")).text, /nightly/);
});

test("what was due while no server ran is caught up by one run at the start", async (t) => {
  const folder = join(tempFolder(), "out");
  const home = tempFolder();
  const yaml = `export_targets: [{ name: archive, folder: ${folder} }]\n`;
  const before = await startDaybook(t, { home, yaml });
  await chat(before.url);
  await before.settle();
  const id = await created(before, { filter: "kind=inference" });
  await before.server.close(0);
  // It was made ten years ago: it has been due ten times since.
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(join(home, "control.db"));
  database.prepare("UPDATE export_schedules SET created_at = created_at - 315360000000").run();
  database.close();
  const daybook = await startDaybook(t, { home, yaml });
  await until(async () => {
    const { last_at, running } = await schedule(daybook, id);
    return last_at !== null && running === false;
  });
  assert.equal(files(folder).length, 1);
  assert.equal(idsIn(join(folder, files(folder)[0] ?? "")).length, 1);
  assert.ok(Date.parse(String((await schedule(daybook, id)).next_at)) > Date.now());
});

test("what would make every run fail is refused at once", async (t) => {
  const daybook = await startDaybook(t, { yaml: "export_targets: [{ name: archive, folder: ./out }]\n" });
  await created(daybook);
  for (const [more, status] of [
    [{}, 409],
    [{ name: "b", target: "elsewhere" }, 404],
    [{ name: "b", cron: "every day" }, 400],
    [{ name: "b", time_zone: "Mars/Base" }, 400],
    [{ name: "b", filter: "modle=x" }, 400],
    [{ name: "b", format: "parquet", compression: "gzip" }, 400],
  ] as const) {
    const { status: answered, text } = await daybook.ask(PATH, {
      method: "POST",
      body: { ...YEARLY, ...more },
    });
    assert.equal(answered, status, text);
  }
});

test("a schedule is due by its own time zone, in summer and winter", () => {
  const due = (from: string) =>
    new Date(dueAfter({ cron: "0 3 * * *", timeZone: "Europe/Berlin" }, Date.parse(from)) ?? 0);
  assert.equal(due("2026-01-10T00:00:00Z").toISOString(), "2026-01-10T02:00:00.000Z");
  assert.equal(due("2026-07-10T00:00:00Z").toISOString(), "2026-07-10T01:00:00.000Z");
});
