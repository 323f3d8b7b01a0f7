// `daybook hold`: legal holds, by the filters of every verb that reads the trail.
import { Command } from "commander";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printEntity,
  segment,
  withAdmin,
} from "./admin.ts";
import { type FilterFlags, filterParameters, withFilters } from "./filters.ts";
import { listCommand } from "./small-verbs.ts";

const PATH = "/admin/holds";
const COLUMNS = ["id", "filter", "reason", "created_at", "released_at", "release_reason"];

interface Given extends AdminFlags, FilterFlags {
  readonly reason?: string;
}

/** The verb `hold`. Fails as admin.ts says. */
export function holdCommand(parts: AdminParts): Command {
  return new Command("hold")
    .description("Legal holds: events that neither retention nor erasure may touch.")
    .addCommand(
      withFilters(adminCommand("add", "Hold the events that the filter finds, now and later."))
        .option("--reason <text>", "recorded with the change")
        .action((flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const body = { filter: valuesOf(filterParameters(flags)), justification: flags.reason };
            const hold = await admin.ask("POST", PATH, body);
            await printEntity(parts, flags, flags.json ? hold : shown(hold));
          }),
        ),
    )
    .addCommand(
      listCommand(parts, "Holds, newest first, released ones too.", {
        path: PATH,
        columns: COLUMNS,
        inWords: shown,
      }),
    )
    .addCommand(
      adminCommand("release", "End a hold.")
        .argument("<id>", "hld_…")
        .requiredOption("--reason <text>", "recorded with the change")
        .action((id: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const path = `${PATH}/${segment(id)}/release`;
            const hold = await admin.ask("POST", path, { justification: flags.reason });
            await printEntity(parts, flags, flags.json ? hold : shown(hold));
          }),
        ),
    );
}

function valuesOf(parameters: URLSearchParams): Record<string, string[]> {
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]));
}

/** The filter on one line. */
function shown(hold: Entity): Entity {
  const filter = Object.entries((hold.filter ?? {}) as Record<string, string[]>);
  return { ...hold, filter: filter.map(([name, values]) => `${name}=${values.join(",")}`).join(" ") };
}
