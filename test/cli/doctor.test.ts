import assert from "node:assert/strict";
import { hash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Finding, Machine } from "../../src/cli/doctor/check.ts";
import { judgeFileSystem } from "../../src/cli/doctor/folder.ts";
import { thisMachine } from "../../src/cli/doctor/machine.ts";
import { isAtLeast } from "../../src/cli/doctor/programs.ts";
import { judgeClock, judgeRoom } from "../../src/cli/doctor/room-and-time.ts";
import { doctorCommand } from "../../src/cli/doctor.ts";
import { openDatabase } from "../../src/control/database.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { ADMIN_TOKEN, API_KEY, chat, startDaybook } from "../support/daybook.ts";
import { chatRow, T0 } from "../support/facts.ts";
import { openJournal, segmentFiles } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";
import { runCommand } from "./written.ts";

const LATER = T0 + 60_000;

interface Examination {
  readonly args?: readonly string[];
  readonly machine?: Partial<Machine>;
  readonly env?: Readonly<Record<string, string>>;
}

/** What doctor says of `home`, by check. */
async function examine(home: string, { args = [], machine = {}, env = {} }: Examination = {}) {
  const { out, code } = await runCommand(
    (screens) =>
      doctorCommand({
        env: { DAYBOOK_HOME: home, ...env },
        cwd: home,
        homedir: home,
        machine: { ...thisMachine, now: () => LATER, ...machine },
        ...screens,
      }),
    ["--json", ...args],
  );
  const findings = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Finding);
  return { findings, code, of: (check: string) => findings.filter((finding) => finding.check === check) };
}

/** But for the warning that there is no anchor: these tests have none. */
const wrongIn = (findings: readonly Finding[]) =>
  findings.filter(({ check, verdict }) => verdict !== "ok" && check !== "anchors");

/** A data folder as a server leaves it: two events recorded and shipped, closed in order. */
async function atRest(): Promise<{ home: string; folder: string; nodeId: string }> {
  const home = tempFolder();
  const slot = takeSlot(home);
  const { journalFolder: folder, nodeId } = slot;
  const journal = openJournal(folder, { nodeId });
  journal.commit([
    ["finish", chatRow(1)],
    ["finish", chatRow(2)],
  ]);
  journal.close();
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const root = journal.root;
  await store.append({ nodeId, events: [], from: null, to: { nodeId, seq: 2, root } });
  await store.close();
  openDatabase(join(home, "control.db")).close();
  slot.release();
  return { home, folder, nodeId };
}

/** Names and modes of everything in a folder, bytes and times of its files. */
function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const stats = statSync(path);
      const file = stats.isFile() ? `${stats.mtimeMs} ${hash("sha256", readFileSync(path))}` : "";
      return `${name} ${stats.mode} ${file}`;
    });
}

test("a folder at rest is well, and is left as it was", async () => {
  const { home } = await atRest();
  const before = stateOf(home);
  const { findings, code } = await examine(home, { args: ["--deep"] });
  assert.deepEqual(wrongIn(findings), []);
  assert.equal(code, undefined);
  assert.deepEqual(
    findings.map(({ check }) => check),
    [
      "node",
      "sqlite",
      "configuration",
      "folder",
      "permissions",
      "file system",
      "room",
      "clock",
      "slot 0",
      "journal 0",
      "store",
      "control.db",
      "anchors",
    ],
  );
  assert.deepEqual(stateOf(home), before);
});

test("before the first start nothing is wrong, and nothing is made", async () => {
  const home = join(tempFolder(), "none");
  const { findings, code, of } = await examine(home, { env: { HOME: "/" } });
  assert.deepEqual([wrongIn(findings).map(({ check }) => check), code], [["folder"], undefined]);
  assert.equal(of("folder")[0]?.verdict, "warn");
  assert.throws(() => statSync(home), { code: "ENOENT" });
});

test("a running server is not disturbed, and none of its secrets or users are told", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await daybook.settle();
  const machine = { now: Date.now };
  chmodSync(join(daybook.home, "daybook.yaml"), 0o600);
  const { findings, of } = await examine(daybook.home, { args: ["--deep"], machine });
  assert.deepEqual(wrongIn(findings), []);
  assert.match(of("slot 0")[0]?.found ?? "", new RegExp(`held by process ${process.pid}$`));
  const text = JSON.stringify(findings);
  for (const secret of [ADMIN_TOKEN, API_KEY, "127.0.0.1"]) assert.ok(!text.includes(secret), secret);
  assert.equal((await chat(daybook.url)).status, 200);
  assert.ok((await daybook.events()).length >= 2);
});

