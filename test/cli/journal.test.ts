import assert from "node:assert/strict";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { CommanderError } from "commander";
import { journalCommand } from "../../src/cli/journal.ts";
import type { DaybookError } from "../../src/event/errors.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { chatRow, T0 } from "../support/facts.ts";
import { commitsIn, openJournal, segmentFiles } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";
import { runCommand } from "./written.ts";

function run(home: string, args: readonly string[], isTTY = false) {
  const surroundings = { env: { DAYBOOK_HOME: home }, cwd: home, homedir: home, now: () => T0 + 1000 };
  return runCommand((screens) => journalCommand({ ...surroundings, ...screens }), args, isTTY);
}

/** A data folder whose process died with one request open; three events are recorded. */
function abandoned(): { home: string; folder: string; nodeId: string } {
  const home = tempFolder();
  const slot = takeSlot(home);
  const journal = openJournal(slot.journalFolder, { nodeId: slot.nodeId });
  journal.commit([
    ["finish", chatRow(1)],
    ["finish", chatRow(2)],
    ["begin", chatRow(9, {}, null)],
  ]);
  journal.commit([["finish", chatRow(3)]]);
  slot.release();
  return { home, folder: slot.journalFolder, nodeId: slot.nodeId };
}

async function stored(home: string) {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "read");
  const { events } = await store.query({ where: {}, limit: 100, includeSystem: true });
  const positions = await store.positions();
  await store.close();
  return { seqs: events.map(({ seq }) => seq).reverse(), last: events[0]?.action, positions };
}

function spoilCommit(folder: string): void {
  const path = join(folder, segmentFiles(folder)[0] ?? "");
  const bytes = readFileSync(path);
  bytes[bytes.indexOf('"b"')] = 0;
  writeFileSync(path, bytes);
}

test("inspect shows every slot's segments, and ends with 0 when none is damaged", async () => {
  const { home, nodeId } = abandoned();
  const { out, err, code } = await run(home, ["inspect"]);
  assert.equal(code, undefined);
  assert.equal(err, "1 segment, none is damaged.\n");
  assert.match(out, /^good {2}.*0000000000000001\.journal {2}/);
  for (const said of [
    `node ${nodeId}`,
    "LSN 1–6, seq 1–3, 2 commits",
    "1 open",
    "every Merkle root verifies",
  ])
    assert.ok(out.includes(said), said);
});

test("inspect ends with 1 when a commit is spoilt, and says which bytes, LSNs and seqs are gone", async () => {
  const { home, folder } = abandoned();
  spoilCommit(folder);
  const { out, err, code } = await run(home, ["inspect"]);
  assert.deepEqual([code, err], [1, "1 segment, 1 damaged.\n"]);
  assert.match(out, /at byte \d+: [\d,]+ bad bytes; missing LSN 1–4, seq 1–2\n/);
});

test("inspect --json tells the same to programs, one object a line", async () => {
  const { home, folder } = abandoned();
  appendFileSync(join(folder, segmentFiles(folder)[0] ?? ""), "DAY");
  const { out } = await run(home, ["inspect", "--json", "--records", folder]);
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map(({ type, record }) => record ?? type),
    ["finish", "finish", "begin", "commit", "finish", "commit", "segment"],
  );
  const { torn_bytes, is_damaged, roots, seqs } = lines.at(-1) ?? {};
  assert.deepEqual([torn_bytes, is_damaged, roots, seqs], [3, false, "verified", { first: 1, last: 3 }]);
  assert.ok(!out.includes("user-"), "public fields only");
});

test("inspect changes nothing, and takes files and a slot's folder", async () => {
  const { home, folder } = abandoned();
  const file = join(folder, segmentFiles(folder)[0] ?? "");
  const before = [readFileSync(file, "hex"), statSync(file).mtimeMs];
  const { out } = await run(home, ["inspect", "nodes/0", file]);
  assert.equal(out.match(/^good/gm)?.length, 2);
  assert.deepEqual([readFileSync(file, "hex"), statSync(file).mtimeMs], before);
});

test("inspect shows on a terminal how far it is, apart from the answer", async () => {
  const home = tempFolder();
  const slot = takeSlot(home);
  const journal = openJournal(slot.journalFolder, { nodeId: slot.nodeId, segmentBytes: 1 });
  for (let n = 1; n <= 3; n++) journal.commit([["finish", chatRow(n)]]);
  slot.release();
  const { out, err } = await run(home, ["inspect"], true);
  assert.match(err, /0\/3 segments/);
  assert.ok(!out.includes("segments,"));
});

test("a path that is not there is a wrong command", async () => {
  await assert.rejects(run(tempFolder(), ["inspect", "nowhere"]), (error: DaybookError) => {
    assert.deepEqual([error.code, /nowhere \(ENOENT\)/.test(error.message)], ["bad_argument", true]);
    return true;
  });
});

test("ship recovers the journal and brings all of it into the store, once", async () => {
  const { home, folder, nodeId } = abandoned();
  const first = await run(home, ["ship"]);
  assert.equal(first.code, undefined);
  const { seqs, last, positions } = await stored(home);
  assert.deepEqual([seqs, last], [[1, 2, 3, 4, 5], "unclean_stop"]);
  const root = commitsIn(folder).at(-1)?.root;
  assert.deepEqual(positions, [{ nodeId, seq: 5, root }]);
  assert.equal(
    first.out,
    `1 request without an end recorded as interrupted.\nSlot 0, node ${nodeId}: 5 events shipped; the store is at 5 of 5, root ${root}.\n`,
  );
  const again = await run(home, ["ship"]);
  assert.match(again.out, /^Slot 0, node \w+: 0 events shipped; the store is at 5 of 5, root/);
  assert.deepEqual((await stored(home)).seqs, [1, 2, 3, 4, 5]);
  takeSlot(home).release();
});

