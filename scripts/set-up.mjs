// Makes a fresh clone ready to run: installs the packages that package-lock.json names, the right Node
// among them, and with --dashboard builds the dashboard. Runs on any Node the machine has, so it uses nothing newer than Node 18 and no package.
// Repeats nothing while nothing has changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildDashboard } from "./build-dashboard.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const quiet = process.argv.includes("--quiet");

function say(text) {
  if (!quiet) process.stderr.write(`${text}\n`);
}

/** Installs `folder`'s locked packages unless the stamp says that this very lock file is installed. */
function install(folder, what) {
  const lock = createHash("sha256")
    .update(readFileSync(`${folder}package-lock.json`))
    .digest("hex");
  const stamp = `${folder}node_modules/.daybook-lock`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say(`Installing ${what} …`);
  // Not `npm ci`: it refuses a lock file without the optional packages of platforms that a registry does not carry.
  // With --no-save the locked versions are installed all the same, and the lock file stays as it is.
  const { status, error } = spawnSync(
    "npm",
    ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: folder,
      stdio: ["ignore", 2, 2],
    },
  );
  if (error || status !== 0) {
    process.stderr.write(
      `\nCannot install ${what}${error ? `: ${error.message}` : ""}.\n` +
        "Check that npm reaches its registry, then run the same command again.\n",
    );
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

install(root, "packages");
if (process.argv.includes("--test") && existsSync(`${root}test/engines/package.json`)) {
  install(`${root}test/engines/`, "test engines");
}
if (process.argv.includes("--bench")) {
  for (const peer of ["portkey", "portkey-streaming"])
    install(`${root}bench/engines/${peer}/`, `the peer ${peer}`);
}
if (process.argv.includes("--dashboard") && !buildDashboard(root, say)) {
  process.stderr.write(
    "\nCannot build the dashboard. Run the same command again; if that does not help, remove node_modules first.\n",
  );
  process.exit(1);
}
