// kill -9 under load, many times: `npm run kill-cycles -- [cycles] [seed]`. Prints what it found, with commit and seed.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KillCycles } from "../test/faults/kill-cycles.ts";

const cycles = Number(process.argv[2] ?? 500);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"]).toString().trim();
process.stdout.write(`commit ${commit}, seed ${seed}, Node ${process.versions.node}\n`);

for (const mode of ["open", "strict"] as const) {
  const home = mkdtempSync(join(tmpdir(), "daybook-kill-"));
  const onCycle = (cycle: number) => {
    if (cycle % 10 === 0) process.stderr.write(`\r${mode}: ${cycle} of ${cycles}`);
  };
  const report = await new KillCycles({ home, mode, cycles, seed, longStreams: 4, onCycle }).run();
  process.stderr.write("\r");
  process.stdout.write(`${mode}: ${JSON.stringify(report)}\n`);
  rmSync(home, { recursive: true });
}
