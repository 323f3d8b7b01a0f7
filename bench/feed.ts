// The live feed: events at a thousand a second to a hundred who read it in batches, over WebSockets, in a process of
// their own. The delay is from the finish of an event to its frame at the reader.
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../src/config/load-config.ts";
import { openServer, type Server } from "../src/server/server.ts";
import { type Bench, interleave, type Measured, number, quantileOf } from "./harness.ts";
import { recordEvenly } from "./load/even-events.ts";
import { benchFolder } from "./recording.ts";

const TOKEN = "dbt_bench-admin-token-0123456789-abcdefghij";
const READERS = fileURLToPath(new URL("./load/feed-readers.ts", import.meta.url));
const RATE = 1000;
const MANY = 100;

export const bench: Bench = {
  name: "feed",
  async run({ quick, rounds, say }) {
    const seconds = quick ? 2 : 8;
    const home = benchFolder();
    const server = await open(home);
    try {
      const results = await interleave(
        [1, MANY].map((readers) => ({ name: `${readers}`, turn: () => turn(server, readers, seconds) })),
        { rounds: quick ? 1 : rounds, say, warmUp: !quick },
      );
      const many = (measure: string) => results.median(`${MANY}`, measure);
      return {
        targets: [
          {
            what: `Median delay from finish to frame, ${MANY} readers, ${number(RATE)} events/s`,
            measured: many("median"),
            least: 150,
            goal: 100,
            better: "less",
            unit: " ms",
          },
          {
            what: "Events that a reader missed or saw twice",
            measured: Math.max(...[1, MANY].flatMap((readers) => results.values(`${readers}`, "lost"))),
            least: 0,
            goal: 0,
            better: "less",
            unit: "",
          },
        ],
        tables: [
          {
            caption: `Delay from finish to frame, ${number(RATE)} events/s in batches over WebSockets`,
            head: ["readers", "events", "median", "p95", "p99", "lost or doubled"],
            rows: [1, MANY].map((readers) => [
              `${readers}`,
              number(results.median(`${readers}`, "events")),
              ...["median", "p95", "p99"].map((name) => `${number(results.median(`${readers}`, name))} ms`),
              number(results.median(`${readers}`, "lost")),
            ]),
          },
        ],
      };
    } finally {
      await server.close(0);
    }
  },
};

async function open(home: string): Promise<Server> {
  await writeFile(join(home, "daybook.yaml"), "listen: 127.0.0.1:0\n");
  const env = { DAYBOOK_HOME: home, DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: TOKEN };
  return openServer(await loadConfig({ env, cwd: home, homedir: home, flags: {} }));
}

async function turn(server: Server, readers: number, seconds: number): Promise<Measured> {
  const path = `${server.url.replace(/^http/, "ws")}/admin/ws/audit-logs?recent=0&batch=true&kind=inference`;
  const child = fork(READERS, [path, TOKEN, String(readers)]);
  try {
    await once(child, "message");
    const events = await recordEvenly(server, RATE, seconds);
    child.send(events);
    const [{ lost, delays }] = (await once(child, "message")) as [{ lost: number; delays: number[] }];
    const quantile = (at: number) => quantileOf(delays, at);
    return { events, lost, median: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
  } finally {
    child.disconnect();
    await once(child, "exit");
  }
}
