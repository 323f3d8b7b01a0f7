// Power losses at every operation of a scripted run: the states that the disk may be found in, each started from and
// held to what was acknowledged. Lives with a kill, a power loss or a refused operation before them too: what one
// start takes over from the page cache must be as durable after it as what it writes itself.
import { type Random, sampledChoices, seededRandom } from "./choices.ts";
import { JournalProcess } from "./journal-process.ts";
import { type Breach, BrokenPromise } from "./ledger.ts";
import { goOn, scriptedRun } from "./scripted-run.ts";
import { type Fault, KilledError, SimulatedDisk } from "./simulated-disk.ts";

export interface PowerLossReport {
  states: number;
  /** Prefixes of the trace; all of them were tried. */
  prefixes: number;
  /** Prefixes of which every possible state was tried. */
  exhausted: number;
  lost: number;
  corrupt: number;
  refused: number;
  /** What was wrong, where: the first few. */
  readonly examples: string[];
}

/** A life up to the moment that the power goes. */
interface Life {
  readonly process: JournalProcess;
  readonly name: string;
}

export class PowerLoss {
  readonly report: PowerLossReport = {
    states: 0,
    prefixes: 0,
    exhausted: 0,
    lost: 0,
    corrupt: 0,
    refused: 0,
    examples: [],
  };
  readonly #random: Random;
  readonly #wanted: number;

  constructor({ states, seed }: { states: number; seed: number }) {
    this.#wanted = states;
    this.#random = seededRandom(seed);
  }

  run(): PowerLossReport {
    const trace = liveUntil([]).process.disk.trace.length;
    const perPrefix = Math.ceil(this.#wanted / 2 / (trace + 1));
    for (let at = 1; at <= trace + 1; at++) {
      this.report.prefixes++;
      const life = liveUntil([{ fault: "kill", at }]);
      const { exhaustive, disks } = life.process.disk.powerLossStates(perPrefix, this.#random);
      if (exhaustive) this.report.exhausted++;
      for (const disk of disks) this.#lose(life, disk);
    }
    while (this.report.states < this.#wanted) this.#loseInAnotherLife(trace);
    return this.report;
  }

  /** Something happens first, the process is started again where it must be, and the power goes later. */
  #loseInAnotherLife(trace: number): void {
    const first = 1 + this.#random(trace);
    const then = 1 + this.#random(40);
    const seed = this.#random(2 ** 31);
    const lives = [
      () => liveTwice({ fault: "kill", at: first }, then),
      () => liveTwice({ fault: "torn", at: 1 + (first % 30), of: "append" }, then),
      () => liveTwice({ fault: "kill", at: first }, then, seed),
      () =>
        liveUntil([
          { fault: "EIO", at: first },
          { fault: "kill", at: first + then },
        ]),
      () =>
        liveUntil([
          { fault: "short", at: first },
          { fault: "EIO", at: first + 1 + (then % 4) },
          { fault: "kill", at: first + then + 5 },
        ]),
      () =>
        liveUntil([
          { fault: "EIO", at: 1 + (first % 30), of: "sync" },
          { fault: "EIO", at: 2 + (first % 30), of: "sync" },
          { fault: "kill", at: first },
        ]),
    ];
    const life = lives[this.#random(lives.length)] ?? (() => liveUntil([]));
    this.#guard("before the power loss", () => {
      const lived = life();
      for (let state = 0; state < 3; state++)
        this.#lose(lived, lived.process.disk.afterPowerLoss(sampledChoices(this.#random)));
    });
  }

  #lose({ process, name }: Life, disk: SimulatedDisk): void {
    this.report.states++;
    this.#guard(name, () => goOn(process.afterPowerLoss(disk)));
  }

  #guard(name: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const breach: Breach = error instanceof BrokenPromise ? error.breach : "corrupt";
      this.report[breach]++;
      if (this.report.examples.length < 10) this.report.examples.push(`${name}: ${(error as Error).message}`);
    }
  }
}

/** The script with these faults, to its end or to the kill among them. */
function liveUntil(faults: readonly Fault[]): Life {
  const process = new JournalProcess(new SimulatedDisk());
  for (const fault of faults) process.disk.inject(fault);
  untilKilled(() => scriptedRun(process));
  return { process, name: JSON.stringify(faults) };
}

/** A first life that ends as `end` says (with `seed`: in a power loss), then another of `operations`. */
function liveTwice(end: Fault, operations: number, seed?: number): Life {
  let { process } = liveUntil([end]);
  if (seed === undefined) process.kill();
  else process = process.afterPowerLoss(process.disk.afterPowerLoss(sampledChoices(seededRandom(seed))));
  process.disk.inject({ fault: "kill", at: operations });
  untilKilled(() => goOn(process));
  const first = seed === undefined ? "killed" : `without power (${seed})`;
  return { process, name: `${first} at ${JSON.stringify(end)}, then after ${operations} operations` };
}

function untilKilled(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof KilledError)) throw error;
  }
}
