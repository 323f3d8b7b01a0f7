// Runs the simulated provider on its own: `node src/simulator/main.ts [--host 127.0.0.1] [--port 0]`.
// Prints its URL as one line and serves until SIGTERM or SIGINT.
import { parseArgs } from "node:util";
import { openSimulator } from "./simulator.ts";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
  },
});

const simulator = await openSimulator({ host: values.host, port: Number(values.port) });
process.stdout.write(`${simulator.url}\n`);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void simulator.close());
