// Faults in the kernel's own answers: `npm run strace-faults -- [most per call]`. A process that records runs under
// strace, which lets the n-th write, fdatasync, openat, rename, unlink or close of its data folder fail (EIO, ENOSPC)
// or kills it there; then the next start must find everything that was durable, once.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COLUMN } from "../src/event/fields.ts";
import { realFiles } from "../src/journal/files.ts";
import { Journal } from "../src/journal/journal.ts";
import { listSegments, readSegment } from "../src/journal/segments.ts";
import { listSlots, trySlot } from "../src/journal/slot.ts";

const CHILD = fileURLToPath(new URL("../test/faults/recording-process.ts", import.meta.url));
const CALLS = ["write", "fdatasync", "openat", "close", "fsync"];
const FAULTS = ["error=EIO", "error=ENOSPC", "signal=KILL"];
const RUN_MS = 1500;
const most = Number(process.argv[2] ?? 12);

if (spawnSync("strace", ["-o", "/dev/null", "true"]).status !== 0) {
  process.stdout.write("skipped: strace does not run here\n");
  process.exit(0);
}

/** Runs a recording process with one fault; the request ids that it said are durable. */
function run(home: string, call: string, fault: string, at: number): string[] {
  const inject = `inject=${call}:${fault}:when=${at}`;
  // Only what touches the journal's folder counts.
  const folder = join(home, "nodes", "0", "journal");
  const { stdout } = spawnSync(
    "strace",
    [
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-P",
      folder,
      "-P",
      join(folder, "0000000000000001.journal"),
      "-e",
      `trace=${call}`,
      "-e",
      inject,
      process.execPath,
      CHILD,
      home,
      `sqlite:${join(home, "events.db")}`,
      "record",
      String(RUN_MS),
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  return String(stdout).split("\n").slice(0, -1);
}

/** Starts the journals again and counts each request id in them. */
function recover(home: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const number of listSlots(home)) {
    const slot = trySlot(home, number);
    if (slot === null) throw new Error(`slot ${number} is held by a process that should be dead`);
    Journal.open({
      files: realFiles,
      folder: slot.journalFolder,
      nodeId: slot.nodeId,
      now: Date.now,
    }).close();
    const segments = listSegments(realFiles, slot.journalFolder);
    for (const [index, { path }] of segments.entries()) {
      for (const { finishes } of readSegment(realFiles, path, segments[index + 1]?.firstLsn).commits) {
        for (const { row } of finishes) {
          const id = String(row[COLUMN.request_id]);
          counts.set(id, (counts.get(id) ?? 0) + 1);
        }
      }
    }
    slot.release();
  }
  return counts;
}

let cases = 0;
let durable = 0;
for (const call of CALLS) {
  for (const fault of FAULTS) {
    for (let at = 1; at <= most; at++) {
      const home = mkdtempSync(join(tmpdir(), "daybook-strace-"));
      const said = run(home, call, fault, at);
      const counts = recover(home);
      const wrong = said.filter((id) => counts.get(id) !== 1);
      if (wrong.length > 0)
        throw new Error(`${call} ${fault} at ${at}: ${wrong.length} durable events are missing or doubled`);
      cases++;
      durable += said.length;
      rmSync(home, { recursive: true });
      if (process.stderr.isTTY) process.stderr.write(`\r${cases} cases`);
    }
  }
}
process.stdout.write(`${cases} cases, ${durable} durable events: none missing, none doubled\n`);
