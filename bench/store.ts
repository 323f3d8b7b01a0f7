// The store at 5 million events: how fast it takes more, how much room an event takes, and what it costs to let the
// oldest day go.
import { DatabaseSync } from "node:sqlite";
import { KINDS, type Kind } from "../src/event/fields.ts";
import type { PruneProgress } from "../src/stores/removal.ts";
import { type FilledStore, filledStore } from "./filled-store.ts";
import { type Bench, interleave, type Measured, number, type Table } from "./harness.ts";
import { START_MS } from "./traffic.ts";

const EVENTS = 5_000_000;
const QUICK_EVENTS = 100_000;
const BATCH = 1000;
const DAY_MS = 86_400_000;

export const bench: Bench = {
  name: "store",
  async run({ quick, rounds, say }) {
    const size = quick ? QUICK_EVENTS : EVENTS;
    const filled = await filledStore(size, say);
    const room = roomOf(filled.file, size);
    let day = 0;
    const append = { name: "append", turn: () => appended(filled, quick ? 10_000 : 100_000) };
    const prune = { name: "oldest day", turn: () => pruned(filled, ++day) };
    const results = await interleave([append, prune], { rounds, say });
    const median = (name: string, measure: string) => results.median(name, measure);
    return {
      targets: [
        {
          what: "events/s into the store, sums included",
          measured: median("append", "events/s"),
          least: 40_000,
          goal: 60_000,
          better: "more",
          unit: "/s",
        },
        { what: "bytes an event", measured: room.bytes, least: 350, goal: 250, better: "less", unit: "" },
        {
          what: "the oldest day removed",
          measured: median("oldest day", "s"),
          least: 3,
          goal: 1.5,
          better: "less",
          unit: " s",
        },
        {
          what: "longest step of it",
          measured: median("oldest day", "longest step ms"),
          least: 50,
          goal: 25,
          better: "less",
          unit: " ms",
        },
      ],
      tables: [
        room.table,
        {
          caption: `At ${number(size)} events`,
          head: ["", ""],
          rows: [
            ["CPU to append an event, µs", number(median("append", "µs"))],
            ["longest batch of 1,000, ms", number(median("append", "longest batch ms"))],
            ["events of the oldest day", number(median("oldest day", "events"))],
            ["to plan its removal (in a reader), ms", number(median("oldest day", "plan ms"))],
          ],
        },
      ],
    };
  },
};

async function appended({ store, traffic }: FilledStore, events: number): Promise<Measured> {
  let [wall, cpu, longest] = [0, 0, 0];
  for (let done = 0; done < events; done += BATCH) {
    const batch = traffic.next(BATCH);
    const [startedAt, before] = [performance.now(), process.threadCpuUsage()];
    await store.append(batch);
    const { user, system } = process.threadCpuUsage(before);
    const ms = performance.now() - startedAt;
    wall += ms;
    cpu += user + system;
    longest = Math.max(longest, ms);
  }
  return { "events/s": (events * 1000) / wall, µs: cpu / events, "longest batch ms": longest };
}

/** The first `day` days go, of which those before went already. */
async function pruned({ store }: FilledStore, day: number): Promise<Measured> {
  const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  const plannedAt = performance.now();
  const plan = await store.planPrune({ now: START_MS + day * DAY_MS, keepMs, maxBytes: 0, holds: [] });
  const startedAt = performance.now();
  let [events, longest] = [0, 0];
  let progress: PruneProgress | null | undefined;
  while (progress !== null) {
    const stepAt = performance.now();
    const step = await store.prune(plan, progress);
    longest = Math.max(longest, performance.now() - stepAt);
    events += step.events;
    progress = step.next;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return { s: seconds, events, "longest step ms": longest, "plan ms": startedAt - plannedAt };
}

/** Where the bytes are, by the pages of the file. */
function roomOf(file: string, events: number): { bytes: number; table: Table } {
  const db = new DatabaseSync(file, { readOnly: true });
  const parts = db
    .prepare(
      "SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name HAVING bytes > 65536 ORDER BY bytes DESC",
    )
    .all() as { name: string; bytes: number }[];
  db.close();
  const each = parts.map(({ name, bytes }) => ({ name, bytes: bytes / events }));
  return {
    bytes: each.reduce((sum, { bytes }) => sum + bytes, 0),
    table: {
      caption: "Bytes an event, by table and index",
      head: ["", "bytes"],
      rows: each.map(({ name, bytes }) => [name, number(bytes)]),
    },
  };
}
