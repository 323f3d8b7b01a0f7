// `daybook serve`: runs the gateway until it is told to stop. The first signal drains; a second one cuts what is
// still in flight, and loses no event.
import { homedir } from "node:os";
import { Command } from "commander";
import pc from "picocolors";
import type { Config } from "../config/config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import type { Server } from "../server/server.ts";

export function serveCommand(): Command {
  return new Command("serve")
    .description("Run the gateway.")
    .option(
      "--config <file>",
      "configuration file (default: DAYBOOK_CONFIG, ./daybook.yaml, then daybook.yaml in the data folder)",
    )
    .option("--profile <name>", "configuration profile")
    .action(async (flags: { config?: string; profile?: string }) => {
      const { readEnvironment } = await import("../config/environment.ts");
      const { loadConfig } = await import("../config/load-config.ts");
      const { openServer } = await import("../server/server.ts");
      const { tuneCollector } = await import("../server/collector.ts");
      tuneCollector();
      const sources = { env: readEnvironment(), cwd: process.cwd(), homedir: homedir(), flags };
      const load = () => loadConfig(sources);
      const config = await load();
      const server = await openServer(config, { load });
      // Signals are answered from before anybody can know that it runs.
      const end = stopped(server);
      process.stdout.write(welcome(config, server));
      await end;
    });
}

/** What a newcomer needs, once. */
function welcome(config: Config, server: Server): string {
  const lines = [`${pc.bold("Daybook")} listens on ${pc.cyan(server.url)}   data: ${config.home}`];
  const { firstSecrets } = server;
  if (firstSecrets !== null) {
    lines.push(
      "",
      "Made on this first start, and shown only now:",
      `  admin token  ${firstSecrets.adminToken}`,
      `  API key      ${firstSecrets.apiKey}`,
    );
  }
  if (server.found.length > 0) {
    lines.push("", "Found in the environment, and kept from now on (keys encrypted):");
    for (const { variable, provider, models } of server.found)
      lines.push(`  ${variable}: provider ${provider.name}, for the models ${models.join(", ")}`);
  }
  const model = server.exampleModel;
  if (model !== null) {
    const key = firstSecrets?.apiKey ?? "$DAYBOOK_API_KEY";
    lines.push(
      "",
      "Try it:",
      ...curl(server.url, key, model),
      "",
      `Then read the trail:  ${server.url}/  (or: npm run -s daybook -- log)`,
    );
  }
  if (server.simulated) {
    lines.push(
      "",
      pc.yellow("The provider demo is a simulation built into Daybook: its answers come from no model."),
    );
  }
  return `${lines.join("\n")}\n\n`;
}

function curl(url: string, key: string, model: string): string[] {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] });
  return [
    `  curl -s ${url}/v1/chat/completions \\`,
    `    -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\`,
    `    -d '${body}'`,
  ];
}

/** Tells whoever sent SIGHUP what came of it. */
async function reload(server: Server): Promise<void> {
  try {
    const { changed, needsRestart } = await server.reload();
    const changes = changed.length === 0 ? "nothing differs" : `now in force: ${changed.join(", ")}`;
    const rest = needsRestart.length === 0 ? "" : `; at the next start: ${needsRestart.join(", ")}`;
    process.stderr.write(`Configuration read again: ${changes}${rest}.\n`);
  } catch (error) {
    const why = error instanceof DaybookError ? error.message : nativeCode(error);
    process.stderr.write(`Configuration not changed. ${why}\n`);
  }
}

/** Resolves when a signal has been answered and everything is drained. */
async function stopped(server: Server): Promise<void> {
  const first = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => {
    signals++;
    if (signals === 1) first.resolve();
    else server.cut();
  };
  const onHangUp = () => void reload(server);
  process.on("SIGHUP", onHangUp);
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  await first.promise;
  process.stderr.write("Stopping: finishing what is in flight (a second Ctrl+C cuts it short) …\n");
  await server.close();
  process.stderr.write("Stopped; everything is recorded.\n");
  process.off("SIGHUP", onHangUp);
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}
