// `daybook report`: what a period was like, as a table of JSON, CSV, or a page to print.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { DaybookError, nativeCode } from "../event/errors.ts";
import type { Report } from "../read/report.ts";
import { reportCsv, reportPage } from "../read/report-text.ts";
import { type AdminFlags, type AdminParts, adminCommand, withAdmin } from "./admin.ts";

interface Flags extends AdminFlags {
  readonly period: string;
  readonly format?: "json" | "csv" | "html";
  readonly out?: string;
}

const WRITERS = {
  json: (report: Report) => `${JSON.stringify(report, null, 2)}\n`,
  csv: reportCsv,
  html: reportPage,
} as const;

/** The verb `report`. Fails as admin.ts says. */
export function reportCommand(parts: AdminParts): Command {
  return adminCommand("report", "What a year, month or day was like, in numbers.")
    .requiredOption("--period <period>", "2026, 2026-10 or 2026-10-31, UTC")
    .addOption(
      new Option("--format <format>", "json (default), csv, or html to print").choices([
        "json",
        "csv",
        "html",
      ]),
    )
    .option("--out <file>", "write to this file, whose ending may say the format")
    .action((flags: Flags) =>
      withAdmin(parts, flags, async (admin) => {
        const answer = await admin.ask(
          "GET",
          `/admin/audit-logs/report?period=${encodeURIComponent(flags.period)}`,
        );
        const text = WRITERS[formatOf(flags)](answer as unknown as Report);
        if (flags.out === undefined) parts.out.write(text);
        else await write(resolve(parts.cwd, flags.out), text);
      }),
    );
}

function formatOf({ format, out = "", json }: Flags): keyof typeof WRITERS {
  const [, ending] = /\.(json|csv|html)$/.exec(out) ?? [];
  return json ? "json" : (format ?? (ending as keyof typeof WRITERS | undefined) ?? "json");
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    throw new DaybookError("bad_argument", `Cannot write ${path} (${nativeCode(error)}).`, { cause: error });
  }
}
