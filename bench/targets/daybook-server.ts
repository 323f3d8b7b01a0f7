// A whole Daybook in a process of its own.
// Usage: daybook-server <data folder> <port of the upstream> open | strict | unrecorded, with an IPC channel: says its
// port when it serves; answers `settle` when everything is recorded and shipped, `state` at once; closes with the channel.
//
// `unrecorded` is for the comparison only, and nothing that a Daybook can be set to: the same server, in which
// beginning an event gives a handle that leads nowhere.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load-config.ts";
import { blankRow } from "../../src/event/encode.ts";
import { Handle } from "../../src/recorder/handle.ts";
import { Recorder } from "../../src/recorder/recorder.ts";
import { tuneCollector } from "../../src/server/collector.ts";
import { openServer } from "../../src/server/server.ts";
import { cannedName, ENDPOINTS } from "../load/endpoints.ts";
import { BENCH_KEY, BENCH_TOKEN } from "./keys.ts";
import type { DaybookState } from "./start.ts";

const [home = "", upstream = "", mode = "open"] = process.argv.slice(2);
const kept = mode === "strict" ? "strict" : "open";
const answers = [
  ...["json", "burst", "paced"].map((name) => ({ name, backendType: "openai" })),
  ...ENDPOINTS.map((endpoint) => ({ name: cannedName(endpoint), backendType: endpoint.backendType })),
];
const yaml = `listen: 127.0.0.1:0
providers:
${answers.map(({ name, backendType }) => `  - { name: ${name}, backend_type: ${backendType}, base_url: "http://127.0.0.1:${upstream}/${name}", api_key: sk-bench }`).join("\n")}
routes:
${answers.map(({ name }) => `  - { model: ${name}, providers: [{ provider: ${name} }] }`).join("\n")}
mcp: { servers: [{ name: bench, url: "http://127.0.0.1:${upstream}/mcp" }] }
audit: { modes: { inference: ${kept}, mcp: ${kept} }, retention_days: { inference: 3650 } }
`;

if (mode === "unrecorded") {
  const nowhere = {
    misfits: { count: 0 },
    announce: () => null,
    counted: () => {},
    end: () => {},
    settle: async () => "durable" as const,
  };
  const row = blankRow();
  Recorder.prototype.begin = ({ kind }) => new Handle(nowhere, kind, "open", row, performance.now());
  Handle.prototype.note = () => {};
}

writeFileSync(join(home, "daybook.yaml"), yaml);
const env = {
  DAYBOOK_HOME: home,
  DAYBOOK_BOOTSTRAP_API_KEY: BENCH_KEY,
  DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: BENCH_TOKEN,
};
tuneCollector();
const server = await openServer(await loadConfig({ env, cwd: home, homedir: home, flags: {} }));

async function settle(): Promise<{ readonly settled: boolean }> {
  await server.recorder.drain();
  return { settled: await server.delivery.caughtUp(120_000) };
}

function state(): DaybookState {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external, lag: server.delivery.lag };
}

process.on("message", async (asked: "settle" | "state") => {
  process.send?.(asked === "state" ? state() : await settle());
});
process.once("disconnect", () => void server.close(0));
process.send?.({ port: Number(new URL(server.url).port) });
