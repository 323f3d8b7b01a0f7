// `daybook users`: who may log in, own keys and tokens.
import { Command } from "commander";
import { usersActivityCommand } from "./activity.ts";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  printEntity,
  secretFrom,
  segment,
  withAdmin,
} from "./admin.ts";
import { listCommand, removeCommand } from "./small-verbs.ts";

const PATH = "/admin/users";
const COLUMNS = ["id", "name", "role", "password_stored", "created_at", "disabled_at"];
const PASSWORD = "file that holds the password; -: standard input";

interface Given extends AdminFlags {
  readonly name?: string;
  readonly role?: string;
  readonly passwordFile?: string;
  readonly reason?: string;
  readonly disable?: true;
  readonly enable?: true;
}

/** The verb `users`. Fails as admin.ts says. */
export function usersCommand(parts: AdminParts): Command {
  const password = async ({ passwordFile }: Given) =>
    passwordFile === undefined ? {} : { password: await secretFrom(parts, passwordFile) };
  return new Command("users")
    .description("Users: list, create, change and delete them; what they did.")
    .addCommand(listCommand(parts, "All users, newest first.", { path: PATH, columns: COLUMNS }))
    .addCommand(usersActivityCommand(parts))
    .addCommand(
      adminCommand("create", "Make a user.")
        .argument("<name>", "to log in with")
        .requiredOption("--role <role>", "viewer, auditor or admin")
        .option("--password-file <file>", `${PASSWORD}. Without one the user cannot log in`)
        .action(async (name: string, flags: Given) => {
          const body = { name, role: flags.role, ...(await password(flags)) };
          await withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, await admin.ask("POST", PATH, body)),
          );
        }),
    )
    .addCommand(
      adminCommand("update", "Change a user; what is not given stays.")
        .argument("<user>", "id or name")
        .option("--name <name>", "another name")
        .option("--role <role>", "viewer, auditor or admin")
        .option("--password-file <file>", `${PASSWORD}. Ends the user's sessions`)
        .option("--disable", "shut out the user's sessions, keys and tokens")
        .option("--enable", "let a disabled user in again")
        .option("--reason <text>", "recorded with the change")
        .action(async (user: string, flags: Given) => {
          const { name, role, disable, enable, reason: justification } = flags;
          const disabled = disable ?? (enable === undefined ? undefined : false);
          const body = { name, role, disabled, justification, ...(await password(flags)) };
          await withAdmin(parts, flags, async (admin) =>
            printEntity(parts, flags, await admin.ask("PATCH", `${PATH}/${segment(user)}`, body)),
          );
        }),
    )
    .addCommand(
      removeCommand(parts, "delete", "Delete a user; sessions, keys and tokens of it are refused at once.", {
        path: PATH,
        argument: ["<user>", "id or name"],
        done: (user) => `Deleted the user ${user}.`,
      }),
    );
}
