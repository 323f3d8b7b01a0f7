// Runs the tests (all, or those whose path contains an argument) and ends with the line "N passed, N failed".
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../test/", import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith(".test.ts") && !file.startsWith("engines"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .map((file) => folder + file)
  .sort();

let passed = 0;
let failed = 0;
const skipped = [];
const stream = run({ files, concurrency: availableParallelism(), timeout: 600_000 });
stream.on("test:pass", ({ name, skip, details }) => {
  if (details.type === "suite") return;
  if (skip) skipped.push(`${name}: ${skip}`);
  else passed++;
});
stream.on("test:fail", ({ details }) => {
  if (details.type !== "suite") failed++;
});
stream.compose(new spec()).pipe(process.stdout);
stream.on("end", () => {
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  process.on("exit", () => {
    for (const line of skipped) process.stdout.write(`skipped: ${line}\n`);
    process.stdout.write(
      `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}\n`,
    );
  });
});
