// A fault at every single file operation of a sealer's scripted run, one run each, and power losses between any two of
// them. Whatever happened, what a checkpoint covers is there, the next sealer goes on, and no size was signed twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampledChoices, seededRandom } from "./choices.ts";
import { SealedJournal, SealingProcess } from "./sealing-process.ts";
import {
  type Fault,
  type FaultKind,
  KilledError,
  type Operation,
  type OperationKind,
} from "./simulated-disk.ts";

const FAULTS: readonly FaultKind[] = ["EIO", "ENOSPC", "short", "kill", "torn"];
/** What a sealer cannot do without: each kind must have been made to fail. */
const KINDS: readonly OperationKind[] = [
  "list",
  "read",
  "create",
  "append",
  "sync",
  "close",
  "rename",
  "remove",
  "removeFolder",
  "makeFolder",
  "syncFolder",
];
/** Measured: the script's call sites × the faults that each can have. */
const FEWEST_CASES = 560;
const POWER_LOSSES = 2;

const journal = new SealedJournal(300);

/** One life of a sealer in which everything happens once, a level of tiles that fills up included. */
const STEPS: readonly ((process: SealingProcess) => void)[] = [
  (process) => process.start(),
  (process) => process.record(20),
  (process) => process.seal(),
  (process) => process.record(40),
  (process) => process.seal(),
  (process) => process.seal(),
  (process) => process.kill(),
  (process) => process.start(),
  (process) => process.record(200),
  (process) => process.seal(),
  (process) => process.changeKey(),
  (process) => process.record(20),
  (process) => process.seal(),
  (process) => process.record(20),
  (process) => process.seal(),
];

/** Runs it; false: the process was killed. */
function live(process: SealingProcess): boolean {
  try {
    for (const step of STEPS) step(process);
    return true;
  } catch (error) {
    if (!(error instanceof KilledError)) throw error;
    return false;
  }
}

/** What is so at every moment; then the next process seals all that is recorded. */
async function goOn(process: SealingProcess, what: string): Promise<void> {
  const found = await process.verdict();
  assert.ok(found === "VALID" || found === "NOT_SEALED", `${what}: found ${found}`);
  process.kill();
  process.start();
  process.seal();
  assert.ok(process.isLevel, `${what}: not sealed`);
  assert.equal(await process.verdict(), "VALID", what);
  assert.deepEqual([process.signedTwice, process.disk.misuses], [[], []], what);
}

function healthyTrace(): Operation[] {
  const process = new SealingProcess(journal);
  assert.equal(live(process), true);
  assert.ok(process.isLevel);
  return process.disk.trace;
}

const trace = healthyTrace();

const cases = trace.flatMap(({ kind, path }, index) =>
  FAULTS.filter((fault) => kind === "append" || (fault !== "short" && fault !== "torn")).map(
    (fault): Fault & { readonly name: string } => ({
      fault,
      at: index + 1,
      name: `${fault} at operation ${index + 1}, ${kind} ${path}`,
    }),
  ),
);

test("whichever file operation of the sealer fails or kills, what is sealed stays, and the rest is sealed later", async () => {
  for (const { name, ...fault } of cases) {
    const process = new SealingProcess(journal);
    process.disk.inject(fault);
    const isAlive = live(process);
    assert.equal(process.disk.faultsLeft, 0, `${name}: the fault did not happen`);
    if (isAlive) assert.ok(process.isLevel, `${name}: an error of the disk outlived its thread`);
    await goOn(process, name);
  }
});

test("a checkpoint that a power loss leaves has all of its tiles, wherever the power goes", async () => {
  const random = seededRandom(7);
  for (let at = 1; at <= trace.length; at++) {
    const process = new SealingProcess(journal);
    process.disk.inject({ fault: "kill", at });
    live(process);
    for (let n = 0; n < POWER_LOSSES; n++) {
      const next = process.afterPowerLoss(process.disk.afterPowerLoss(sampledChoices(random)));
      await goOn(next, `without power at operation ${at}, ${n}`);
    }
  }
});

test("a disk that is full stops the sealing alone: what is sealed stays so, and space ends it", async () => {
  const process = new SealingProcess(journal);
  for (const step of STEPS.slice(0, 5)) step(process);
  const before = process.disk.read("/checkpoint");
  process.record(20);
  for (let at = 1; at < 100; at++) process.disk.inject({ fault: "ENOSPC", at, of: "append" });
  for (let n = 0; n < 3; n++) process.seal();
  assert.deepEqual(process.disk.read("/checkpoint"), before);
  assert.equal(await process.verdict(), "VALID");
  await goOn(process, "with space again");
});

test("every kind of file operation was made to fail, and no case has vanished", () => {
  const kinds = new Set(trace.map(({ kind }) => kind));
  assert.deepEqual(
    KINDS.filter((kind) => !kinds.has(kind)),
    [],
  );
  assert.ok(cases.length >= FEWEST_CASES, `${cases.length} cases`);
});
