// Random lives of journal, shipper and store: `node scripts/journal-model.ts [runs] [seed]`. A life that breaks a
// promise is printed as small as it could be made: keep it in test/faults/kept-seeds.json.
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { live, lives } from "../test/faults/journal-model.ts";

const numRuns = Number(process.argv[2] ?? 20_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"]).toString().trim();
process.stdout.write(`commit ${commit}, seed ${seed}, Node ${process.versions.node}\n`);

const result = fc.check(fc.property(lives, live), { numRuns, seed });
if (result.failed) {
  const { numRuns: run, counterexample, errorInstance } = result;
  process.stdout.write(`run ${run}: ${errorInstance}\n${JSON.stringify(counterexample?.[0])}\n`);
  process.exitCode = 1;
} else process.stdout.write(`${numRuns} lives, no promise broken\n`);
