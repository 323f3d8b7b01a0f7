// `daybook erase`: a person's data goes, and what was recorded still verifies. Asks for an erasure, and follows it until it
// is finished or waits for something that does not pass by itself.
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import {
  type Admin,
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printEntity,
  printList,
  segment,
  withAdmin,
} from "./admin.ts";
import { countOf } from "./amounts.ts";

interface Given extends AdminFlags {
  readonly user?: string;
  readonly reason?: string;
  readonly dryRun?: true;
  readonly list?: true;
}

const COLUMNS = ["id", "state", "waiting_for", "events", "reason", "created_at", "finished_at"];
const LOOK_MS = 250;
/** Longer than journals take to be shipped and sealed, and requests of the person to end. */
const PATIENCE_MS = 60_000;
const WAITS: Readonly<Record<string, string>> = {
  legal_hold: "a legal hold has some of it",
  policy: "a policy names the person, and must be changed or deleted first",
  store: "the store is away or busy",
  journal: "a journal is not shipped and sealed yet",
  running_requests: "requests of the person have not ended",
  another_process: "another process on the data folder has some of it in its journal",
};

/** The verb `erase`. Fails as admin.ts says, and with `refused` when it is not finished in a minute. */
export function eraseCommand(parts: AdminParts): Command {
  return adminCommand("erase", "Erase a person's data; what was recorded still verifies.")
    .option("--user <id>", "a user by id or name, or anybody by the user_id of events")
    .option("--reason <text>", "recorded with the change; may not name the person")
    .option("--dry-run", "say what would be erased, and change nothing")
    .option("--list", "list erasures, newest first, instead")
    .action((flags: Given) =>
      withAdmin(parts, flags, async (admin) => {
        if (flags.list) return printList(parts, flags, await admin.list("/admin/erasures"), COLUMNS);
        if (flags.user === undefined) throw new DaybookError("bad_argument", "Say who: --user ID.");
        const { user: user_id, reason: justification, dryRun } = flags;
        const done = dryRun
          ? await admin.ask("POST", "/admin/erasures/plan", { user_id })
          : await finished(admin, await admin.ask("POST", "/admin/erasures", { user_id, justification }));
        await printEntity(parts, flags, flags.json ? done : withoutCopies(done));
        if (!flags.json) tellCopies(parts, done);
        if (done.state === "pending")
          throw new DaybookError(
            "refused",
            `The erasure goes on, but not yet: ${WAITS[String(done.waiting_for)] ?? "it has not ended"}.`,
          );
      }),
    );
}

async function finished(admin: Admin, asked: Entity): Promise<Entity> {
  const givesUpAt = performance.now() + PATIENCE_MS;
  for (let erasure = asked; ; ) {
    if (erasure.state === "finished" || performance.now() > givesUpAt) return erasure;
    if (erasure.waiting_for === "legal_hold" || erasure.waiting_for === "policy") return erasure;
    await delay(LOOK_MS);
    erasure = await admin.ask("GET", `/admin/erasures/${segment(String(asked.id))}`);
  }
}

const withoutCopies = ({ copies: _, ...rest }: Entity): Entity => rest;

function tellCopies({ out }: AdminParts, { copies }: Entity): void {
  const made = (copies ?? []) as readonly { action: string; at: string }[];
  if (made.length === 0) return;
  out.write(
    `${countOf(made.length, "copy", "copies")} made since then may still have it; Daybook does not manage them:\n`,
  );
  for (const { action, at } of made) out.write(`  ${action} at ${at}\n`);
}
