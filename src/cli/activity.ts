// `daybook users activity` and `daybook sessions`: who did how much, by the API's own routes.
import type { Command } from "commander";
import type { SessionsJson, UsersJson } from "../read/activity-json.ts";
import { type AdminFlags, type AdminParts, adminCommand, withAdmin } from "./admin.ts";
import { type FilterFlags, filterParameters, withFilters } from "./filters.ts";
import { plainTable } from "./plain-table.ts";

interface Flags extends FilterFlags, AdminFlags {
  readonly days?: string;
  readonly minActions?: string;
  readonly limit?: string;
  readonly bucket?: string;
}

const NAMES = [
  "requests",
  "failed",
  "first_activity",
  "last_activity",
  "p95_ms",
  "total_tokens",
  "cost_micros",
] as const;
const HEAD = NAMES.map((name) => name.replaceAll("_", " "));

export function usersActivityCommand(parts: AdminParts): Command {
  return activityCommand("activity", "What each user did, those with the most requests first.")
    .option("--bucket <width>", "hour or day: sums by time too, with --json")
    .action((flags: Flags) =>
      show<UsersJson>(parts, "users", flags, ({ users }) =>
        plainTable(
          ["user", ...HEAD, "sessions"],
          users.map((user) => [user.user_id, ...NAMES.map((name) => user[name]), user.unique_sessions]),
        ),
      ),
    );
}

/** The verb `sessions`. Fails as admin.ts says. */
export function sessionsCommand(parts: AdminParts): Command {
  return activityCommand("sessions", "What was done in each session, the latest first.").action(
    (flags: Flags) =>
      show<SessionsJson>(parts, "sessions", flags, ({ sessions }) =>
        plainTable(
          ["session", "users", ...HEAD],
          sessions.map((session) => [
            session.session_id,
            session.user_ids,
            ...NAMES.map((name) => session[name]),
          ]),
        ),
      ),
  );
}

function activityCommand(name: string, about: string): Command {
  return withFilters(adminCommand(name, about))
    .option("--days <number>", "so many days, instead of --since; 7 unless given")
    .option("--min-actions <number>", "leave out who has fewer requests")
    .option("--limit <number>", "at most so many; 100 unless given");
}

async function show<Answer>(
  parts: AdminParts,
  what: "users" | "sessions",
  flags: Flags,
  textOf: (answer: Answer) => string,
): Promise<void> {
  const parameters = filterParameters(flags);
  const { days, minActions: min_actions, limit, bucket } = flags;
  for (const [name, value] of Object.entries({ days, min_actions, limit, bucket }))
    if (value !== undefined) parameters.set(name, value);
  const answer = await withAdmin(parts, flags, (admin) =>
    admin.ask("GET", `/admin/audit-logs/${what}?${parameters}`),
  );
  parts.out.write(flags.json ? `${JSON.stringify(answer)}\n` : textOf(answer as unknown as Answer));
}
