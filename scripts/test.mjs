// Runs the tests (all, or those whose path contains an argument) and ends with the line "N passed, N failed". It
// ends whatever the tests do: past its time limit, and for what they left running, it kills and counts a failure.
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const TEST_LIMIT_MS = 300_000;
/** Longer than any test may take. A process that holds the output of a finished file keeps the run waiting. */
const SILENCE_LIMIT_MS = Number(process.env.DAYBOOK_TEST_SILENCE_MS ?? TEST_LIMIT_MS + 30_000);
const WHOLE_LIMIT_MS = 1_500_000;

const folder = fileURLToPath(new URL("../test/", import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith(".test.ts") && !file.startsWith("engines"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .map((file) => folder + file)
  .sort();

// Each file of tests is a process, which loads the same sources; compiled once, they take a third less of the time.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL("../node_modules/.cache/compiled/", import.meta.url),
);
// Whatever the tests start inherits this mark, by which it is found again, also when its parent is gone.
const mark = `DAYBOOK_TEST_RUN=${process.pid}-${Date.now()}`;
process.env.DAYBOOK_TEST_RUN = mark.slice(mark.indexOf("=") + 1);

/** Kills what this run started and is still there; the command lines. Linux only; elsewhere it finds nothing. */
function killLeftovers() {
  const killed = [];
  let ids = [];
  try {
    ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  } catch {
    return killed;
  }
  for (const id of ids) {
    try {
      if (!readFileSync(`/proc/${id}/environ`, "latin1").split("\0").includes(mark)) continue;
      const command = readFileSync(`/proc/${id}/cmdline`, "latin1").replaceAll("\0", " ").trim();
      process.kill(Number(id), "SIGKILL");
      killed.push(command);
    } catch {
      // It ended by itself, or is another user's.
    }
  }
  return killed;
}

let passed = 0;
let failed = 0;
const skipped = [];
/** Each file and how long it took, ms. */
const times = [];
/** Files that take as long are told at the end. */
const TOLD_MS = 5_000;
const problems = [];
function tellLeftovers() {
  problems.push(...killLeftovers().map((command) => `left running: ${command}`));
}

function finish() {
  tellLeftovers();
  failed += problems.length;
  for (const [file, ms] of times.filter(([, ms]) => ms >= TOLD_MS).toSorted(([, a], [, b]) => b - a))
    process.stdout.write(`${(ms / 1000).toFixed(1).padStart(6)} s ${file}\n`);
  for (const line of skipped) process.stdout.write(`skipped: ${line}\n`);
  for (const line of problems) process.stdout.write(`${line}\n`);
  process.stdout.write(
    `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}\n`,
  );
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

const stream = run({ files, concurrency: availableParallelism(), timeout: TEST_LIMIT_MS });
stream.on("test:pass", ({ name, skip, details }) => {
  if (details.type === "suite") return;
  if (skip) skipped.push(`${name}: ${skip}`);
  else passed++;
});
stream.on("test:fail", ({ details }) => {
  if (details.type !== "suite") failed++;
});
stream.on("test:summary", ({ file, duration_ms }) => {
  if (file !== undefined) times.push([file.replace(folder, ""), duration_ms]);
});
stream.compose(new spec()).pipe(process.stdout);
const silence = setTimeout(tellLeftovers, SILENCE_LIMIT_MS);
stream.on("data", () => silence.refresh());
const watchdog = setTimeout(() => {
  problems.push(`not finished within ${WHOLE_LIMIT_MS / 60_000} minutes`);
  finish();
  process.exit(1);
}, WHOLE_LIMIT_MS);
stream.on("end", () => {
  clearTimeout(watchdog);
  clearTimeout(silence);
  process.on("exit", finish);
});