test("people get a line for each check, with the remedy", async () => {
  const { home } = await atRest();
  chmodSync(join(home, "control.db"), 0o640);
  const { out, code } = await runCommand(
    (screens) =>
      doctorCommand({
        env: { DAYBOOK_HOME: home },
        cwd: home,
        homedir: home,
        machine: thisMachine,
        ...screens,
      }),
    [],
  );
  assert.equal(code, 1);
  assert.ok(
    out.includes(`\nfail  permissions    other users may use control.db. Run: chmod -R go-rwx '${home}'\n`),
  );
  assert.match(out, /^ok {4}node {11}version 24\./);
});

test("a configuration that cannot be used fails, and the other checks go on", async () => {
  const { home } = await atRest();
  writeFileSync(join(home, "daybook.yaml"), "listne: 127.0.0.1:1\n", { mode: 0o600 });
  const { of, code } = await examine(home);
  const [configuration] = of("configuration");
  assert.deepEqual([configuration?.verdict, code], ["fail", 1]);
  assert.match(configuration?.found ?? "", /did you mean listen|listne/);
  assert.equal(of("store")[0]?.verdict, "ok");
});

test("a process that died leaves a warning, with what it left behind and the command that ships it", async () => {
  const { home, folder, nodeId } = await atRest();
  const journal = openJournal(folder, { nodeId });
  journal.commit([
    ["finish", chatRow(3)],
    ["begin", chatRow(4, {}, null)],
  ]);
  const { of, code } = await examine(home);
  assert.deepEqual(
    of("journal 0").map(({ verdict, found }) => [verdict, found]),
    [
      ["warn", "not closed in order; 1 request without an end"],
      ["warn", "1 event not in the store yet"],
    ],
  );
  assert.match(of("journal 0")[1]?.remedy ?? "", /`daybook journal ship --slot 0`/);
  assert.equal(code, undefined);
});

test("a log that has ended for good need not be closed in order", async () => {
  const { home, folder, nodeId } = await atRest();
  openJournal(folder, { nodeId }).commit([["begin", chatRow(4, {}, null)]]);
  const slot = takeSlot(home);
  slot.retire("damaged");
  slot.release();
  const { of } = await examine(home);
  assert.match(of("slot 0")[0]?.found ?? "", /free, its log has ended for good$/);
  assert.deepEqual(wrongIn(of("journal 0")), []);
});

test("events that neither store nor journal has any more fail", async () => {
  const { home, folder, nodeId } = await atRest();
  const journal = openJournal(folder, { nodeId, segmentBytes: 1 });
  journal.commit([["finish", chatRow(3)]]);
  journal.commit([["finish", chatRow(4)]]);
  journal.close();
  for (const name of segmentFiles(folder).slice(0, 2)) rmSync(join(folder, name));
  const [finding] = (await examine(home)).of("journal 0");
  assert.deepEqual(
    [finding?.verdict, finding?.found],
    ["fail", "the store has no events after seq 2, and the journal none before 4"],
  );
});

test("a store that does not keep up with a running server is a warning once it is late", async () => {
  const { home, folder, nodeId } = await atRest();
  const slot = takeSlot(home);
  openJournal(folder, { nodeId }).commit([["finish", chatRow(3)]]);
  const at = async (ms: number) => (await examine(home, { machine: { now: () => T0 + ms } })).of("journal 0");
  assert.equal((await at(10_000))[0]?.verdict, "ok");
  assert.deepEqual(
    (await at(10_001)).map(({ verdict, found }) => [verdict, found]),
    [["warn", "1 event not in the store yet"]],
  );
  slot.release();
});

test("damage in a segment fails, and names the command that looks into it", async () => {
  const { home, folder } = await atRest();
  const path = join(folder, segmentFiles(folder)[0] ?? "");
  const bytes = readFileSync(path);
  bytes[bytes.indexOf('"f"')] = 0;
  writeFileSync(path, bytes);
  const { of, code } = await examine(home);
  const [journal] = of("journal 0");
  assert.deepEqual([journal?.verdict, journal?.found, code], ["fail", "1 segment of 1 damaged", 1]);
  assert.match(journal?.remedy ?? "", /`daybook journal inspect`/);
});

