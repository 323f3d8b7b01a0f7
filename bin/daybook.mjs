#!/usr/bin/env node
// Starts the command line on a Node that can run it. Plain JavaScript: it must be readable by the very
// versions that it refuses.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 24 || (major === 24 && minor >= 15)) {
  const source = `${root}src/cli/main.ts`;
  const { main } = await import(existsSync(source) ? source : `${root}dist/cli/main.js`);
  await main(process.argv);
} else {
  const bundled = `${root}node_modules/node-linux-${process.arch}/bin/node`;
  if (existsSync(bundled)) {
    const child = spawn(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: "inherit",
    });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
  } else {
    process.stderr.write(
      `Daybook needs Node.js 24.15 or newer; this is ${process.versions.node}.\n` +
        "Install a newer Node.js, or, in a clone, run `npm start`: it brings its own.\n",
    );
    process.exit(1);
  }
}
