// `daybook credits`: what users have, and what they are given. Amounts are credits, as people say them: 1 credit is
// 1 USD; the API counts in millionths.
import { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printEntity,
  printList,
  segment,
  withAdmin,
} from "./admin.ts";

const COLUMNS = ["id", "kind", "credits", "reason", "reverses", "created_at"];
const AMOUNT = "credits (1 credit is 1 USD), with at most 6 decimals";

interface Given extends AdminFlags {
  readonly reason?: string;
  readonly by?: string;
}

/** The verb `credits`. Fails as admin.ts says. */
export function creditsCommand(parts: AdminParts): Command {
  const enter = (flags: Given, path: string, body: Entity) =>
    withAdmin(parts, flags, async (admin) => {
      const entry = await admin.ask("POST", path, { ...body, reason: flags.reason });
      await printEntity(parts, flags, flags.json ? entry : inCredits(entry));
    });
  return new Command("credits")
    .description("Credit of users: show, grant, adjust and reverse it.")
    .addCommand(
      adminCommand("show", "What a user has.")
        .argument("<user>", "id or name")
        .action((user: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const balance = await admin.ask("GET", pathOf(user));
            await printEntity(parts, flags, flags.json ? balance : inCredits(balance));
          }),
        ),
    )
    .addCommand(
      adminCommand("list", "What a user was given and what was taken back, newest first.")
        .argument("<user>", "id or name")
        .action((user: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const entries = await admin.list(`${pathOf(user)}/entries`);
            await printList(parts, flags, flags.json ? entries : entries.map(inCredits), COLUMNS);
          }),
        ),
    )
    .addCommand(
      adminCommand("grant", "Give credit. From then on the user's requests are refused when it is used up.")
        .argument("<user>", "id or name")
        .argument("<amount>", AMOUNT)
        .requiredOption("--reason <text>", "recorded with the change")
        .action((user: string, amount: string, flags: Given) =>
          enter(flags, `${pathOf(user)}/grant`, { amount_microcredits: microsOf(amount) }),
        ),
    )
    .addCommand(
      adminCommand("adjust", "Correct credit, either way.")
        .argument("<user>", "id or name")
        .requiredOption("--by <amount>", `${AMOUNT}; below zero takes away`)
        .requiredOption("--reason <text>", "recorded with the change")
        .action((user: string, flags: Given) =>
          enter(flags, `${pathOf(user)}/adjust`, { amount_microcredits: microsOf(flags.by ?? "") }),
        ),
    )
    .addCommand(
      adminCommand("reverse", "Take an entry back, once.")
        .argument("<user>", "id or name")
        .argument("<entry>", "crd_…")
        .requiredOption("--reason <text>", "recorded with the change")
        .action((user: string, entry: string, flags: Given) =>
          enter(flags, `${pathOf(user)}/entries/${segment(entry)}/reverse`, {}),
        ),
    );
}

const pathOf = (user: string) => `/admin/users/${segment(user)}/credits`;

/** `12.5` as 12,500,000. */
export function microsOf(text: string): number {
  const [, sign, whole = "", part = ""] = /^([+-]?)(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (sign === undefined)
    throw new DaybookError(
      "bad_argument",
      `An amount is a number of ${AMOUNT}, not ${JSON.stringify(text)}.`,
    );
  const micros = Number(whole) * 1_000_000 + Number(part.padEnd(6, "0"));
  return sign === "-" ? -micros : micros;
}

/** 12,500,000 as `12.500000`. */
export function creditsText(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, "0");
  return `${micros < 0 ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

/** With each `…_microcredits` as credits, under the name without it. */
function inCredits(entity: Entity): Entity {
  return Object.fromEntries(
    Object.entries(entity).map(([name, value]) => {
      if (!name.endsWith("_microcredits")) return [name, value];
      const bare = name.slice(0, -"_microcredits".length);
      return [bare === "amount" ? "credits" : bare, creditsText(Number(value))];
    }),
  );
}
