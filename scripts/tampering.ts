// `npm run tampering [-- --in FOLDER] [--from BIT] [--to BIT] [--every N] [--part NAME] [--workers N]`: flips every bit (or every n-th) of
// all that a log of 256 events is kept in, one at a time, and says what the verifier made of it. With `--in`, the log is kept
// in this folder, and what was begun can be gone on with from the bit that was told last. Exit code 1 when a flip went unseen.
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { sizesOf } from "../test/evidence/tampered-files.ts";
import { makeTamperedLog } from "../test/evidence/tampered-log.ts";
import { type Found, nothingFound } from "../test/evidence/tampering.ts";
import type { Asked, Told } from "../test/evidence/tampering-worker.ts";

const { values: asked } = parseArgs({
  options: {
    in: { type: "string" },
    from: { type: "string", default: "0" },
    to: { type: "string", default: "Infinity" },
    every: { type: "string", default: "1" },
    part: { type: "string", default: "" },
    workers: { type: "string", default: String(Math.min(2, availableParallelism())) },
  },
});
const EVENTS = 256;
const CHUNK = 2000;
const SAY_EVERY_MS = 10_000;
const MEMORY = "/dev/shm";

const every = Number(asked.every);
const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "daybook-tampering-"));
const home = asked.in ?? join(folder, "log");
if (!existsSync(home)) await makeTamperedLog(home, EVENTS);
const all = [...(await sizesOf(home))];
const end = all.reduce((sum, [, bits]) => sum + bits, 0);

/** The files one after the other, cut into chunks; bits are counted over all of them. */
function* chunks(): Generator<Asked> {
  let first = 0;
  for (const [name, bits] of all) {
    const begin = Math.max(0, Math.ceil((Number(asked.from) - first) / every) * every);
    const last = Math.min(bits, Number(asked.to) - first);
    for (let at = begin; at < last; at += CHUNK * every)
      if (name.includes(asked.part))
        yield { name, from: at, to: Math.min(last, at + CHUNK * every), every, first };
    first += bits;
  }
}

const todo = chunks();
const total = [...chunks()].reduce((sum, { from, to }) => sum + (to - from), 0);
const found = new Map(all.map(([name]) => [name, nothingFound()]));
const startedAt = performance.now();
/** Where each worker is: all before the lowest is done. */
const at = new Map<Worker, number>();
let [done, saidAt] = [0, startedAt];
let isStopped = false;
// What was done is told, and can be gone on with.
process.once("SIGINT", () => {
  isStopped = true;
});

function add(name: string, { flips, told, unseen, unlike }: Found): void {
  const sum = found.get(name) as Found;
  sum.flips += flips;
  for (const [what, count] of Object.entries(told)) sum.told[what] = (sum.told[what] ?? 0) + count;
  sum.unseen.push(...unseen);
  sum.unlike.push(...unlike);
}

function say(): void {
  const now = performance.now();
  if (now - saidAt < SAY_EVERY_MS) return;
  saidAt = now;
  const left = Math.ceil((((now - startedAt) / done) * (total - done)) / 60_000);
  const lowest = Math.min(...at.values());
  process.stderr.write(
    `${((done / total) * 100).toFixed(1)} %, ${left} min left, --from ${lowest} of ${end}\n`,
  );
}

async function work(number: number): Promise<void> {
  const worker = new Worker(new URL("../test/evidence/tampering-worker.ts", import.meta.url), {
    workerData: { home, own: join(folder, String(number)) },
  });
  for (const chunk of todo) {
    if (isStopped) break;
    at.set(worker, chunk.first + chunk.from);
    const answer = once(worker, "message");
    worker.postMessage(chunk);
    const [told] = (await answer) as [Told];
    add(chunk.name, told);
    done += chunk.to - chunk.from;
    say();
  }
  at.delete(worker);
  await worker.terminate();
}

try {
  await Promise.all(Array.from({ length: Number(asked.workers) }, (_, number) => work(number)));
} finally {
  rmSync(folder, { recursive: true });
}
const sums = nothingFound();
for (const [name, one] of found) {
  const { flips, told, unseen, unlike } = one;
  const states = Object.entries(told).map(([what, count]) => `${what} ${count}`);
  process.stdout.write(`${name}: ${flips} flips; ${states.join(", ")}\n`);
  for (const bit of unseen.slice(0, 10)) process.stdout.write(`  not seen: bit ${bit}\n`);
  for (const bit of unlike.slice(0, 10)) process.stdout.write(`  looked at again, otherwise: bit ${bit}\n`);
  sums.flips += flips;
  sums.unseen.push(...unseen);
  sums.unlike.push(...unlike);
}
process.stdout.write(
  `${sums.flips} of ${end} bits, ${sums.unseen.length} not seen, ${sums.unlike.length} looked at again and otherwise\n`,
);
process.exitCode = sums.unseen.length + sums.unlike.length > 0 ? 1 : 0;
