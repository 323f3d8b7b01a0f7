// `daybook mcp wrap`: stands between an MCP client and a server that it starts over stdio, so that one line more in the
// client's configuration puts every call into the trail. Signals go to the server, and its exit code, or the signal that
// ended it, is the command's own.
import { userInfo } from "node:os";
import { Command } from "commander";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError } from "../event/errors.ts";
import { TOKEN } from "../providers/checks.ts";
import type { AdminParts } from "./admin.ts";

interface Flags {
  readonly server: string;
  readonly user?: string;
  readonly config?: string;
  readonly profile?: string;
}

export function wrapCommand(parts: AdminParts): Command {
  return new Command("wrap")
    .description("Start an MCP server over stdio and record every call that goes to it.")
    .requiredOption("--server <name>", "its name in the trail")
    .option("--user <name>", "whose calls these are (default: the user of the operating system)")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .argument("<command>", "the server's command, after --")
    .argument("[args...]", "its arguments")
    .action((command: string, args: string[], flags: Flags) => wrap(parts, flags, command, args));
}

async function wrap(
  parts: AdminParts,
  { server, user = userInfo().username, ...flags }: Flags,
  command: string,
  args: readonly string[],
): Promise<void> {
  if (!TOKEN.test(server))
    throw new DaybookError("bad_argument", "--server: letters, digits, dots, hyphens and underscores only.");
  const config = await loadConfig({ ...parts, flags });
  const { wrapMcpServer } = await import("../server/mcp-wrap.ts");
  const { stdin, stdout } = process;
  // A client that reads no more ends the server, and then the command, with its events: not the command at once.
  stdout.removeAllListeners("error").on("error", () => {});
  const { code, signal } = await wrapMcpServer({ config, server, user, command, args, stdin, stdout });
  if (signal === null) process.exitCode = code ?? 1;
  else process.kill(process.pid, signal);
  // What the client may still have to say is for nobody any more.
  stdin.destroy();
}
