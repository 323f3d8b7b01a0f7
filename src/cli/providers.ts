// `daybook providers`: where requests go. Keys and header values come from files or standard input, never from the
// command line, and are never shown.
import { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  headersFrom,
  printEntity,
  secretFrom,
  segment,
  several,
  withAdmin,
} from "./admin.ts";
import { listCommand, removeCommand } from "./small-verbs.ts";

const PATH = "/admin/providers";
const COLUMNS = ["name", "source", "backend_type", "protocols", "base_url", "api_key_stored", "enabled"];

interface Given extends AdminFlags {
  readonly name?: string;
  readonly type?: string;
  readonly protocol?: readonly string[];
  readonly baseUrl?: string;
  readonly apiVersion?: string;
  readonly keyFile?: string;
  readonly headersFile?: string;
  readonly caFile?: string;
  readonly passThrough?: readonly string[];
  readonly enable?: true;
  readonly disable?: true;
  readonly reason?: string;
}

/** The verb `providers`. Fails as admin.ts says. */
export function providersCommand(parts: AdminParts): Command {
  return new Command("providers")
    .description("Providers: list, create, change, delete and try them.")
    .addCommand(listCommand(parts, "All providers, without their keys.", { path: PATH, columns: COLUMNS }))
    .addCommand(
      adminCommand("show", "One provider and how it is.")
        .argument("<name>")
        .action((name: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, flat(await admin.ask("GET", `${PATH}/${segment(name)}`), flags)),
          ),
        ),
    )
    .addCommand(
      withOptions(adminCommand("create", "Make a provider. A known name needs no more than its key."))
        .argument("<name>", "openai, anthropic, ollama, … or any other")
        .option("--disable", "not to be asked yet")
        .action(async (name: string, flags: Given) => {
          const body = { name, ...(await bodyOf(parts, flags)) };
          await withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, flat(await admin.ask("POST", PATH, body), flags)),
          );
        }),
    )
    .addCommand(
      withOptions(adminCommand("update", "Change what is given; the rest stays as it is."))
        .argument("<name>")
        .option("--name <name>", "another name")
        .option("--enable", "to be asked again")
        .option("--disable", "not to be asked any more")
        .action(async (name: string, flags: Given) => {
          const body = { name: flags.name, ...(await bodyOf(parts, flags)) };
          await withAdmin(parts, flags, async (admin) =>
            printEntity(
              parts,
              flags,
              flat(await admin.ask("PATCH", `${PATH}/${segment(name)}`, body), flags),
            ),
          );
        }),
    )
    .addCommand(
      removeCommand(parts, "delete", "Take a provider away, with its key.", {
        path: PATH,
        argument: ["<name>"],
        done: (name) => `Deleted the provider ${name}.`,
      }),
    )
    .addCommand(
      adminCommand("test", "Make one cheap call and say how it went; exit code 1 when it failed.")
        .argument("<name>")
        .action((name: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const answer = await admin.ask("POST", `${PATH}/${segment(name)}/test`);
            await printEntity(parts, flags, answer);
            if (answer.ok !== true) process.exitCode = 1;
          }),
        ),
    );
}

function withOptions(command: Command): Command {
  return command
    .option("--type <word>", "whose it is: openai, anthropic, azure, local, or any other word")
    .option("--protocol <name>", "openai or anthropic (may be repeated)", several)
    .option("--base-url <url>", "with or without /v1")
    .option("--api-version <version>", "Azure: address deployments with it")
    .option("--key-file <file>", "file that holds its key; - for standard input")
    .option("--headers-file <file>", "file with a line `Name: value` for each header; - for standard input")
    .option("--ca-file <file>", "certificates (PEM) to trust for it, on the server's disk")
    .option("--pass-through <prefix>", "path below /v1/ to pass on as it is (may be repeated)", several)
    .option("--reason <text>", "recorded with the change");
}

async function bodyOf(parts: AdminParts, flags: Given) {
  const { keyFile, headersFile, enable, disable } = flags;
  if (keyFile === "-" && headersFile === "-")
    throw new DaybookError(
      "bad_argument",
      "Only one of --key-file and --headers-file can be standard input.",
    );
  return {
    backend_type: flags.type,
    protocols: flags.protocol,
    base_url: flags.baseUrl,
    api_version: flags.apiVersion,
    api_key: keyFile === undefined ? undefined : await secretFrom(parts, keyFile),
    headers: headersFile === undefined ? undefined : await headersFrom(parts, headersFile),
    ca_file: flags.caFile,
    pass_through: flags.passThrough,
    enabled: disable ? false : enable,
    justification: flags.reason,
  };
}

/** What is within a member as members of their own, for people. */
function flat(entity: Readonly<Record<string, unknown>>, { json }: AdminFlags): Record<string, unknown> {
  if (json) return entity;
  return Object.fromEntries(
    Object.entries(entity).flatMap(([name, value]) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([key, child]) => [`${name} ${key}`, child])
        : [[name, value]],
    ),
  );
}
