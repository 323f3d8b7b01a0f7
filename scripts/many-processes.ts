// Eight processes on one data folder, killed and started again: `npm run many-processes -- [kills]`. Then a server
// adopts what they left, and the trail is held to what each of them said was durable.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/load-config.ts";
import { type EventJson, eventJson } from "../src/event/json.ts";
import { openServer } from "../src/server/server.ts";
import { openStore } from "../src/stores/open-store.ts";
import { holdMany, runMany } from "../test/faults/many-processes.ts";

const kills = Number(process.argv[2] ?? 100);
const home = mkdtempSync(join(tmpdir(), "daybook-many-"));
const start = performance.now();
const durable = await runMany(home, { count: 8, kills });
const env = { DAYBOOK_HOME: home, DAYBOOK_LISTEN: "127.0.0.1:0" };
const server = await openServer(await loadConfig({ env, cwd: home, homedir: home, flags: {} }));
await server.adoption.round();
await server.close(0);

const store = await openStore(`sqlite:${join(home, "events.db")}`, "read");
const events: EventJson[] = [];
for (let page = await store.query({ where: {}, limit: 1000, includeSystem: true }); ; ) {
  events.push(...page.events.map(eventJson));
  if (page.next === null) break;
  page = await store.query({
    where: {},
    limit: 1000,
    includeSystem: true,
    after: page.next,
    asOf: page.asOf,
  });
}
await store.close();
holdMany(events, durable);
rmSync(home, { recursive: true });
const seconds = Math.round((performance.now() - start) / 1000);
const nodes = new Set(events.map(({ node_id }) => node_id)).size;
process.stdout.write(
  `${kills + 8} kills in ${seconds} s, ${nodes} nodes: ${events.length} events, contiguous and once; ${durable.length} were said to be durable, none missing\n`,
);
