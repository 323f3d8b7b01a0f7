// `npm run soak -- MINUTES [--rate N]`: a Daybook under an even load of requests, plain and streamed, for so long, and
// by how much its memory, descriptors, journal and lag grow meanwhile: slow growth shows as a slope long before it hurts.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Pool } from "undici";
import { descriptors } from "./cpu.ts";
import { number, slopeOf } from "./harness.ts";
import { openUpstream } from "./load/load.ts";
import { benchFolder } from "./recording.ts";
import { BENCH_KEY } from "./targets/keys.ts";
import { type StartedDaybook, startDaybook } from "./targets/start.ts";

const TICK_MS = 10;
const SAMPLES = 200;
/** The first part of the samples is warm-up: code is compiled, caches and buffers come to their size. */
const WARM_UP = 0.2;
const MIB = 2 ** 20;
const HOUR_S = 3600;
/** Of memory, when the soak is long enough to tell. */
const MAX_MIB_PER_HOUR = 1;
const TELLING_MINUTES = 60;

type Sample = Readonly<Record<string, number>> & { readonly seconds: number };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rate: { type: "string", default: "1000" } },
});
const minutes = Number(positionals[0] ?? Number.NaN);
const rate = Number(values.rate);

async function soak(): Promise<void> {
  await using upstream = await openUpstream(10, 10);
  const home = benchFolder();
  const daybook = await startDaybook(home, upstream.port, "open");
  const load = new Load(daybook.port);
  const samples: Sample[] = [];
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  const seconds = minutes * 60;
  for (let due = 0; elapsed() < seconds; ) {
    load.ask(elapsed() * rate);
    if (elapsed() >= due) {
      samples.push(await sampleOf(daybook, home, elapsed()));
      due += seconds / SAMPLES;
    }
    await delay(TICK_MS);
  }
  await load.close();
  await daybook.settle();
  await daybook.close();
  tell(samples.slice(Math.floor(samples.length * WARM_UP)), load);
}

/** Every tenth request is a stream. */
class Load {
  readonly #pool: Pool;
  readonly #open = new Set<Promise<void>>();
  asked = 0;
  failed = 0;

  constructor(port: number) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections: 128 });
  }

  /** Asks until so many have been asked in all. */
  ask(total: number): void {
    for (; this.asked < total; this.asked++) {
      const asking = this.#one(this.asked % 10 === 0).finally(() => this.#open.delete(asking));
      this.#open.add(asking);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#open);
    await this.#pool.close();
  }

  async #one(stream: boolean): Promise<void> {
    const model = stream ? "burst" : "json";
    const body = JSON.stringify({ model, stream, messages: [{ role: "user", content: "How are you?" }] });
    const headers = { authorization: `Bearer ${BENCH_KEY}`, "content-type": "application/json" };
    try {
      const answer = await this.#pool.request({
        path: "/v1/chat/completions",
        method: "POST",
        headers,
        body,
      });
      await answer.body.dump();
      if (answer.statusCode !== 200) this.failed++;
    } catch {
      this.failed++;
    }
  }
}

async function sampleOf(daybook: StartedDaybook, home: string, seconds: number): Promise<Sample> {
  const { rss, heapUsed, external, lag } = await daybook.state();
  return {
    seconds,
    "memory, MiB": rss / MIB,
    "heap of the request thread, MiB": heapUsed / MIB,
    "buffers of the request thread, MiB": external / MIB,
    descriptors: descriptors(daybook.pid),
    "journal, MiB": journalBytes(home) / MIB,
    "records behind in the store": lag,
  };
}

function journalBytes(home: string): number {
  const folder = join(home, "nodes", "0", "journal");
  let bytes = 0;
  for (const name of readdirSync(folder))
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

function tell(samples: readonly Sample[], { asked, failed }: Load): void {
  const times = samples.map(({ seconds }) => seconds);
  process.stdout.write(`${number(asked)} requests in ${minutes} minutes, ${failed} failed\n\n`);
  process.stdout.write(
    `${"".padEnd(36)}${"first".padStart(10)}${"last".padStart(10)}${"an hour".padStart(12)}\n`,
  );
  for (const name of Object.keys(samples[0] ?? {}).filter((name) => name !== "seconds")) {
    const values = samples.map((sample) => sample[name] ?? Number.NaN);
    const slope = slopeOf(times, values) * HOUR_S;
    const cells = [
      number(values[0] ?? Number.NaN).padStart(10),
      number(values.at(-1) ?? Number.NaN).padStart(10),
    ];
    process.stdout.write(
      `${name.padEnd(36)}${cells.join("")}${`${slope > 0 ? "+" : ""}${number(slope)}`.padStart(12)}\n`,
    );
    if (name === "memory, MiB" && minutes >= TELLING_MINUTES && slope > MAX_MIB_PER_HOUR)
      process.exitCode = 1;
  }
  if (minutes < TELLING_MINUTES)
    process.stdout.write(
      `\nSlopes of less than ${TELLING_MINUTES} minutes say little: memory comes and goes with collections.\n`,
    );
  if (failed > 0) process.exitCode = 1;
}

if (minutes > 0 && rate > 0) await soak();
else {
  process.stderr.write("npm run soak -- MINUTES [--rate REQUESTS_PER_SECOND]\n");
  process.exitCode = 2;
}
