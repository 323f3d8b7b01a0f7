// Formatting, lint and import walls (Biome), types (tsc; svelte-check for the dashboard), unused files, exports and
// dependencies (knip).
import { spawnSync } from "node:child_process";

const checks = [
  ["biome", "check", "--error-on-warnings", "."],
  ["tsc", "--noEmit", "-p", "tsconfig.json"],
  ["npm", "run", "--silent", "check", "--workspace", "dashboard"],
  ["knip"],
];

let failed = 0;
for (const [command, ...args] of checks) {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  process.stdout.write(`${status === 0 ? "ok    " : "FAILED"} ${command} ${args.join(" ")}\n`);
  if (status !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;
