// What recording costs the thread that serves requests: CPU of that thread for each event, from begin to the news
// that it is durable, with the real journal thread beside it.
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { type Bench, type Case, interleave, type Measured, number } from "./harness.ts";
import { beginInference, finishInference, inferenceFacts } from "./inference.ts";
import { openRecording } from "./recording.ts";

/** Requests that are begun in one turn of the event loop, and end in a later one. */
const BURST = 8;
/** Events that are not durable yet at most, as under a load that the journal can bear. */
const QUEUED = 1500;

export const bench: Bench = {
  name: "recorder",
  async run({ quick, rounds, say }) {
    const events = quick ? 20_000 : 200_000;
    await using recording = await openRecording("open");
    const { recorder } = recording;
    const record = async () => {
      const handles = Array.from({ length: BURST }, () => beginInference(recorder));
      await turn();
      for (const handle of handles) finishInference(handle);
      while (recorder.queued > QUEUED) await delay(1);
    };
    const make = async () => {
      for (let made = 0; made < BURST; made++) inferenceFacts();
      await turn();
    };
    const cases: Case[] = [
      { name: "facts alone", turn: () => measure(events, make) },
      { name: "facts, recorded", turn: () => measure(events, record, () => recorder.drain()) },
    ];
    const results = await interleave(cases, { rounds, say });
    return {
      targets: [
        {
          what: "recorder on the request thread, for each event",
          measured: results.difference("facts, recorded", "facts alone", "µs"),
          least: 5,
          goal: 2,
          better: "less",
          unit: " µs",
        },
      ],
      tables: [
        {
          caption: "CPU of the request thread for each event, journal thread beside it",
          head: ["", "µs", "events/s"],
          rows: cases.map(({ name }) => [
            name,
            number(results.median(name, "µs")),
            number(results.median(name, "events/s")),
          ]),
        },
      ],
    };
  },
};

async function measure(
  events: number,
  burst: () => Promise<void>,
  drain: () => Promise<void> = async () => {},
): Promise<Measured> {
  const startedAt = performance.now();
  const before = process.threadCpuUsage();
  for (let done = 0; done < events; done += BURST) await burst();
  await drain();
  const { user, system } = process.threadCpuUsage(before);
  return { µs: (user + system) / events, "events/s": (events * 1000) / (performance.now() - startedAt) };
}