test("another node's segment fails", async () => {
  const { home, folder } = await atRest();
  writeFileSync(join(folder, "..", "node.json"), '{"format":1,"node_id":"ffffffffffffffff"}');
  const { of } = await examine(home);
  assert.ok(
    of("journal 0").some(({ verdict, found }) => verdict === "fail" && /belongs to node/.test(found)),
  );
});

test("a store with another history, or one beyond the journal, fails", async () => {
  for (const [seq, said] of [
    [1, /another history/],
    [9, /at seq 9, which this journal does not have \(its last is 2\)/],
  ] as const) {
    const { home, nodeId } = await atRest();
    const db = new DatabaseSync(join(home, "events.db"));
    db.prepare("UPDATE positions SET seq = ?, root = ? WHERE node_id = ?").run(seq, "ab".repeat(32), nodeId);
    db.close();
    const [journal] = (await examine(home)).of("journal 0");
    assert.equal(journal?.verdict, "fail");
    assert.match(journal?.found ?? "", said);
  }
});

test("what a newer Daybook wrote fails, wherever it is", async () => {
  const { home, folder } = await atRest();
  for (const name of ["events.db", "control.db"]) {
    const db = new DatabaseSync(join(home, name));
    db.exec("PRAGMA user_version = 99");
    db.close();
  }
  writeFileSync(join(folder, "..", "node.json"), '{"format":2}');
  const { findings, code } = await examine(home);
  const newer = findings.filter(({ found }) => /was written by a newer Daybook$/.test(found));
  assert.deepEqual([newer.map(({ check }) => check), code], [["slot 0", "store", "control.db"], 1]);
  assert.ok(newer.every(({ verdict }) => verdict === "fail"));
});

test("a database that is none fails, a store that is gone is a warning", async () => {
  const { home } = await atRest();
  renameSync(join(home, "events.db"), join(home, "elsewhere.db"));
  writeFileSync(join(home, "control.db"), "not a database ".repeat(100));
  const { of } = await examine(home);
  assert.deepEqual([of("store")[0]?.verdict, of("control.db")[0]?.verdict], ["warn", "fail"]);
  assert.match(of("control.db")[0]?.found ?? "", /SQLite error 26/);
});

test("a database that lost its WAL mode fails", async () => {
  const { home } = await atRest();
  const db = new DatabaseSync(join(home, "control.db"));
  db.exec("PRAGMA journal_mode = DELETE");
  db.close();
  const [control] = (await examine(home)).of("control.db");
  assert.deepEqual([control?.verdict, control?.found], ["fail", "journal_mode is delete, not wal"]);
});

test("admin changes that wait for the journal are counted", async () => {
  const { home } = await atRest();
  const db = openDatabase(join(home, "control.db"));
  db.prepare("INSERT INTO outbox (facts, created_at) VALUES ('{}', ?)").run(T0);
  db.close();
  const [control] = (await examine(home)).of("control.db");
  assert.deepEqual([control?.verdict, control?.found], ["warn", "1 admin change on the way to the journal"]);
  const slot = takeSlot(home);
  assert.equal((await examine(home)).of("control.db")[0]?.verdict, "ok");
  slot.release();
});

test("--deep finds pages that are spoilt", async () => {
  const { home } = await atRest();
  const file = join(home, "control.db");
  const db = new DatabaseSync(file);
  const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'settings'").get()?.rootpage;
  const { page_size: size } = db.prepare("PRAGMA page_size").get() ?? {};
  db.close();
  const bytes = readFileSync(file);
  bytes.fill(0xee, (Number(page) - 1) * Number(size), Number(page) * Number(size));
  writeFileSync(file, bytes);
  assert.equal((await examine(home)).of("control.db")[0]?.verdict, "ok");
  const [control] = (await examine(home, { args: ["--deep"] })).of("control.db");
  assert.equal(control?.verdict, "fail");
});

test("--deep shows its steps on a terminal, and nothing in a pipe", async () => {
  const { home } = await atRest();
  const steps = async (isTTY: boolean) =>
    (
      await runCommand(
        (screens) =>
          doctorCommand({
            env: { DAYBOOK_HOME: home },
            cwd: home,
            homedir: home,
            machine: thisMachine,
            ...screens,
          }),
        ["--deep"],
        isTTY,
      )
    ).err;
  assert.match(await steps(true), /store: table \d+ of \d+, events …/);
  assert.equal(await steps(false), "");
});

