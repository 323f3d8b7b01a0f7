// `daybook schedules`: exports that a server makes again and again.
import { Command } from "commander";
import { type AdminFlags, type AdminParts, adminCommand, printEntity, segment, withAdmin } from "./admin.ts";
import { type FilterFlags, filterParameters, withFilters } from "./filters.ts";
import { listCommand, removeCommand } from "./small-verbs.ts";

interface Given extends AdminFlags, FilterFlags {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly format?: string;
  readonly compression?: string;
  readonly target?: string;
  readonly keep?: string;
  readonly all?: true;
  readonly disable?: true;
  readonly enable?: true;
  readonly reason?: string;
}

const PATH = "/admin/export-schedules";
const COLUMNS = [
  "id",
  "name",
  "cron",
  "time_zone",
  "format",
  "target",
  "covers",
  "enabled",
  "next_at",
  "last_at",
  "failed",
];

/** The verb `schedules`. Fails as admin.ts says. */
export function schedulesCommand(parts: AdminParts): Command {
  return new Command("schedules")
    .description("Scheduled exports: list, create, change and run them.")
    .addCommand(
      listCommand(parts, "All schedules, and how their last runs ended.", { path: PATH, columns: COLUMNS }),
    )
    .addCommand(
      withSpec(adminCommand("create", "Make a schedule."))
        .argument("<name>", "files begin with it")
        .action((name: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, await admin.ask("POST", PATH, { name, ...specOf(flags) })),
          ),
        ),
    )
    .addCommand(
      withSpec(adminCommand("update", "Change what is given of a schedule."))
        .argument("<id>")
        .action((id: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, await admin.ask("PATCH", `${PATH}/${segment(id)}`, specOf(flags))),
          ),
        ),
    )
    .addCommand(
      removeCommand(parts, "delete", "End a schedule; what it has exported stays.", {
        path: PATH,
        argument: ["<id>"],
        done: () => "Deleted.",
      }),
    )
    .addCommand(
      adminCommand("run", "Run a schedule of a server now (--url).")
        .argument("<id>")
        .action((id: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, await admin.ask("POST", `${PATH}/${segment(id)}/run`, {})),
          ),
        ),
    );
}

function withSpec(command: Command): Command {
  return withFilters(command)
    .option("--cron <expression>", "five fields: minute, hour, day, month, day of week")
    .option("--time-zone <name>", "such as Europe/Berlin; UTC without it")
    .option("--format <format>", "jsonl, json, csv, parquet, ocsf or ecs")
    .option("--compression <how>", "none, gzip or zstd")
    .option("--target <name>", "one of export_targets in daybook.yaml")
    .option("--keep <n>", "files that stay at the target; none: all")
    .option("--all", "everything that matches each time, and not only what is new")
    .option("--disable", "keep it, and do not run it")
    .option("--enable", "run it again")
    .option("--reason <text>", "recorded with the change");
}

/** What is given, and nothing else. */
function specOf(flags: Given): Record<string, unknown> {
  const { cron, timeZone: time_zone, format, compression, target, keep, reason: justification } = flags;
  const filter = filterParameters(flags).toString();
  const enabled = flags.disable ? false : flags.enable;
  const spec = {
    ...{ cron, time_zone, format, compression, target, justification, enabled },
    covers: flags.all ? "all" : undefined,
    filter: filter === "" ? undefined : filter,
    keep: keep === undefined ? undefined : keep === "none" ? null : Number(keep),
  };
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
}
