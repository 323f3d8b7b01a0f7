// `npm run honest-histories [-- RUNS [SEED]]`: ten thousand generated histories (or RUNS) in which nobody does anything
// wrong. Exit code 1 when a verification raises an alarm; the shortest history that was found to raise it is printed.
import { manyHistories } from "../test/evidence/many-histories.ts";

const runs = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
process.stdout.write(`seed ${seed}, Node ${process.versions.node}\n`);
const { told, failure } = await manyHistories({ runs, seed });
process.stdout.write(
  failure === null ? `${runs} histories, no alarm: ${JSON.stringify(told)}\n` : `${failure}\n`,
);
process.exitCode = failure === null ? 0 : 1;
