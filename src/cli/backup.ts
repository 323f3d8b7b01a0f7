// `daybook backup`: a copy of the data folder, beside a running server or without one.
import { resolve } from "node:path";
import type { Writable } from "node:stream";
import { Command } from "commander";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { countOf } from "./amounts.ts";

export interface BackupParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Writable;
}

interface Flags {
  readonly json?: true;
  readonly config?: string;
  readonly profile?: string;
}

/** The verb `backup`. Fails with `bad_argument` for a folder that is not empty, and with `backup_failed`. */
export function backupCommand(parts: BackupParts): Command {
  return new Command("backup")
    .description("Copy store, control.db and journals to a folder, while Daybook runs or not.")
    .argument("<folder>", "empty, or not there yet")
    .option("--json", "one JSON object")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action(async (given: string, flags: Flags) => {
      const folder = resolve(parts.cwd, given);
      const config = await loadConfig({ ...parts, flags });
      const { backUp } = await import("../server/backup.ts");
      const { nodes } = await backUp(config, folder);
      const json = {
        folder,
        nodes: nodes.map(({ nodeId, storedSeq, lastSeq }) => ({
          node_id: nodeId,
          stored_seq: storedSeq,
          last_seq: lastSeq,
        })),
      };
      const events = nodes.reduce((sum, { lastSeq }) => sum + lastSeq, 0);
      const text = `${folder}: ${countOf(nodes.length, "node")}, up to ${countOf(events, "event")}. To restore it, use it as the data folder (DAYBOOK_HOME).\n`;
      parts.out.write(flags.json ? `${JSON.stringify(json)}\n` : text);
    });
}