test("other file systems than a disk's are told by their number", () => {
  const verdict = (type: number, platform: NodeJS.Platform = "linux") => {
    const { verdict } = judgeFileSystem("/data", type, platform);
    return verdict;
  };
  assert.equal(verdict(0xef53), "ok");
  assert.equal(verdict(0x6969), "fail");
  // CIFS, as a signed field gives it.
  assert.equal(verdict(0xff534d42 | 0), "fail");
  assert.equal(verdict(0x65735546), "warn");
  assert.equal(verdict(0x6969, "darwin"), "ok");
});

test("the network's file system is found where the store is, not only where the folder is", async () => {
  const { home } = await atRest();
  const elsewhere = join(home, "elsewhere");
  mkdirSync(elsewhere, { mode: 0o700 });
  const fileSystem = (path: string) => ({
    ...thisMachine.fileSystem(path),
    type: path === elsewhere ? 0x6969 : 0xef53,
  });
  const env = { DAYBOOK_STORE: `sqlite:${join(elsewhere, "events.db")}` };
  const { of } = await examine(home, { machine: { fileSystem }, env });
  assert.deepEqual(
    of("file system").map(({ verdict }) => verdict),
    ["ok", "fail"],
  );
});

test("room is judged against the reserve, 1 GiB, and what the journal may still grow", () => {
  const MIB = 1024 * 1024;
  const judge = (freeMib: number, journalMib: number, maxMb = 1024) =>
    judgeRoom({ freeBytes: freeMib * MIB, journalBytes: journalMib * MIB, maxMb, reserveMb: 32 }).map(
      ({ verdict }) => verdict,
    );
  assert.deepEqual(judge(2048, 10), ["ok"]);
  assert.deepEqual(judge(1023, 10), ["warn"]);
  assert.deepEqual(judge(31, 10), ["fail"]);
  assert.deepEqual(judge(2048, 10, 4096), ["warn"]);
  assert.deepEqual(judge(2048, 3000, 4096), ["ok"]);
  assert.deepEqual(judge(2048, 1000), ["warn"]);
  assert.deepEqual(judge(31, 1000), ["fail", "warn"]);
});

test("a clock before the newest commit, before 2026, or set meanwhile is told with how far", () => {
  const said = (now: number, newestCommitAt: number | null, stepMs = 0) =>
    judgeClock({ now, newestCommitAt, stepMs }).map(({ verdict, found }) => `${verdict} ${found}`);
  assert.deepEqual(said(T0, T0 + 1000), ["ok 2026-01-02T03:04:05.678Z"]);
  assert.deepEqual(said(T0, T0 + 7_200_000), ["warn it is 2 h before the newest commit"]);
  assert.deepEqual(said(0, null), ["warn it is 1970-01-01T00:00:00.000Z, before Daybook was made"]);
  assert.deepEqual(said(T0, null, -5000), ["warn it was set back by 5 s just now"]);
  assert.deepEqual(said(T0, null, 1001), ["warn it was set forward by 1 s just now"]);
});

test("a clock that is set while doctor looks is seen against the monotonic one", async () => {
  const { home } = await atRest();
  const times = [LATER, LATER + 3_600_000];
  const now = () => (times.length > 1 ? (times.shift() ?? 0) : (times[0] ?? 0));
  const [clock] = (await examine(home, { machine: { now, monotonic: () => 5 } })).of("clock");
  assert.equal(clock?.found, "it was set forward by 60 min just now");
});

test("versions are compared as numbers", () => {
  assert.ok(isAtLeast("24.15.0", "24.15.0"));
  assert.ok(isAtLeast("25.0.0-nightly", "24.15.0"));
  assert.ok(isAtLeast("3.100.0", "3.51.3"));
  assert.ok(!isAtLeast("24.9.9", "24.15.0"));
  assert.ok(!isAtLeast("3.51.2", "3.51.3"));
});

test("too old a Node or SQLite fails", async () => {
  const machine = { nodeVersion: "22.1.0", sqliteVersion: "3.51.2" };
  const { of } = await examine((await atRest()).home, { machine });
  assert.deepEqual([of("node")[0]?.verdict, of("sqlite")[0]?.verdict], ["fail", "fail"]);
});
