// `daybook stats`: sums over the trail, from this machine or from another Daybook, by the API's own routes.
import { Command } from "commander";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError } from "../event/errors.ts";
import { parseFilter } from "../query/parameters.ts";
import type { FacetsJson, HistogramJson } from "../read/sums-json.ts";
import { type AdminFlags, type AdminParts, type Entity, withAdmin } from "./admin.ts";
import { visible } from "./event-table.ts";
import { type FilterFlags, filterParameters, withFilters, withWords } from "./filters.ts";
import { plainTable } from "./plain-table.ts";
import { remoteOf } from "./remote.ts";
import { isRecorded } from "./trail-source.ts";

interface Flags extends FilterFlags, AdminFlags {
  readonly count?: true;
  readonly histogram?: string | true;
  readonly facets?: string | true;
}

/** The verb `stats`. Fails with `bad_argument` or `bad_query`, or as reading does. */
export function statsCommand(parts: AdminParts): Command {
  const command = new Command("stats")
    .description("Sums over the audit trail: requests, failures, tokens, cost, latencies.")
    .option("--count", "only how many requests match")
    .option(
      "--histogram [width]",
      "by time, in buckets of 5m, 1h, 7d, …; the day before --until unless --since is given",
    )
    .option("--facets [fields]", "the most frequent values of fields (names with commas between them)")
    .option("--json", "one JSON object");
  return withFilters(withWords(command))
    .option("--url <url>", "ask this Daybook (or DAYBOOK_URL); needs DAYBOOK_TOKEN or --token-file")
    .option("--token-file <file>", "file that holds the token")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((words: string[], flags: Flags) => showStats(parts, words, flags));
}

async function showStats(parts: AdminParts, words: readonly string[], flags: Flags): Promise<void> {
  const parameters = filterParameters(flags, words);
  // Here too, so that what is wrong is told before anybody is asked.
  parseFilter(parameters, parts.now());
  const [what, textOf] = shapeOf(flags, parameters);
  if ((await remoteOf(parts.env, flags)) === null) {
    const { home, store } = await loadConfig({ ...parts, flags });
    if (!isRecorded(store)) throw new DaybookError("store_unusable", `in ${home}: nothing was recorded yet`);
  }
  const answer = await withAdmin(parts, flags, (admin) =>
    admin.ask("GET", `/admin/audit-logs/${what}?${parameters}`),
  );
  parts.out.write(flags.json ? `${JSON.stringify(answer)}\n` : textOf(answer));
}

/** Which sums, and how they are written for people. What the path takes beside filters goes to `parameters`. */
function shapeOf(
  { count, histogram, facets }: Flags,
  parameters: URLSearchParams,
): [what: string, textOf: (answer: Entity) => string] {
  if ([count, histogram, facets].filter((flag) => flag !== undefined).length > 1)
    throw new DaybookError("bad_argument", "--count, --histogram and --facets are three questions: ask one.");
  if (count) return ["count", (answer) => `${String(answer.count)}\n`];
  if (histogram !== undefined) {
    if (histogram !== true) parameters.set("bucket", histogram);
    return ["histogram", (answer) => histogramText(answer as HistogramJson)];
  }
  if (facets !== undefined) {
    if (facets !== true) parameters.set("fields", facets);
    return ["facets", (answer) => facetsText(answer as FacetsJson)];
  }
  return ["stats", statsText];
}

function statsText(stats: Entity): string {
  const lines = Object.entries(stats).flatMap(([name, value]): [string, unknown][] =>
    value !== null && typeof value === "object"
      ? Object.entries(value).map(([key, count]) => [`${name} ${key}`, count])
      : [[name, value ?? "–"]],
  );
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${visible(name.padEnd(width))}  ${visible(String(value))}\n`).join("");
}

function histogramText({ buckets }: HistogramJson): string {
  const names = ["from", "requests", "failed", "total_tokens", "cost_micros", "p95_ms"] as const;
  return plainTable(
    names.map((name) => name.replaceAll("_", " ")),
    buckets.map((bucket) => names.map((name) => bucket[name])),
  );
}

function facetsText(facets: FacetsJson): string {
  const rows = Object.entries(facets).flatMap(([field, { values, exact }]) =>
    values.map(({ value, requests }) => [
      field,
      String(value),
      requests,
      exact ? "" : "of the newest events",
    ]),
  );
  return plainTable(["field", "value", "requests", ""], rows);
}
