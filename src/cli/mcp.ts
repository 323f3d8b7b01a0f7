// `daybook mcp`: MCP servers behind the gateway, how they are and what the trail says of their tools; and the wrapper for
// servers over stdio. Header values come from files or standard input, never from the command line.
import { Command } from "commander";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  headersFrom,
  printEntity,
  printList,
  segment,
  withAdmin,
} from "./admin.ts";
import { wrapCommand } from "./mcp-wrap.ts";
import { removeCommand } from "./small-verbs.ts";

const PATH = "/admin/mcp/servers";
const COLUMNS = [
  "name",
  "source",
  "url",
  "enabled",
  "state",
  "last_seen_at",
  "tools",
  "calls",
  "failed",
  "p95_ms",
];
const TOOL_COLUMNS = ["server", "action", "name", "calls", "failed", "p95_ms"];

interface Given extends AdminFlags {
  readonly name?: string;
  readonly mcpUrl?: string;
  readonly headersFile?: string;
  readonly caFile?: string;
  readonly timeout?: string;
  readonly tools?: true;
  readonly enable?: true;
  readonly disable?: true;
  readonly reason?: string;
}

/** The verb `mcp`. Fails as admin.ts says. */
export function mcpCommand(parts: AdminParts): Command {
  return new Command("mcp")
    .description("MCP servers: list and change them; wrap one over stdio.")
    .addCommand(
      adminCommand("list", "All MCP servers, how they are, and what the trail says of them.")
        .option("--tools", "a line for each tool, resource and prompt")
        .action((flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const servers = await admin.list(PATH);
            if (flags.json) return printList(parts, flags, servers, COLUMNS);
            if (flags.tools) return printList(parts, flags, servers.flatMap(toolsOf), TOOL_COLUMNS);
            return printList(parts, flags, servers.map(short), COLUMNS);
          }),
        ),
    )
    .addCommand(
      withOptions(adminCommand("create", "Put an MCP server behind the gateway, at /mcp/<name>."))
        .argument("<name>")
        .requiredOption("--mcp-url <url>", "of a streamable HTTP server")
        .option("--disable", "not to be asked yet")
        .action(async (name: string, flags: Given) => {
          const body = { name, ...(await bodyOf(parts, flags)) };
          await withAdmin(parts, flags, async (admin) =>
            printServer(parts, flags, await admin.ask("POST", PATH, body)),
          );
        }),
    )
    .addCommand(
      withOptions(adminCommand("update", "Change what is given; the rest stays as it is."))
        .argument("<name>")
        .option("--name <name>", "another name")
        .option("--mcp-url <url>", "of a streamable HTTP server")
        .option("--enable", "to be asked again")
        .option("--disable", "not to be asked any more")
        .action(async (name: string, flags: Given) => {
          const body = { name: flags.name, ...(await bodyOf(parts, flags)) };
          await withAdmin(parts, flags, async (admin) =>
            printServer(parts, flags, await admin.ask("PATCH", `${PATH}/${segment(name)}`, body)),
          );
        }),
    )
    .addCommand(
      removeCommand(parts, "delete", "Take an MCP server away, with its headers.", {
        path: PATH,
        argument: ["<name>"],
        done: (name) => `Deleted the MCP server ${name}.`,
      }),
    )
    .addCommand(wrapCommand(parts));
}

function withOptions(command: Command): Command {
  return command
    .option("--headers-file <file>", "file with a line `Name: value` for each header; - for standard input")
    .option("--ca-file <file>", "certificates (PEM) to trust for it, on the server's disk")
    .option("--timeout <ms>", "of a request")
    .option("--reason <text>", "recorded with the change");
}

async function bodyOf(parts: AdminParts, flags: Given) {
  const { headersFile, timeout, enable, disable } = flags;
  return {
    url: flags.mcpUrl,
    headers: headersFile === undefined ? undefined : await headersFrom(parts, headersFile),
    ca_file: flags.caFile,
    timeout_ms: timeout === undefined ? undefined : Number(timeout),
    enabled: disable ? false : enable,
    justification: flags.reason,
  };
}

type Entity = Readonly<Record<string, unknown>>;

function printServer(parts: AdminParts, flags: Given, server: Entity): Promise<void> {
  return printEntity(parts, flags, flags.json ? server : short(server));
}

/** What people see of a server on one line. */
function short({ health, usage, offers, ...server }: Entity): Entity {
  const { state, last_seen_at } = (health ?? {}) as Entity;
  const { calls, failed, p95_ms } = usage as Entity;
  const { tools } = offers as { tools: readonly string[] };
  return { ...server, state, last_seen_at, tools: tools.length, calls, failed, p95_ms };
}

function toolsOf({ name: server, usage }: Entity): Entity[] {
  const { names } = usage as { names: readonly Entity[] };
  return names.map((each) => ({ server, ...each }));
}
