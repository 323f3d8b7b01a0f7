// `daybook simulate`: the built-in simulated provider on a port of its own.
import { Command, InvalidArgumentError } from "commander";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { openSimulator, type Simulator } from "../simulator/simulator.ts";

interface Flags {
  readonly host: string;
  readonly port: number;
}

/** The verb `simulate`: prints its URL as one line and serves until SIGTERM or SIGINT. */
export function simulateCommand(): Command {
  return new Command("simulate")
    .description("Run the simulated provider on its own; it speaks OpenAI chat completions.")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", parsePort, 0)
    .action(async (flags: Flags, command: Command) => {
      const simulator = await open(flags);
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void simulator.close());
      command.configureOutput().writeOut?.(`${simulator.url}\n`);
    });
}

async function open({ host, port }: Flags): Promise<Simulator> {
  try {
    return await openSimulator({ host, port });
  } catch (error) {
    const code = nativeCode(error);
    if (code === "EADDRINUSE") throw new DaybookError("port_in_use", `${host}:${port}`, { cause: error });
    throw new DaybookError("cannot_listen", `${host}:${port} (${code})`, { cause: error });
  }
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Give a port from 0 to 65535.");
}
