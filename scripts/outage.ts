// A store that is away for a while: `npm run outage -- [seconds] [events per second]`. The store is locked meanwhile;
// prints what that cost in memory, how fast the journal drained after it, and that every event is there once.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadConfig } from "../src/config/load-config.ts";
import { answered } from "../src/event/outcomes.ts";
import { openServer } from "../src/server/server.ts";
import { openStore } from "../src/stores/open-store.ts";

const seconds = Number(process.argv[2] ?? 600);
const rate = Number(process.argv[3] ?? 500);
const EVERY_MS = 20;
const MIB = 2 ** 20;

const home = mkdtempSync(join(tmpdir(), "daybook-outage-"));
const env = { DAYBOOK_HOME: home, DAYBOOK_LISTEN: "127.0.0.1:0" };
const server = await openServer(await loadConfig({ env, cwd: home, homedir: home, flags: {} }));
const { recorder, delivery } = server;
let sent = 0;

/** Records at the rate for a time; the worst time from a finish to its being durable, in ms. */
async function record(forMs: number): Promise<number> {
  let worst = 0;
  const end = performance.now() + forMs;
  for (let due = performance.now(); performance.now() < end; due += EVERY_MS) {
    const at = performance.now();
    for (let n = 0; n < (rate * EVERY_MS) / 1000; n++) {
      recorder.log({ kind: "inference", action: "chat", model: "demo", durationMs: 1 }, answered(200));
      sent++;
    }
    void recorder.drain().then(() => {
      worst = Math.max(worst, performance.now() - at);
    });
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due + EVERY_MS - performance.now())));
  }
  await recorder.drain();
  return worst;
}

const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"]).toString().trim();
process.stdout.write(`commit ${commit}, Node ${process.versions.node}: ${seconds} s at ${rate} events/s\n`);
await record(5000);
await delivery.caughtUp(10_000);
global.gc?.();
const before = process.memoryUsage().rss;
const lock = new DatabaseSync(join(home, "events.db"));
lock.exec("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE");
let peak = before;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss);
}, 500);
const worst = await record(seconds * 1000);
const behind = delivery.lag;
const away = peak;
const start = performance.now();
lock.exec("ROLLBACK");
lock.close();
const recording = record(1000);
if (!(await delivery.caughtUp(600_000))) throw new Error("the store did not catch up");
const drainedIn = (performance.now() - start) / 1000;
await recording;
clearInterval(watch);
await delivery.caughtUp(60_000);
const store = await openStore(`sqlite:${join(home, "events.db")}`, "read");
const { totalRequests } = await store.stats({ where: { kind: ["inference"] } });
await store.close();
const grown = (bytes: number) => Number(((bytes - before) / MIB).toFixed(1));
const drainRate = behind / drainedIn;
process.stdout.write(
  `${JSON.stringify({ sent, inStore: totalRequests, recordsBehind: behind, drainedInSeconds: Number(drainedIn.toFixed(1)), drainedTimesArrival: Number((drainRate / rate).toFixed(1)), memoryGrowthMiB: { away: grown(away), draining: grown(peak) }, worstDurableMs: Math.round(worst) })}\n`,
);
await server.close(0);
rmSync(home, { recursive: true });
if (totalRequests !== sent)
  throw new Error(`${sent} events were recorded, ${totalRequests} are in the store`);
