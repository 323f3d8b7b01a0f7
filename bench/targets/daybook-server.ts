// A whole Daybook in a process of its own, with a data folder that goes with it.
// Usage: daybook-server <port of the upstream> open | strict | unrecorded, with an IPC channel: says its port when it
// serves, and answers each `settle` when everything is recorded and shipped.
//
// `unrecorded` is for the comparison only, and nothing that a Daybook can be set to: the same server, in which
// beginning an event gives a handle that leads nowhere.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load-config.ts";
import { Handle } from "../../src/recorder/handle.ts";
import { Recorder } from "../../src/recorder/recorder.ts";
import { openServer } from "../../src/server/server.ts";
import { benchFolder } from "../recording.ts";
import { BENCH_KEY } from "./keys.ts";

const [upstream = "", mode = "open"] = process.argv.slice(2);
const home = benchFolder();
const answers = ["json", "burst", "paced"];
const yaml = `listen: 127.0.0.1:0
providers:
${answers.map((name) => `  - { name: ${name}, backend_type: openai, base_url: "http://127.0.0.1:${upstream}/${name}", api_key: sk-bench }`).join("\n")}
routes:
${answers.map((name) => `  - { model: ${name}, providers: [{ provider: ${name} }] }`).join("\n")}
audit: { modes: { inference: ${mode === "strict" ? "strict" : "open"} } }
`;

if (mode === "unrecorded") {
  const nowhere = { announce: () => null, end: () => {}, settle: async () => "durable" as const };
  Recorder.prototype.begin = (facts) =>
    new Handle(nowhere, facts.kind, "open", { ...facts, eventId: "" }, performance.now());
}

writeFileSync(join(home, "daybook.yaml"), yaml);
const env = { DAYBOOK_HOME: home, DAYBOOK_BOOTSTRAP_API_KEY: BENCH_KEY };
const server = await openServer(await loadConfig({ env, cwd: home, homedir: home, flags: {} }));

process.on("message", async () => {
  await server.recorder.drain();
  process.send?.({ settled: await server.delivery.caughtUp(120_000) });
});
process.once("disconnect", async () => {
  await server.close(0);
  rmSync(home, { recursive: true, force: true });
});
process.send?.({ port: Number(new URL(server.url).port) });
