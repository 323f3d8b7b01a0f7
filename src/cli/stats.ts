// `daybook stats`: sums over the trail, from this machine's store or from another Daybook.
import type { Writable } from "node:stream";
import { Command } from "commander";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError } from "../event/errors.ts";
import { parseFilter } from "../query/parameters.ts";
import { type StatsJson, statsJson } from "../read/sums-json.ts";
import { openStore } from "../stores/open-store.ts";
import { visible } from "./event-table.ts";
import { type FilterFlags, filterParameters, withFilters } from "./filters.ts";
import { askRemote, type Remote, refusalText, remoteOf, targetOf } from "./remote.ts";

export interface StatsParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Writable;
  /** UTC milliseconds. */
  readonly now: () => number;
}

interface Flags extends FilterFlags {
  readonly json?: true;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly config?: string;
  readonly profile?: string;
}

/** The verb `stats`. Fails with `bad_argument` or `bad_query`, or as reading does. */
export function statsCommand(parts: StatsParts): Command {
  const command = new Command("stats")
    .description("Sums over the audit trail: requests, failures, tokens, cost, latencies.")
    .option("--json", "one JSON object");
  return withFilters(command)
    .option("--url <url>", "ask this Daybook (or DAYBOOK_URL); needs DAYBOOK_TOKEN or --token-file")
    .option("--token-file <file>", "file that holds the token")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action(async (flags: Flags) => {
      const stats = await statsOf(parts, flags);
      parts.out.write(flags.json ? `${JSON.stringify(stats)}\n` : statsText(stats));
    });
}

async function statsOf(parts: StatsParts, flags: Flags): Promise<StatsJson> {
  const parameters = filterParameters(flags);
  // Here too, so that what is wrong is told before anybody is asked.
  const filter = parseFilter(parameters, parts.now());
  const remote = await remoteOf(parts.env, flags);
  if (remote !== null) return remoteStats(remote, parameters);
  const { store: address } = await loadConfig({ ...parts, flags });
  const store = await openStore(address, "read");
  try {
    return statsJson(await store.stats(filter));
  } finally {
    await store.close();
  }
}

async function remoteStats(remote: Remote, parameters: URLSearchParams): Promise<StatsJson> {
  const target = targetOf(remote, "/admin/audit-logs/stats");
  target.search = parameters.toString();
  const response = await askRemote(remote, target);
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && typeof body === "object" && body !== null) return body as StatsJson;
  const what = response.ok ? "did not answer with sums" : refusalText(response.status, body);
  throw new DaybookError("remote_failed", `at ${remote.url.origin} ${what}`);
}

function statsText(stats: StatsJson): string {
  const lines = Object.entries(stats).flatMap(([name, value]): [string, unknown][] =>
    value !== null && typeof value === "object"
      ? Object.entries(value).map(([key, count]) => [`${name} ${key}`, count])
      : [[name, value ?? "–"]],
  );
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${visible(name.padEnd(width))}  ${visible(String(value))}\n`).join("");
}
