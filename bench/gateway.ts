// The gateway under JSON load, beside what else could stand there: throughput and CPU with 32 connections, and what it
// adds to the latency of one.
import { cpuMicros } from "./cpu.ts";
import {
  type Bench,
  type Case,
  type Target as Goal,
  interleave,
  type Measured,
  number,
  type Results,
} from "./harness.ts";
import { type Asked, askAll, loadVersions, openUpstream } from "./load/load.ts";
import {
  direct,
  nginxVersion,
  openDaybook,
  openNginx,
  openPipe,
  openPortkey,
  openTargets,
  portkeyVersions,
  type Target,
} from "./targets/targets.ts";

const CONNECTIONS = 32;

export const bench: Bench = {
  name: "gateway",
  async run({ quick, rounds, say }) {
    await using upstream = await openUpstream(50, 10);
    await using targets = openTargets([
      direct(upstream),
      await openNginx(upstream),
      await openPipe(upstream),
      await openDaybook(upstream, "unrecorded"),
      await openDaybook(upstream, "open"),
      await openDaybook(upstream, "strict"),
      await openPortkey(upstream, "portkey"),
    ]);
    const names = targets.all.map(({ name }) => name);
    const [manySeconds, oneSeconds] = quick ? [1, 1] : [3, 2];
    const cases = (connections: number, seconds: number): Case[] =>
      targets.all.map((target) => ({
        name: target.name,
        turn: () => measured(target, target.ask("json"), connections, seconds),
      }));
    const many = await interleave(cases(CONNECTIONS, manySeconds), { rounds, say });
    const one = await interleave(cases(1, oneSeconds), { rounds, say, warmUp: false });
    return {
      versions: { ...loadVersions(), ...peerVersions(names) },
      targets: goals(many, one),
      tables: [
        {
          caption: `${CONNECTIONS} connections, JSON answers of 1.1 KB`,
          head: ["", "requests/s", "CPU µs/request", "p50 ms", "p99 ms", "throughput of Daybook, open", "by"],
          rows: names.map((name) => {
            const { ratio, by } = compared(many, "Daybook, open", name);
            const figures = ["requests/s", "cpu µs", "p50 ms", "p99 ms"].map((measure) =>
              number(many.median(name, measure)),
            );
            return [name, ...figures, `${number(ratio)}×`, by];
          }),
        },
        {
          caption: "One connection: latency, and what is added to that of the upstream itself",
          head: ["", "p50 ms", "p95 ms", "p99 ms", "added p50 ms", "added p95 ms"],
          rows: names.map((name) => [
            name,
            ...["p50 ms", "p95 ms", "p99 ms"].map((measure) => number(one.median(name, measure))),
            ...["p50 ms", "p95 ms"].map((measure) => number(one.difference(name, "direct", measure))),
          ]),
        },
      ],
      notes: [
        "A throughput counts only where `direct` reaches twice the faster of the two; else the generator and the " +
          "upstream are the limit (generator-bound), and what is compared is requests for each second of CPU of all threads.",
      ],
    };
  },
};

/** Throughput, CPU and latency of a target that is asked so, all its work done. */
export async function measured(
  target: Target,
  asked: Asked,
  connections: number,
  seconds: number,
): Promise<Measured> {
  const before = cpuMicros(...target.pids);
  const served = await askAll(asked, connections, seconds);
  await target.settle();
  const micros = cpuMicros(...target.pids) - before;
  if (served.failures > 0 || served.requests === 0)
    throw new Error(`${target.name}: ${served.failures} of ${served.requests} requests failed`);
  return {
    "requests/s": served.requests / served.seconds,
    "cpu µs": target.pids.length === 0 ? Number.NaN : micros / served.requests,
    "p50 ms": served.p50,
    "p95 ms": served.p95,
    "p99 ms": served.p99,
  };
}

/** Throughput of `name` against that of `base`. */
function compared(
  results: Results,
  name: string,
  base: string,
): { readonly ratio: number; readonly by: string } {
  const rate = (of: string) => results.median(of, "requests/s");
  if (rate("direct") >= 2 * Math.max(rate(name), rate(base)))
    return { ratio: results.ratio(name, base, "requests/s"), by: "requests/s" };
  return { ratio: 1 / results.ratio(name, base, "cpu µs"), by: "CPU (generator-bound)" };
}

function goals(many: Results, one: Results): Goal[] {
  const throughput = (base: string, what: string, least: number, goal: number): Goal => {
    const { ratio, by } = compared(many, "Daybook, open", base);
    const known = many.has(base);
    return {
      what: `throughput of Daybook, open, against ${what}, by ${known ? by : "–"}`,
      measured: known ? ratio : null,
      least,
      goal,
      better: "more",
      unit: "×",
    };
  };
  const added = (name: string, measure: string, least: number, goal: number): Goal => ({
    what: `${name}: latency added to one connection, ${measure.slice(0, 3)}`,
    measured: one.difference(name, "direct", measure),
    least,
    goal,
    better: "less",
    unit: " ms",
  });
  return [
    throughput("bare pipe proxy", "a bare pipe proxy", 1, 1.3),
    throughput("Portkey", "Portkey", 6, 10),
    throughput("nginx", "nginx", 0.25, 0.4),
    throughput("Daybook, not recording", "itself without recording", 0.9, 0.95),
    {
      what: "CPU of all threads for each recorded request, beyond that of the same gateway without recording",
      measured: many.difference("Daybook, open", "Daybook, not recording", "cpu µs"),
      least: 40,
      goal: 25,
      better: "less",
      unit: " µs",
    },
    added("Daybook, open", "p50 ms", 0.3, 0.2),
    added("Daybook, strict", "p50 ms", 2, 1),
    added("Daybook, strict", "p95 ms", 5, 5),
  ];
}

function peerVersions(names: readonly string[]): Record<string, string> {
  return {
    ...(names.includes("nginx") ? { nginx: nginxVersion() } : {}),
    ...(names.includes("Portkey") ? { Portkey: portkeyVersions("portkey") } : {}),
  };
}
