// The flags that say which events, for every verb that reads the trail.
import type { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import { hintFor } from "../query/terms.ts";

export interface FilterFlags {
  readonly since?: string;
  readonly until?: string;
  readonly status?: readonly string[];
  readonly model?: readonly string[];
  readonly kind?: readonly string[];
  readonly user?: readonly string[];
  readonly query?: string;
  readonly tool?: string;
  readonly resource?: string;
  readonly prompt?: string;
  readonly type?: string;
  readonly policy?: readonly string[];
  readonly filter?: readonly string[];
  readonly includeSystem?: true;
}

export function withFilters(command: Command): Command {
  const several = (value: string, before: readonly string[] = []) => [...before, value];
  return command
    .option("--since <time>", "recorded at or after: ISO 8601 with a zone, ms, or 30s, 10m, 2h, 7d ago")
    .option("--until <time>", "recorded at or before")
    .option("--status <status>", "success, error, timeout or cancelled (may be repeated)", several)
    .option("--model <name>", "as asked for (may be repeated)", several)
    .option("--kind <kind>", "inference, mcp, admin, … (may be repeated)", several)
    .option("--user <id>", "who did it (may be repeated)", several)
    .option("--query <text>", "a query as text, such as 'status:error tokens>1000 -model:gpt-*'")
    .option("--tool <name>", "calls of this MCP tool")
    .option("--resource <uri>", "reads of this MCP resource, by its template")
    .option("--prompt <name>", "gets of this MCP prompt")
    .option("--type <type>", "tool, resource or prompt")
    .option("--policy <decision>", "allow, warn, deny or n/a (may be repeated)", several)
    .option("--filter <name=value>", "any parameter of docs/reference/api.md (may be repeated)", several)
    .option("--include-system", "show Daybook's events about itself too");
}

/** What may stand without a flag: words of a query, `-model:gpt-*` among them. */
export function withWords(command: Command): Command {
  return command
    .argument("[query...]", "as for --query; what a shell would take for itself needs quotes")
    .allowUnknownOption()
    .hook("preAction", (_, { args }) => {
      const wrong = args.find((word) => word.startsWith("--"));
      if (wrong === undefined) return;
      const hint = hintFor(
        wrong,
        command.options.flatMap(({ long }) => long ?? []),
      ).trim();
      command.error(`error: unknown option '${wrong}'${hint === "" ? "" : `\n(${hint})`}`, {
        code: "commander.unknownOption",
      });
    });
}

/** The flags in the one grammar of queries, so that here and there the same is understood and refused. */
export function filterParameters(flags: FilterFlags, words: readonly string[] = []): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const text of [words.join(" "), flags.query ?? ""])
    if (text.trim() !== "") parameters.append("q", text);
  for (const text of flags.filter ?? []) {
    const at = text.indexOf("=");
    if (at < 1)
      throw new DaybookError("bad_argument", `--filter takes name=value, not ${JSON.stringify(text)}.`);
    parameters.append(text.slice(0, at), text.slice(at + 1));
  }
  for (const [name, value] of mcpParameters(flags)) parameters.append(name, value);
  const named = {
    policy_decision: flags.policy,
    status: flags.status,
    model: flags.model,
    kind: flags.kind,
    user_id: flags.user,
  };
  for (const [name, values] of Object.entries(named))
    for (const value of values ?? []) parameters.append(name, value);
  if (flags.since !== undefined) parameters.append("since", flags.since);
  if (flags.until !== undefined) parameters.append("until", flags.until);
  if (flags.includeSystem) parameters.set("include", "system");
  return parameters;
}

const MCP_TYPES = ["tool", "resource", "prompt"] as const;

/** A tool is not a prompt of the same name. */
function mcpParameters(flags: FilterFlags): [string, string][] {
  const named = MCP_TYPES.filter((type) => flags[type] !== undefined);
  const types = new Set<string>(flags.type === undefined ? named : [flags.type, ...named]);
  const [type] = types;
  if (type === undefined) return [];
  if (types.size > 1)
    throw new DaybookError(
      "bad_argument",
      "--tool, --resource, --prompt and --type do not go together: choose one.",
    );
  if (!(MCP_TYPES as readonly string[]).includes(type))
    throw new DaybookError(
      "bad_argument",
      `--type takes tool, resource or prompt, not ${JSON.stringify(type)}.`,
    );
  const name = named[0] === undefined ? undefined : flags[named[0]];
  return [
    ["kind", "mcp"],
    ["action", type],
    ...(name === undefined ? [] : [["name", name] as [string, string]]),
  ];
}
