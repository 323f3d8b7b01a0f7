// `daybook limits`: the limits of single keys and users.
import { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import { LIMIT_NAMES, LIMITS, type LimitName } from "../limits/limits.ts";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printDone,
  printEntity,
  segment,
  withAdmin,
} from "./admin.ts";

interface Given extends AdminFlags {
  readonly key?: string;
  readonly user?: string;
  readonly reason?: string;
}

/** The verb `limits`. Fails as admin.ts says. */
export function limitsCommand(parts: AdminParts): Command {
  const set = subjectCommand("set", "Set the limits of a key or user, in place of those it had.");
  for (const name of LIMIT_NAMES)
    set.option(`${flagOf(name)} <number>`, `${LIMITS[name].about.slice(0, -1)}; none: no limit`);
  set.option("--reason <text>", "recorded with the change").action((flags: Given & Record<string, string>) =>
    withAdmin(parts, flags, async (admin) => {
      const limits = limitsOf(flags);
      const answer = await admin.ask("PUT", pathOf(flags), { ...limits, justification: flags.reason });
      await print(parts, flags, answer);
    }),
  );
  return new Command("limits")
    .description("Limits of keys and users: show, set and remove them.")
    .addCommand(
      subjectCommand("show", "The limits that a key or user has of its own.").action((flags: Given) =>
        withAdmin(parts, flags, async (admin) => print(parts, flags, await admin.ask("GET", pathOf(flags)))),
      ),
    )
    .addCommand(set)
    .addCommand(
      subjectCommand("remove", "Take away the limits of a key or user: those of the configuration hold.")
        .option("--reason <text>", "recorded with the change")
        .action((flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            await admin.ask("DELETE", pathOf(flags), { justification: flags.reason });
            printDone(parts, flags, "Removed: the limits of the configuration hold.");
          }),
        ),
    );
}

function subjectCommand(name: string, about: string): Command {
  return adminCommand(name, about)
    .option("--key <id>", "of this API key")
    .option("--user <user>", "of this user, by id or name, over all keys");
}

function pathOf({ key, user }: Given): string {
  if ((key === undefined) === (user === undefined))
    throw new DaybookError("bad_argument", "Say whose limits: --key ID or --user USER.");
  return key === undefined
    ? `/admin/users/${segment(user ?? "")}/limits`
    : `/admin/api-keys/${segment(key)}/limits`;
}

const flagOf = (name: LimitName) => `--${name.replaceAll("_", "-")}`;
const camel = (name: LimitName) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function limitsOf(flags: Readonly<Record<string, string>>): Record<string, number | null> {
  const given = LIMIT_NAMES.flatMap((name) => {
    const text = flags[camel(name)];
    return text === undefined ? [] : [[name, numberOf(flagOf(name), text)] as const];
  });
  if (given.length > 0) return Object.fromEntries(given);
  throw new DaybookError("bad_argument", `Name a limit: ${LIMIT_NAMES.map(flagOf).join(", ")}.`);
}

function numberOf(flag: string, text: string): number | null {
  if (text === "none") return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new DaybookError(
    "bad_argument",
    `${flag} takes a whole number, or none, not ${JSON.stringify(text)}.`,
  );
}

/** One limit a line; as JSON, as the API answers. */
async function print(parts: AdminParts, flags: Given, answer: Entity): Promise<void> {
  const { limits, ...subject } = answer as { readonly limits: Record<string, number | null> };
  const shown = Object.entries(limits).map(([name, value]) => [name, value ?? "none"]);
  await printEntity(parts, flags, flags.json ? answer : { ...subject, ...Object.fromEntries(shown) });
}
