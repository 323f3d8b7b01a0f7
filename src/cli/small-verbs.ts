// Verbs that are the same wherever they stand: `list` for what there is, and the one that takes a thing of it away.
import type { Command } from "commander";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printDone,
  printList,
  segment,
  withAdmin,
} from "./admin.ts";

export interface Listing {
  /** Of the API's list. */
  readonly path: string;
  readonly columns: readonly string[];
  /** An entry as the table shows it; with --json it stays as the API gives it. */
  readonly inWords?: (entity: Entity) => Entity;
}

/** The verb `list`. */
export function listCommand(
  parts: AdminParts,
  about: string,
  { path, columns, inWords = (entity) => entity }: Listing,
): Command {
  return adminCommand("list", about).action((flags: AdminFlags) =>
    withAdmin(parts, flags, async (admin) => {
      const entities = await admin.list(path);
      await printList(parts, flags, flags.json ? entities : entities.map(inWords), columns);
    }),
  );
}

export interface Removal {
  /** Of the list that the thing is in. */
  readonly path: string;
  /** Its argument as the help shows it, and what that takes. */
  readonly argument: readonly [name: string, about?: string];
  /** The flag whose text is recorded as the justification. */
  readonly flag?: "reason" | "justification";
  /** What is said when it is gone. */
  readonly done: (name: string) => string;
}

interface Given extends AdminFlags {
  readonly reason?: string;
  readonly justification?: string;
}

/** The verb `name`, which takes one thing away. */
export function removeCommand(
  parts: AdminParts,
  name: string,
  about: string,
  { path, argument, flag = "reason", done }: Removal,
): Command {
  return adminCommand(name, about)
    .argument(...argument)
    .option(`--${flag} <text>`, "recorded with the change")
    .action((thing: string, flags: Given) =>
      withAdmin(parts, flags, async (admin) => {
        await admin.ask("DELETE", `${path}/${segment(thing)}`, { justification: flags[flag] });
        printDone(parts, flags, done(thing));
      }),
    );
}
