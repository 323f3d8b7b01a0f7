// `npm run live-soak -- MINUTES [--rate N]`: the explorer open on a live tail for so long, and by how much its heap and
// its elements grow meanwhile.
import { parseArgs } from "node:util";
import { openExplorer, openHome } from "./explorer.ts";
import { number, slopeOf } from "./harness.ts";
import { recordEvenly } from "./load/even-events.ts";
import { benchFolder } from "./recording.ts";

const MIB = 2 ** 20;
/** What the tail keeps is full then, and the first sample is taken. */
const KEPT = 22_000;
const SAMPLES = 30;
const MOST_MIB = 30;
const MOST_ROWS = 80;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rate: { type: "string", default: "500" } },
});
const minutes = Number(positionals[0] ?? Number.NaN);
const rate = Number(values.rate);

interface Sample {
  readonly heap: number;
  readonly nodes: number;
  readonly rows: number;
}

async function soak(): Promise<void> {
  const home = benchFolder();
  const server = await openHome(home);
  try {
    await using explorer = await openExplorer(server);
    const { page, context, to, total, count } = explorer;
    const debug = await context.newCDPSession(page);
    await debug.send("Performance.enable");
    const sample = async (): Promise<Sample> => {
      await debug.send("HeapProfiler.collectGarbage");
      const { metrics } = await debug.send("Performance.getMetrics");
      const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
      const rows = await page.evaluate<number>("probe.rows().length");
      return { heap: of("JSHeapUsedSize") / MIB, nodes: of("Nodes"), rows };
    };
    await to("?kind=inference&live=1");
    await page.getByRole("button", { name: /^Live ·/ }).waitFor();
    let made = await recordEvenly(server, Math.max(rate, 2000), Math.ceil(KEPT / Math.max(rate, 2000)) + 2);
    const samples = [await sample()];
    for (let at = 0; at < SAMPLES; at++) {
      made += await recordEvenly(server, rate, (minutes * 60) / SAMPLES);
      samples.push(await sample());
      tell(samples.at(-1));
    }
    for (let looks = 0; (await total()) < made && looks < 300; looks++)
      await page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))");
    judge(samples, { made, recorded: await count("kind=inference"), shown: await total() });
  } finally {
    await server.close(0);
  }
}

function tell(sample: Sample | undefined): void {
  if (sample === undefined) return;
  const { heap, nodes, rows } = sample;
  process.stdout.write(`heap ${number(heap)} MiB, ${number(nodes)} nodes, ${rows} rows in the page\n`);
}

function judge(
  samples: readonly Sample[],
  { made, recorded, shown }: { readonly made: number; readonly recorded: number; readonly shown: number },
): void {
  const [first, last] = [samples[0], samples.at(-1)];
  const grown = (last?.heap ?? Number.NaN) - (first?.heap ?? Number.NaN);
  const rows = Math.max(...samples.map((sample) => sample.rows));
  const times = samples.map((_, at) => (at * minutes) / SAMPLES);
  const [heap, nodes] = (["heap", "nodes"] as const).map((name) =>
    slopeOf(
      times,
      samples.map((sample) => sample[name]),
    ),
  );
  process.stdout.write(
    `\n${number(made)} events in ${minutes} minutes, ${number(recorded)} recorded, ${number(shown)} in the list; the heap grew by ${number(grown)} MiB, the page by ${number((last?.nodes ?? 0) - (first?.nodes ?? 0))} nodes; at most ${rows} rows in it\nslopes: ${number(heap ?? Number.NaN)} MiB and ${number(nodes ?? Number.NaN)} nodes a minute\n`,
  );
  if (!(grown <= MOST_MIB) || rows > MOST_ROWS || shown !== recorded) process.exitCode = 1;
}

if (minutes > 0 && rate > 0) await soak();
else {
  process.stderr.write("npm run live-soak -- MINUTES [--rate EVENTS_PER_SECOND]\n");
  process.exitCode = 2;
}
