// Builds the dashboard, unless what it is made of is what the last build was made of: its own files, what they import of
// src/ (as that build noted it), and the versions of its packages. Plain JavaScript, as set-up.mjs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const OWN = ["package.json", "sources-plugin.ts", "tsconfig.json", "vite.config.ts", "src", "static"];

function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

function stampOf(root) {
  const noted = join(root, "dashboard/.svelte-kit/sources.json");
  const outside = existsSync(noted) ? JSON.parse(readFileSync(noted, "utf8")) : [];
  const files = [
    ...OWN.flatMap((name) => filesIn(join(root, "dashboard", name))),
    join(root, "package-lock.json"),
  ];
  const hash = createHash("sha256");
  for (const file of [...files, ...outside.map((name) => join(root, name))])
    hash.update(`${file.slice(root.length)}\0${existsSync(file) ? readFileSync(file, "utf8") : ""}\0`);
  return hash.digest("hex");
}

/** `root` ends in a slash. False: it could not be built, and what npm said is on stderr. */
export function buildDashboard(root, say) {
  const stamp = join(root, "dashboard/build/.stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === stampOf(root)) return true;
  say("Building the dashboard …");
  // The Node of the clone, also for what `npm run` starts.
  const path = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
  const { status, stdout } = spawnSync("npm", ["run", "build", "--workspace", "dashboard"], {
    cwd: root,
    env: { ...process.env, PATH: path },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status !== 0) {
    process.stderr.write(stdout);
    return false;
  }
  writeFileSync(stamp, stampOf(root));
  return true;
}
