// `daybook tokens`: what people's programs present to the API.
import { Command } from "commander";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  expiryOf,
  printEntity,
  several,
  withAdmin,
} from "./admin.ts";
import { listCommand, removeCommand } from "./small-verbs.ts";

const PATH = "/admin/tokens";
const COLUMNS = [
  "id",
  "name",
  "role",
  "scopes",
  "user_id",
  "prefix",
  "created_at",
  "expires_at",
  "revoked_at",
];

interface Given extends AdminFlags {
  readonly role?: string;
  readonly scope?: readonly string[];
  readonly user?: string;
  readonly expires?: string;
  readonly reason?: string;
}

/** The verb `tokens`. Fails as admin.ts says. */
export function tokensCommand(parts: AdminParts): Command {
  return new Command("tokens")
    .description("Tokens for the API: list, create and revoke them.")
    .addCommand(
      listCommand(parts, "All tokens, newest first, without their secrets.", {
        path: PATH,
        columns: COLUMNS,
      }),
    )
    .addCommand(
      adminCommand("create", "Make a token; its secret is shown this once.")
        .argument("<name>", "for people")
        .requiredOption("--role <role>", "viewer, auditor or admin")
        .option(
          "--scope <scope>",
          "admin, audit:read or ingest; else all that the role allows (may be repeated)",
          several,
        )
        .option("--user <user>", "id or name of its owner")
        .option("--expires <time>", "90d from now, or ISO 8601 with a zone; else never")
        .action((name: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const { role, scope: scopes, user: user_id, expires } = flags;
            const expires_at = expires === undefined ? undefined : expiryOf(expires, parts.now());
            const body = { name, role, scopes, user_id, expires_at };
            await printEntity(parts, flags, await admin.ask("POST", PATH, body));
          }),
        ),
    )
    .addCommand(
      removeCommand(parts, "revoke", "Revoke a token: requests with it are refused at once.", {
        path: PATH,
        argument: ["<id>", "tok_…"],
        done: (id) => `Revoked ${id}.`,
      }),
    );
}
