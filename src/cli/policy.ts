// `daybook policy`: what is allowed, warned of and denied before anything is sent.
import { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printEntity,
  segment,
  several,
  withAdmin,
} from "./admin.ts";
import { listCommand, removeCommand } from "./small-verbs.ts";

const PATH = "/admin/policies";
const COLUMNS = ["id", "source", "name", "effect", "match", "when", "reason", "enabled"];

interface Given extends AdminFlags {
  readonly match?: readonly string[];
  readonly when?: string;
  readonly effect?: string;
  readonly reason?: string;
  readonly disable?: true;
  readonly justification?: string;
}

interface Asked extends Given {
  readonly kind?: string;
  readonly action?: string;
  readonly tool?: string;
  readonly server?: string;
  readonly model?: string;
  readonly user?: string;
  readonly key?: string;
  readonly maxTokens?: string;
  readonly tools?: string;
  readonly stream?: true;
  readonly arguments?: string;
}

interface Tried extends Given {
  readonly q?: string;
  readonly maxEvents?: string;
}

/** The verb `policy`. Fails as admin.ts says; `test` exits with 1 when the request would be denied. */
export function policyCommand(parts: AdminParts): Command {
  return new Command("policy")
    .description("Policies: list, add, replace, remove and try them.")
    .addCommand(
      listCommand(parts, "All policies, in their order.", { path: PATH, columns: COLUMNS, inWords }),
    )
    .addCommand(
      withOptions(adminCommand("add", "Make a policy; it holds from the next request on."))
        .argument("<name>", "unique")
        .action((name: string, flags: Given) => put(parts, flags, "POST", PATH, name)),
    )
    .addCommand(
      withOptions(adminCommand("replace", "Put another policy in its place."))
        .argument("<id>", "pol_…, or its name")
        .argument("<name>", "unique")
        .action((id: string, name: string, flags: Given) =>
          put(parts, flags, "PUT", `${PATH}/${segment(id)}`, name),
        ),
    )
    .addCommand(
      removeCommand(parts, "remove", "Take a policy away.", {
        path: PATH,
        argument: ["<id>", "pol_…, or its name"],
        flag: "justification",
        done: (id) => `Removed the policy ${id}.`,
      }),
    )
    .addCommand(testCommand(parts))
    .addCommand(dryRunCommand(parts));
}

function testCommand(parts: AdminParts): Command {
  return withPolicy(
    adminCommand("test", "What the policies say of a request, or what one with --effect alone says."),
  )
    .option("--kind <kind>", "inference or mcp; mcp where --tool or --arguments is given")
    .option("--action <action>", "chat, embedding, tool, resource, …")
    .option("--model <model>", "as a client would ask for it")
    .option("--max-tokens <n>", "the most tokens that the answer may have")
    .option("--tools <n>", "how many tools the model is offered")
    .option("--stream", "a stream is asked for")
    .option("--server <server>", "MCP server")
    .option("--tool <name>", "tool, resource or prompt")
    .option("--arguments <json>", "of the call, a JSON object")
    .option("--user <user>", "id of the user")
    .option("--key <key>", "id of the API key")
    .action((flags: Asked) =>
      withAdmin(parts, flags, async (admin) => {
        const body = { question: questionOf(flags), policy: policyOf("test", flags) };
        const answer = await admin.ask("POST", `${PATH}/test`, body);
        await printEntity(parts, flags, answer);
        if (answer.decision === "deny") process.exitCode = 1;
      }),
    );
}

function dryRunCommand(parts: AdminParts): Command {
  return withPolicy(
    adminCommand("dry-run", "What the policies, and one that is proposed, would have said of the trail."),
  )
    .argument("[name]", "of the policy that is proposed; stands for the one of this name")
    .option("--q <text>", 'which events: "model:gpt-* since:7d"')
    .option("--max-events <n>", "the newest of them are judged (10000)")
    .action((name: string | undefined, flags: Tried) =>
      withAdmin(parts, flags, async (admin) => {
        const proposed = policyOf(name ?? "proposed", flags);
        const answer = await admin.ask("POST", `${PATH}/dry-run`, {
          policies: proposed === undefined ? [] : [proposed],
          q: flags.q,
          max_events: numberOf("--max-events", flags.maxEvents),
        });
        await printEntity(parts, flags, flags.json ? answer : triedInWords(answer));
      }),
    );
}

