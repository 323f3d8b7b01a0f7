// The gateway under event streams: CPU for each event, beside what else could stand there, and a thousand streams at
// once from an upstream that keeps its pace.
import { cpuMicros } from "./cpu.ts";
import { type Bench, type Case, interleave, type Measured, number } from "./harness.ts";
import { type Answer, loadVersions, openUpstream, readStreams, type StreamLoad } from "./load/load.ts";
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

const EVENTS = 50;
const PACE_MS = 10;
const MANY = 1000;
const MANY_PACE_MS = 50;

export const bench: Bench = {
  name: "stream",
  async run({ quick, rounds, say }) {
    const load = { limitSeconds: 120, spreadMs: 500 };
    await using upstream = await openUpstream(EVENTS, PACE_MS);
    await using targets = openTargets([
      direct(upstream),
      await openNginx(upstream),
      await openPipe(upstream),
      await openDaybook(upstream, "unrecorded"),
      await openDaybook(upstream, "open"),
      await openDaybook(upstream, "strict"),
      await openPortkey(upstream, "portkey-streaming"),
    ]);
    const names = targets.all.map(({ name }) => name);
    const cases = (answer: Answer, streams: StreamLoad): Case[] =>
      targets.all.map((target) => ({ name: target.name, turn: () => measure(target, answer, streams) }));
    const streams = quick ? 2 : 6;
    const paced = await interleave(cases("paced", { ...load, connections: 64, streams }), { rounds, say });
    const burst = await interleave(
      cases("burst", { ...load, spreadMs: 0, connections: 32, streams: streams * 5 }),
      { rounds, say },
    );
    const [many, lateness] = await manyStreams({ quick, rounds, say });
    return {
      versions: {
        ...loadVersions(),
        ...(names.includes("nginx") ? { nginx: nginxVersion() } : {}),
        ...(names.includes("Portkey, older dependencies")
          ? { Portkey: portkeyVersions("portkey-streaming") }
          : {}),
      },
      targets: [
        {
          what: "CPU for each paced event against Portkey",
          measured: names.includes("Portkey, older dependencies")
            ? paced.ratio("Daybook, open", "Portkey, older dependencies", "CPU µs/event")
            : null,
          least: 0.5,
          goal: 0.35,
          better: "less",
          unit: "×",
        },
        ...lateness,
      ],
      tables: [
        {
          caption: `Streams of ${EVENTS} events, the CPU of all threads for each event`,
          head: [
            "",
            `µs, 64 streams, an event each ${PACE_MS} ms`,
            "µs, 32 streams, all events at once",
            "streams/s",
          ],
          rows: names.map((name) => [
            name,
            number(paced.median(name, "CPU µs/event")),
            number(burst.median(name, "CPU µs/event")),
            number(burst.median(name, "streams/s")),
          ]),
        },
        many,
      ],
    };
  },
};

async function manyStreams({ quick, rounds, say }: Parameters<Bench["run"]>[0]) {
  const events = quick ? 60 : 200;
  await using upstream = await openUpstream(events, MANY_PACE_MS);
  await using targets = openTargets([direct(upstream), await openDaybook(upstream, "open")]);
  const load = { connections: MANY, streams: 1, spreadMs: 1000, limitSeconds: 120 };
  const cases = targets.all.map((target) => ({
    name: target.name,
    turn: () => measure(target, "paced", load),
  }));
  const results = await interleave(cases, { rounds, say, warmUp: false });
  const measures = ["lost", "late p50 ms", "late p99 ms", "late max ms", "CPU µs/event"];
  const [, daybook = ""] = targets.all.map(({ name }) => name);
  const worst = (measure: string) => Math.max(...results.values(daybook, measure));
  return [
    {
      caption: `${number(MANY)} streams at once, ${1000 / MANY_PACE_MS} events/s each, ${events} events; medians of the rounds, what is late against the upstream's pace`,
      head: ["", ...measures],
      rows: cases.map(({ name }) => [
        name,
        ...measures.map((measure) => number(results.median(name, measure))),
      ]),
    },
    [
      {
        what: "events lost of all rounds' paced streams",
        measured: worst("lost"),
        least: 0,
        goal: 0,
        better: "less",
        unit: "",
      },
      {
        what: `the latest event of ${number(MANY)} streams behind its pace, in the worst round`,
        measured: worst("late max ms"),
        least: 250,
        goal: 250,
        better: "less",
        unit: " ms",
      },
    ],
  ] as const;
}

async function measure(target: Target, answer: Answer, load: StreamLoad): Promise<Measured> {
  const before = cpuMicros(...target.pids);
  const read = await readStreams(target.ask(answer), load);
  if (read === null) throw new Error("Streams are read by a program in C: install gcc.");
  await target.settle();
  const micros = cpuMicros(...target.pids) - before;
  const wanted = load.connections * load.streams;
  if (answer !== "paced" && read.whole < wanted)
    throw new Error(`${target.name}: ${read.broken} of ${wanted} streams broke`);
  return {
    "CPU µs/event": target.pids.length === 0 ? Number.NaN : micros / read.events,
    "streams/s": read.whole / read.seconds,
    lost: wanted - read.whole,
    "late p50 ms": read.late_p50,
    "late p99 ms": read.late_p99,
    "late max ms": read.late_max,
  };
}
