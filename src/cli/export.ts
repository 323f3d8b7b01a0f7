// `daybook export`: everything that matches, as a file in one of many formats.
import { Command, Option } from "commander";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError } from "../event/errors.ts";
import { COMPRESSIONS, type FileForm, FORMAT_NAMES } from "../read/export/formats.ts";
import { type ExportScreen, formOf, localExport, remoteExport, writeExport } from "./export-file.ts";
import { type FilterFlags, filterParameters, withFilters } from "./filters.ts";
import { type RemoteFlags, remoteOf } from "./remote.ts";
import { isRecorded, notRecorded } from "./trail-source.ts";

export interface ExportParts extends ExportScreen {
  readonly env: Environment;
  readonly homedir: string;
  /** UTC milliseconds. */
  readonly now: () => number;
}

export interface ExportFlags extends FilterFlags, RemoteFlags {
  readonly config?: string;
  readonly profile?: string;
}

interface Flags extends ExportFlags {
  readonly format?: string;
  readonly compression?: string;
}

/** The verb `export`. Fails with `bad_argument` or `bad_query`, or as reading, writing and recording do. */
export function exportCommand(parts: ExportParts): Command {
  const command = new Command("export")
    .description("Write every event that matches to a file, newest first.")
    .argument("[file]", "where to, its ending saying the format; standard output without it")
    .addOption(new Option("--format <format>", "by the file's ending, else jsonl").choices(FORMAT_NAMES))
    .addOption(new Option("--compression <how>", "by the file's ending, else none").choices(COMPRESSIONS));
  return withFilters(command)
    .option("--url <url>", "export from this Daybook (or DAYBOOK_URL); needs DAYBOOK_TOKEN or --token-file")
    .option("--token-file <file>", "file that holds the token")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((file: string | undefined, flags: Flags) =>
      exportTo(parts, flags, file, formOf(file, flags.format, flags.compression)),
    );
}

/** Exports what the flags ask for to `file`, or to standard output. */
export async function exportTo(
  parts: ExportParts,
  flags: ExportFlags,
  file: string | undefined,
  form: FileForm,
): Promise<void> {
  const parameters = filterParameters(flags);
  if (form.format === "parquet" && form.compression !== "none")
    throw new DaybookError("bad_argument", "Parquet is compressed inside: leave --compression out.");
  const remote = await remoteOf(parts.env, flags);
  if (remote !== null) return writeExport(parts, file, await remoteExport(remote, form, parameters));
  const config = await loadConfig({ ...parts, flags });
  if (!isRecorded(config.store)) {
    parts.err.write(notRecorded(config.home));
    process.exitCode = 1;
    return;
  }
  const { openOwnNode } = await import("../node/own-node.ts");
  await using node = await openOwnNode(config);
  const told = (what: Record<string, string | number>) => node.recorder.system("exported", what);
  await writeExport(parts, file, localExport(config.store, form, parameters, parts.now(), told));
}
