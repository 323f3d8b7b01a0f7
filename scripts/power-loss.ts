// Power losses at every operation of a journal's life: `node scripts/power-loss.ts [states] [seed]`. Prints what it
// found, with commit and seed; fails when anything was lost, changed or kept the journal from starting.
import { execFileSync } from "node:child_process";
import { PowerLoss } from "../test/faults/power-loss.ts";

const states = Number(process.argv[2] ?? 5000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"]).toString().trim();

const report = new PowerLoss({ states, seed }).run();
process.stdout.write(
  `commit ${commit}, seed ${seed}, Node ${process.versions.node}\n` +
    `${report.states} states after ${report.prefixes} prefixes (${report.exhausted} of them exhausted): ` +
    `${report.lost} lost, ${report.corrupt} corrupt, ${report.refused} starts refused\n`,
);
for (const example of report.examples) process.stdout.write(`${example}\n`);
process.exitCode = report.examples.length === 0 ? 0 : 1;
