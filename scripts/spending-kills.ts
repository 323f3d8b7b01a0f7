// Paid traffic and kill -9, at length: `npm run spending-kills -- [requests] [kills] [concurrency]`. Prints what it found.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpendingKills } from "../test/faults/spending-kills.ts";

const [requests = 10_000, kills = 20, concurrency = 500] = process.argv.slice(2).map(Number);
const home = mkdtempSync(join(tmpdir(), "daybook-spending-"));
const startedAt = performance.now();
const report = await new SpendingKills({ home, requests, kills, concurrency }).run();
process.stdout.write(
  `${JSON.stringify({ ...report, seconds: Math.round((performance.now() - startedAt) / 1000) })}\n`,
);
rmSync(home, { recursive: true });