test("ship leaves a slot alone that a process holds, and says who", async () => {
  const { home, folder } = abandoned();
  const before = segmentFiles(folder);
  const slot = takeSlot(home);
  await assert.rejects(run(home, ["ship"]), (error: DaybookError) => {
    assert.equal(error.code, "folder_in_use");
    assert.match(error.message, new RegExp(`slot 0 of ${home} belongs to process ${process.pid}`));
    return true;
  });
  assert.deepEqual(segmentFiles(folder), before);
  assert.throws(() => statSync(join(home, "nodes", "1")), { code: "ENOENT" });
  slot.release();
});

test("ship takes the slot that it is told, while a server holds another", async () => {
  const { home, nodeId } = abandoned();
  const own = takeSlot(home);
  const other = takeSlot(home);
  const journal = openJournal(other.journalFolder, { nodeId: other.nodeId });
  journal.commit([["finish", chatRow(5)]]);
  journal.close();
  other.release();
  const { out } = await run(home, ["ship", "--slot", "1"]);
  assert.match(out, new RegExp(`^Slot 1, node ${other.nodeId}: 1 event shipped; the store is at 1 of 1`));
  assert.ok(!(await stored(home)).positions.some((position) => position.nodeId === nodeId));
  own.release();
});

test("ship sends what a retired slot holds, and writes nothing to it", async () => {
  const { home, folder } = abandoned();
  const slot = takeSlot(home);
  slot.retire("damaged");
  slot.release();
  const before = segmentFiles(folder).map((name) => readFileSync(join(folder, name), "hex"));
  const { out, code } = await run(home, ["ship"]);
  assert.match(out, /^Slot 0, node \w+: 3 events shipped; the store is at 3 of 3/);
  assert.equal(code, undefined);
  assert.deepEqual(
    segmentFiles(folder).map((name) => readFileSync(join(folder, name), "hex")),
    before,
  );
});

test("ship does not pass over events that are lost: recording the loss is for a server", async () => {
  const { home, folder } = abandoned();
  const slot = takeSlot(home);
  slot.retire("damaged");
  slot.release();
  spoilCommit(folder);
  const { err, code } = await run(home, ["ship"]);
  assert.equal(code, 1);
  assert.match(
    err,
    /^Not everything was shipped: events 1 to 2 cannot be read any more \(damaged\)\. Start Daybook/m,
  );
  assert.deepEqual((await stored(home)).seqs, []);
});

test("ship refuses a journal that recovery finds damaged, and names the command that looks into it", async () => {
  const { home, folder } = abandoned();
  spoilCommit(folder);
  await assert.rejects(run(home, ["ship"]), (error: DaybookError) => {
    assert.deepEqual(
      [error.code, /`daybook journal inspect`/.test(error.message)],
      ["journal_corrupt", true],
    );
    return true;
  });
  takeSlot(home).release();
});

test("ship makes no slot that is not there", async () => {
  const { home } = abandoned();
  await assert.rejects(run(home, ["ship", "--slot", "7"]), { code: "bad_argument" });
  assert.throws(() => statSync(join(home, "nodes", "7")), { code: "ENOENT" });
});

test("ship says so when the store has another history, and changes neither", async () => {
  const { home, nodeId } = abandoned();
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const position = { nodeId, seq: 2, root: "ab".repeat(32) };
  await store.append({ nodeId, events: [], from: null, to: position });
  await store.close();
  const { err, code } = await run(home, ["ship"]);
  assert.equal(code, 1);
  assert.match(err, /^Not everything was shipped: the store holds another history of this node\./m);
  assert.deepEqual((await stored(home)).positions, [position]);
});

test("a wrong option of a subcommand is a wrong command", async () => {
  for (const args of [
    ["ship", "--slot", "x"],
    ["inspect", "--jsn"],
  ]) {
    const make = () => {
      const command = journalCommand({
        env: {},
        cwd: "/",
        homedir: "/",
        out: process.stdout,
        err: process.stderr,
        now: () => T0,
      });
      for (const sub of command.commands) sub.configureOutput({ writeErr: () => {} });
      return command;
    };
    await assert.rejects(runCommand(make, args), (error: CommanderError) => error.exitCode === 1);
  }
});

test("docs/reference/cli.md has every option of the subcommands", async () => {
  const text = await readFile(new URL("../../docs/reference/cli.md", import.meta.url), "utf8");
  const command = journalCommand({
    env: {},
    cwd: "/",
    homedir: "/",
    out: process.stdout,
    err: process.stderr,
    now: () => T0,
  });
  for (const subcommand of command.commands) {
    const [, rest = ""] = text.split(`### \`daybook journal ${subcommand.name()}`);
    const section = rest.split(/^##/m)[0] ?? "";
    for (const { long } of subcommand.options)
      assert.ok(section.includes(`\`${long}`), `${subcommand.name()} ${long}`);
  }
});