function withPolicy(command: Command): Command {
  return command
    .option("--match <what=glob>", "kind=mcp, server=files, name=write_*, model=gpt-*, … (repeat)", several)
    .option("--when <condition>", "in CEL")
    .option("--effect <effect>", "deny, warn or allow")
    .option("--reason <text>", "told to the client, and on the event");
}

function withOptions(command: Command): Command {
  return withPolicy(command)
    .option("--disable", "not to be asked yet")
    .option("--justification <text>", "recorded with the change");
}

function put(
  parts: AdminParts,
  flags: Given,
  method: "POST" | "PUT",
  path: string,
  name: string,
): Promise<void> {
  const policy = policyOf(name, flags);
  if (policy === undefined) throw new DaybookError("bad_argument", "A policy needs --effect.");
  const body = { ...policy, enabled: !flags.disable, justification: flags.justification };
  return withAdmin(parts, flags, async (admin) => {
    const made = await admin.ask(method, path, body);
    await printEntity(parts, flags, flags.json ? made : inWords(made));
  });
}

/** undefined: the flags describe none. */
function policyOf(name: string, { match = [], when, effect, reason }: Given) {
  if (effect === undefined) {
    if (match.length === 0 && when === undefined) return undefined;
    throw new DaybookError("bad_argument", "A policy needs --effect.");
  }
  const matched: Record<string, string[]> = {};
  for (const text of match) {
    const at = text.indexOf("=");
    if (at < 1)
      throw new DaybookError("bad_argument", `--match takes what=glob, not ${JSON.stringify(text)}.`);
    const what = text.slice(0, at);
    matched[what] = [...(matched[what] ?? []), text.slice(at + 1)];
  }
  return { name, match: matched, when, effect, reason };
}

function questionOf(flags: Asked) {
  const { kind, action, tool, server, model, user, key, stream } = flags;
  const isCall = tool !== undefined || server !== undefined || flags.arguments !== undefined;
  return {
    kind: kind ?? (isCall ? "mcp" : "inference"),
    action,
    name: tool,
    server,
    model,
    user,
    key,
    stream,
    max_tokens: numberOf("--max-tokens", flags.maxTokens),
    tools: numberOf("--tools", flags.tools),
    arguments: flags.arguments === undefined ? undefined : objectOf(flags.arguments),
  };
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new DaybookError("bad_argument", `${flag} takes a number, not ${JSON.stringify(text)}.`);
}

function objectOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DaybookError("bad_argument", "--arguments takes a JSON object.", { cause: error });
  }
}

function inWords(policy: Entity): Entity {
  const { match } = policy as { match: Readonly<Record<string, readonly string[]>> };
  const words = Object.entries(match).flatMap(([what, globs]) => globs.map((glob) => `${what}=${glob}`));
  return { ...policy, match: words.length === 0 ? null : words };
}

function triedInWords(answer: Entity): Entity {
  const { transitions, examples, ...counts } = answer as {
    transitions: readonly { was: string; would_be: string; count: number }[];
    examples: readonly {
      event_id: string;
      name: string | null;
      model: string | null;
      was: { decision: string };
      would_be: { decision: string; policies: readonly string[] };
    }[];
  };
  return {
    ...counts,
    ...Object.fromEntries(transitions.map(({ was, would_be: is, count }) => [`${was} → ${is}`, count])),
    ...Object.fromEntries(
      examples
        .slice(0, 10)
        .map(({ event_id: id, name, model, was, would_be: is }) => [
          id,
          `${name ?? model ?? ""}: ${was.decision} → ${is.decision} (${is.policies.join(", ")})`,
        ]),
    ),
  };
}
