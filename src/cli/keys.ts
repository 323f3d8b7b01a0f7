// `daybook keys`: what clients of the gateway present.
import { Command } from "commander";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  expiryOf,
  printEntity,
  secondsOf,
  segment,
  several,
  withAdmin,
} from "./admin.ts";
import { listCommand, removeCommand } from "./small-verbs.ts";

const PATH = "/admin/api-keys";
const COLUMNS = ["id", "name", "user_id", "models", "prefix", "created_at", "expires_at", "revoked_at"];

interface Given extends AdminFlags {
  readonly user?: string;
  readonly model?: readonly string[];
  readonly expires?: string;
  readonly overlap?: string;
  readonly reason?: string;
}

/** The verb `keys`. Fails as admin.ts says. */
export function keysCommand(parts: AdminParts): Command {
  return new Command("keys")
    .description("API keys: list, create, rotate and revoke them.")
    .addCommand(
      listCommand(parts, "All keys, newest first, without their secrets.", { path: PATH, columns: COLUMNS }),
    )
    .addCommand(
      adminCommand("create", "Make a key; its secret is shown this once.")
        .argument("<name>", "for people")
        .option("--user <user>", "id or name of its owner")
        .option(
          "--model <glob>",
          "model that it may ask for, such as gpt-*; else every one (may be repeated)",
          several,
        )
        .option("--expires <time>", "90d from now, or ISO 8601 with a zone; else never")
        .action((name: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const { user: user_id, model: models, expires } = flags;
            const expires_at = expires === undefined ? undefined : expiryOf(expires, parts.now());
            await printEntity(
              parts,
              flags,
              await admin.ask("POST", PATH, { name, user_id, models, expires_at }),
            );
          }),
        ),
    )
    .addCommand(
      adminCommand("rotate", "Give a key another secret, shown this once.")
        .argument("<id>", "key_…")
        .option("--overlap <span>", "how long the old secret stays good: 30s, 10m, 2h, 7d", "1d")
        .option("--reason <text>", "recorded with the change")
        .action((id: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const { overlap = "1d", reason: justification } = flags;
            const body = { overlap_seconds: secondsOf("--overlap", overlap), justification };
            await printEntity(parts, flags, await admin.ask("POST", `${PATH}/${segment(id)}/rotate`, body));
          }),
        ),
    )
    .addCommand(
      removeCommand(parts, "revoke", "Revoke a key: requests with it are refused at once.", {
        path: PATH,
        argument: ["<id>", "key_…"],
        done: (id) => `Revoked ${id}.`,
      }),
    );
}
