// One life of a journal in which everything happens once: begins, finishes, an abandon, segments that fill up, a
// clock that goes back, deaths within a commit and within a start, a close with and without open begins, segments
// that are retired.
import { eventId } from "../support/facts.ts";
import type { JournalProcess } from "./journal-process.ts";
import { KilledError } from "./simulated-disk.ts";

type Step = (process: JournalProcess) => void;

const several = (process: JournalProcess, count: number) =>
  Array.from({ length: count }, () => process.finish());

/** The process dies with half of its next append written (or of the `at`-th from now), and is started again. */
function die(process: JournalProcess, step: Step, at = 1): void {
  process.disk.inject({ fault: "torn", at, of: "append" });
  try {
    step(process);
  } catch (error) {
    if (!(error instanceof KilledError)) throw error;
  }
  restart(process);
}

function restart(process: JournalProcess): void {
  process.kill({ keepFaults: true });
  process.start();
}

/** Often enough to come to its third append. */
function restartAgainAndAgain(process: JournalProcess): void {
  for (let nth = 0; nth < 3; nth++) restart(process);
}

const STEPS: readonly Step[] = [
  (process) => process.start(),
  (process) => process.commit([process.begin(), process.begin(), process.begin()]),
  (process) => process.commit([process.finish(eventId(1)), process.finish()]),
  (process) => process.commit([["abandon", eventId(2)], process.begin()]),
  (process) => process.commit(several(process, 4)),
  (process) => process.commit([]),
  (process) => process.commit(several(process, 2)),
  (process) => {
    process.now -= 3_600_000;
    process.commit([process.finish()]);
  },
  (process) => process.commit([process.begin(), ...several(process, 3)]),
  (process) => [1, 2, 3].forEach((at) => void die(process, () => restartAgainAndAgain(process), at)),
  (process) => process.commit([process.begin()]),
  (process) => die(process, () => process.commit([process.begin(), process.finish()])),
  (process) => process.commit([process.finish(), process.begin()]),
  (process) => process.close(),
  (process) => process.start(),
  (process) => process.commit(several(process, 5)),
  (process) => process.commit([process.begin(), process.begin()]),
  (process) => process.retire(10, 3000),
  (process) => {
    const open = process.ledger.openIds;
    process.commit(open.map((id) => process.finish(id)));
  },
  (process) => process.close(),
  (process) => process.start(),
  (process) => process.commit([process.finish(), process.begin()]),
  (process) => process.commit(several(process, 3)),
];

/** Runs it on the process, which may die in any step: then a KilledError comes out. */
export function scriptedRun(process: JournalProcess): void {
  for (const step of STEPS) {
    step(process);
    // A disk that refused the close leaves the process to end without it.
    if (process.journal === null && process.disk.openDescriptors > 0) process.kill();
  }
}

/** What a process that was killed or lost its power does next: start, record, close, start again. */
export function goOn(process: JournalProcess): void {
  process.start();
  process.commit([process.begin(), ...several(process, 2)]);
  process.commit(process.ledger.openIds.map((id) => process.finish(id)));
  process.close();
  process.start();
}
