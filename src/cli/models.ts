// `daybook models`: what clients can ask for, what providers say they serve, and what local backends hold in memory.
import { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import {
  type Admin,
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printEntity,
  segment,
  several,
  withAdmin,
} from "./admin.ts";
import { listCommand } from "./small-verbs.ts";

const PATH = "/admin/models";

interface Given extends AdminFlags {
  readonly provider?: readonly string[];
  readonly format?: string;
}

/** The verb `models`. Fails as admin.ts says. */
export function modelsCommand(parts: AdminParts): Command {
  return new Command("models")
    .description("Models: list, sync, load and unload them.")
    .addCommand(
      listCommand(parts, "Models by their public names.", {
        path: PATH,
        columns: ["id", "route", "providers"],
      }),
    )
    .addCommand(
      adminCommand("sync", "Ask providers which models they serve, and keep what they say.")
        .option("--provider <name>", "only this one (may be repeated)", several)
        .option("--format <format>", "ids: sorted, each once, one a line; json: by provider", "ids")
        .action((flags: Given) => withAdmin(parts, flags, (admin) => sync(parts, flags, admin))),
    )
    .addCommand(
      adminCommand("load", "Load a model into the memory of its local backend.")
        .argument("<model>")
        .action((model: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, await admin.ask("POST", `${PATH}/${segment(model)}/preload`)),
          ),
        ),
    )
    .addCommand(
      adminCommand("unload", "Take a model out of that memory; its files stay.")
        .argument("<model>")
        .action((model: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, await admin.ask("DELETE", `${PATH}/${segment(model)}`)),
          ),
        ),
    );
}

/** A provider that fails does not keep the others from being asked; then the exit code is 1. */
async function sync({ out, err }: AdminParts, flags: Given, admin: Admin): Promise<void> {
  const format = flags.json ? "json" : flags.format;
  if (format !== "ids" && format !== "json")
    throw new DaybookError("bad_argument", `--format takes ids or json, not ${JSON.stringify(format)}.`);
  const found: Entity[] = [];
  for (const name of flags.provider ?? (await enabledProviders(admin))) {
    try {
      found.push(await admin.ask("POST", `/admin/providers/${segment(name)}/sync`));
    } catch (error) {
      if (!(error instanceof DaybookError) || flags.provider?.length === 1) throw error;
      err.write(`${name}: ${error.message}\n`);
      process.exitCode = 1;
    }
  }
  if (format === "json") out.write(`${JSON.stringify(found)}\n`);
  else {
    const ids = new Set(found.flatMap(({ models }) => models as string[]));
    out.write(
      [...ids]
        .sort()
        .map((id) => `${id}\n`)
        .join(""),
    );
  }
}

async function enabledProviders(admin: Admin): Promise<string[]> {
  const providers = await admin.list("/admin/providers");
  return providers.filter(({ enabled }) => enabled === true).map(({ name }) => String(name));
}
