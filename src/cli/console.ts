// `daybook console`: the trail of another Daybook on this machine, at the paths of `/api/system/`.
import { Command } from "commander";
import { parseListen } from "../config/address.ts";
import type { Environment } from "../config/environment.ts";
import { DaybookError } from "../event/errors.ts";
import { remoteOf } from "./remote.ts";

interface Flags {
  readonly upstream: string;
  readonly tokenFile?: string;
  readonly listen: string;
}

/** The verb `console`: prints its URL as one line and serves until SIGTERM or SIGINT. */
export function consoleCommand({ env }: { readonly env: Environment }): Command {
  return new Command("console")
    .description("Show another Daybook's trail at /api/system/ on this machine; its token stays here.")
    .requiredOption("--upstream <url>", "the other Daybook; needs DAYBOOK_TOKEN or --token-file")
    .option("--token-file <file>", "file that holds the token")
    .option("--listen <address>", "where to listen, on this machine", "127.0.0.1:4142")
    .action(async ({ upstream, tokenFile, listen: text }: Flags, command: Command) => {
      const remote = await remoteOf(env, { url: upstream, tokenFile });
      if (remote === null)
        throw new DaybookError("bad_argument", "--upstream takes the other Daybook's address.");
      const listen = parseListen(text);
      if (listen === null)
        throw new DaybookError("bad_argument", "--listen takes host:port, such as 127.0.0.1:4142.");
      const { openConsole } = await import("../server/console.ts");
      const console = await openConsole({ upstream: remote.url, token: remote.token, listen });
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void console.close());
      command.configureOutput().writeOut?.(`${console.url}\n`);
    });
}
