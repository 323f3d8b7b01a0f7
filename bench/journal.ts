// The journal: how many events a second it makes durable, leaves and Merkle roots included; how long strict work waits
// for it; and how long a server takes to start when many events are not in its store yet.
import { setTimeout as delay } from "node:timers/promises";
import { encodeRow } from "../src/event/encode.ts";
import type { Row } from "../src/event/fields.ts";
import { newEventId } from "../src/event/ids.ts";
import { answered } from "../src/event/outcomes.ts";
import type { JournalEntry } from "../src/journal/entries.ts";
import { JournalClient } from "../src/journal/journal-client.ts";
import { takeSlot } from "../src/journal/slot.ts";
import { threadMicros } from "./cpu.ts";
import { type Bench, interleave, type Measured, number, quantileOf, type Target } from "./harness.ts";
import { beginInference, finishInference, inferenceFacts } from "./inference.ts";
import { benchFolder, openRecording } from "./recording.ts";
import { startDaybook } from "./targets/start.ts";

/** As the recorder posts them. */
const MESSAGE_ENTRIES = 250;
const WINDOW = 4;
const STRICT_PER_SECOND = 2000;
const UNSHIPPED = 100_000;
const DEADLINE_MS = 10_000;

export const bench: Bench = {
  name: "journal",
  async run({ quick, rounds, say }) {
    const cases = [
      { name: "durable events, messages of 250", turn: () => throughput(quick ? 20_000 : 200_000) },
      { name: "strict work, 2,000 a second", turn: () => strictWaits(quick ? 1 : 5) },
      { name: "start, 100,000 events unshipped", turn: () => start(quick ? 20_000 : UNSHIPPED) },
    ] as const;
    const [durable, strict, startUp] = cases;
    const results = await interleave(cases, { rounds, say });
    const median = (name: string, measure: string) => number(results.median(name, measure));
    const target = (
      what: string,
      name: string,
      measure: string,
      bounds: Pick<Target, "least" | "goal" | "better" | "unit">,
    ): Target => ({ what, measured: results.median(name, measure), ...bounds });
    return {
      targets: [
        target("durable events with their leaves", durable.name, "events/s", {
          least: 100_000,
          goal: 150_000,
          better: "more",
          unit: "/s",
        }),
        target("strict wait at 2,000/s, p99", strict.name, "p99 ms", {
          least: 20,
          goal: 10,
          better: "less",
          unit: " ms",
        }),
        target("start with 100,000 unshipped events", startUp.name, "serves s", {
          least: 5,
          goal: 2,
          better: "less",
          unit: " s",
        }),
      ],
      tables: [
        {
          caption: "Durable events, through the journal's thread",
          head: ["events/s", "CPU µs of its thread for each"],
          rows: [[median(durable.name, "events/s"), median(durable.name, "thread µs")]],
        },
        {
          caption: `Strict work at ${number(STRICT_PER_SECOND)}/s: one wait for a begin or a finish to be durable`,
          head: ["p50 ms", "p95 ms", "p99 ms"],
          rows: [["p50 ms", "p95 ms", "p99 ms"].map((measure) => median(strict.name, measure))],
        },
        {
          caption: `Start with ${number(UNSHIPPED)} events that are not in the store`,
          head: ["it serves after s", "all are in the store after s"],
          rows: [[median(startUp.name, "serves s"), median(startUp.name, "shipped s")]],
        },
      ],
    };
  },
};

/** Rows that differ in what differs in life; the journal fills in its own cells. */
function finishes(count: number): JournalEntry[] {
  return Array.from({ length: count }, () => ["finish", row()]);
}

function row(): Row {
  return encodeRow(
    {
      ...inferenceFacts(),
      eventId: newEventId(),
      count: 1,
      timestamp: Date.now(),
      policyDecision: "n/a",
      apiKeyId: "key_01890a5d",
      userId: "user_01890a5d",
      model: "gpt-4o-mini",
      upstreamModel: "gpt-4o-mini-2024-07-18",
      provider: "upstream",
      backendType: "openai",
      route: "gpt-4o-mini",
      streaming: false,
      finishReason: "stop",
      durationMs: 412,
      promptTokens: 24,
      completionTokens: 48,
      totalTokens: 72,
      requestSize: 512,
      responseSize: 1410,
    },
    answered(200),
    { count: 0 },
  );
}

async function throughput(events: number): Promise<Measured> {
  const home = benchFolder();
  const slot = takeSlot(home);
  const journal = await JournalClient.open(slot);
  const messages = Array.from({ length: events / MESSAGE_ENTRIES }, () => finishes(MESSAGE_ENTRIES));
  const threadBefore = threadMicros(process.pid, "journal");
  const startedAt = performance.now();
  await postAll(journal, messages);
  const seconds = (performance.now() - startedAt) / 1000;
  const thread = threadMicros(process.pid, "journal") - threadBefore;
  await journal.close();
  slot.release();
  return { "events/s": events / seconds, "thread µs": thread / events };
}

/** Resolves when all are durable. */
async function postAll(journal: JournalClient, messages: readonly JournalEntry[][]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let posted = 0;
  let done = 0;
  const fill = () => {
    for (; posted < messages.length && posted - done < WINDOW; posted++) journal.post(messages[posted] ?? []);
  };
  journal.listen({
    onDurable(id) {
      done = id;
      if (done === messages.length) resolve();
      else fill();
    },
    onFailed: (_id, reason) => reject(new Error(`the journal failed: ${reason}`)),
    onLost: (reason) => reject(new Error(`the journal was lost: ${reason}`)),
    onResumed: () => {},
  });
  fill();
  await promise;
}

/** Strict requests at an even pace, whatever they wait; each waits twice. */
async function strictWaits(seconds: number): Promise<Measured> {
  await using recording = await openRecording("strict");
  const { recorder } = recording;
  const waits: number[] = [];
  const serve = async () => {
    const handle = beginInference(recorder);
    const begunAt = performance.now();
    if (!(await handle.announce(DEADLINE_MS))) throw new Error("a begin did not become durable");
    const announcedAt = performance.now();
    finishInference(handle);
    if ((await handle.settled(DEADLINE_MS)) !== "durable") throw new Error("a finish did not become durable");
    waits.push(announcedAt - begunAt, performance.now() - announcedAt);
  };
  const startedAt = performance.now();
  const served: Promise<void>[] = [];
  while (served.length < seconds * STRICT_PER_SECOND) {
    const due = ((performance.now() - startedAt) * STRICT_PER_SECOND) / 1000;
    while (served.length < due) served.push(serve());
    await delay(1);
  }
  await Promise.all(served);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((quantile) => quantileOf(waits, quantile));
  return { "p50 ms": p50 ?? Number.NaN, "p95 ms": p95 ?? Number.NaN, "p99 ms": p99 ?? Number.NaN };
}

/** A whole server on a folder whose journal holds so many events, and whose store holds none. */
async function start(events: number): Promise<Measured> {
  const home = benchFolder();
  const slot = takeSlot(home);
  const journal = await JournalClient.open(slot, { maxBytes: 2 ** 30, reserveBytes: 0 });
  await postAll(
    journal,
    Array.from({ length: events / MESSAGE_ENTRIES }, () => finishes(MESSAGE_ENTRIES)),
  );
  await journal.close();
  slot.release();
  const startedAt = performance.now();
  const daybook = await startDaybook(home, 1, "open");
  const serves = (performance.now() - startedAt) / 1000;
  await daybook.settle();
  const shipped = (performance.now() - startedAt) / 1000;
  await daybook.close();
  return { "serves s": serves, "shipped s": shipped };
}
