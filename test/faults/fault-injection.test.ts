// A fault at every single file operation of a scripted run, one run each. After it the journal is opened on a
// healthy disk, held to all it acknowledged, and goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { JournalProcess } from "./journal-process.ts";
import { goOn, scriptedRun } from "./scripted-run.ts";
import {
  type FaultKind,
  KilledError,
  type Operation,
  type OperationKind,
  SimulatedDisk,
} from "./simulated-disk.ts";

const FAULTS: readonly FaultKind[] = ["EIO", "ENOSPC", "short", "kill", "torn"];

/** What a journal cannot do without: each kind must have been made to fail. */
const KINDS: readonly OperationKind[] = [
  "list",
  "read",
  "openRead",
  "create",
  "reopen",
  "append",
  "sync",
  "close",
  "rename",
  "remove",
  "syncFolder",
];
/** Measured: the script's call sites × the faults that each can have. */
const FEWEST_CASES = 1390;

function healthyTrace(): Operation[] {
  const process = new JournalProcess(new SimulatedDisk());
  scriptedRun(process);
  assert.equal(process.refused, 0);
  return process.disk.trace;
}

/** Runs the script with the fault at operation `at`, then what comes after. */
function runWith(fault: FaultKind, at: number, evictFailed: boolean): JournalProcess {
  const process = new JournalProcess(new SimulatedDisk());
  process.disk.inject({ fault, at });
  try {
    scriptedRun(process);
  } catch (error) {
    if (!(error instanceof KilledError)) throw error;
  }
  assert.equal(process.disk.faultsLeft, 0, "the fault did not happen");
  process.kill({ evictFailed });
  goOn(process);
  return process;
}

interface Case {
  readonly name: string;
  readonly operation: Operation;
  /** What was wrong afterwards; null: nothing. */
  readonly broken: string | null;
  /** Commits that the disk refused. */
  readonly refused: number;
}

function runCase(operation: Operation, at: number, fault: FaultKind, evictFailed: boolean): Case {
  const name = `${fault} at operation ${at}, ${operation.kind} ${operation.path}`;
  try {
    const { disk, refused } = runWith(fault, at, evictFailed);
    return { name, operation, broken: disk.misuses[0] ?? null, refused };
  } catch (error) {
    return { name, operation, broken: (error as Error).message, refused: 0 };
  }
}

const cases = healthyTrace().flatMap((operation, index) =>
  FAULTS.filter((fault) => operation.kind === "append" || (fault !== "short" && fault !== "torn")).flatMap(
    (fault) =>
      // What failed to be written may leave the page cache before the next process reads it.
      (operation.kind === "sync" ? [false, true] : [false]).map((evictFailed) =>
        runCase(operation, index + 1, fault, evictFailed),
      ),
  ),
);

test("whichever file operation fails or kills, the next start finds all that was acknowledged, once", (_t) => {
  const broken = cases.filter((one) => one.broken !== null);
  assert.deepEqual(
    broken.map((one) => `${one.name}: ${one.broken}`),
    [],
  );
});

test("a write or sync that fails once is no refused commit: it is written again in a new segment", (_t) => {
  const refused = cases.filter((one) => one.refused > 0);
  assert.deepEqual(
    refused.map((one) => one.name),
    [],
  );
});

test("every kind of file operation was made to fail, and no case has vanished", (_t) => {
  const kinds = new Set(cases.map(({ operation }) => operation.kind));
  assert.deepEqual(
    KINDS.filter((kind) => !kinds.has(kind)),
    [],
  );
  assert.ok(cases.length >= FEWEST_CASES, `${cases.length} cases`);
});
