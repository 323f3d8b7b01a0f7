// `daybook log`: the audit trail in a terminal or a pipe, from this machine's store or from another Daybook.
import { once } from "node:events";
import type { Writable } from "node:stream";
import { Command } from "commander";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError } from "../event/errors.ts";
import { FIELDS, type FieldName, isFieldName } from "../event/fields.ts";
import type { EventJson } from "../event/json.ts";
import { answered, failed } from "../event/outcomes.ts";
import { DEFAULT_LIMIT, type EventQuery, filterNames, MAX_LIMIT } from "../query/filter.ts";
import { parseQuery } from "../query/parameters.ts";
import { hintFor } from "../query/terms.ts";
import { eventTable, fieldColumns } from "./event-table.ts";
import { formOf } from "./export-file.ts";
import { type FilterFlags, filterParameters, withFilters, withWords } from "./filters.ts";
import { type Followed, type Following, followHere, followThere, gapText } from "./follow.ts";
import type { Lag } from "./lag.ts";
import { remoteOf } from "./remote.ts";
import { isRecorded, localTrail, notRecorded, remoteTrail, type TrailSource } from "./trail-source.ts";

export interface LogParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly err: Writable;
  /** UTC milliseconds. */
  readonly now: () => number;
  readonly lag: Lag;
  /** Ends following; SIGINT and SIGTERM unless given. */
  readonly stop?: AbortSignal;
}

interface Flags extends FilterFlags {
  readonly json?: true;
  readonly columns?: string;
  readonly limit?: string;
  readonly export?: string;
  readonly follow?: true;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly color: boolean;
  readonly config?: string;
  readonly profile?: string;
}

/** The verb `log`. Fails with `bad_argument` or `bad_query`, or as reading does. */
export function logCommand(parts: LogParts): Command {
  const command = new Command("log")
    .description("Show the audit trail, newest first.")
    .option("--json", "one JSON object per line")
    .option("--columns <fields>", "only these fields (names with commas between them), in this order")
    .option("--export <file>", "write every event that matches to this file, in the format of its ending")
    .option("--follow", "show events as they are recorded, the oldest first, until it is stopped")
    .option(
      "--limit <n>",
      `how many events (default: ${DEFAULT_LIMIT}; with --follow ${FOLLOW_LIMIT} from before, at most ${MAX_LIMIT})`,
    );
  return withFilters(withWords(command))
    .option("--url <url>", "read from this Daybook (or DAYBOOK_URL); needs DAYBOOK_TOKEN or --token-file")
    .option("--token-file <file>", "file that holds the token")
    .option("--no-color", "no colours")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((words: string[], flags: Flags) => showLog(parts, words, flags));
}

/** As `tail -f` shows. */
const FOLLOW_LIMIT = 10;

async function showLog(parts: LogParts, words: readonly string[], flags: Flags): Promise<void> {
  if (flags.export !== undefined) {
    if (flags.follow) throw new DaybookError("bad_argument", "--follow does not end, and an export does.");
    if (flags.limit !== undefined)
      throw new DaybookError("bad_argument", "--limit is for lists: an export has no cap.");
    if (flags.columns !== undefined)
      throw new DaybookError("bad_argument", "--columns is for lists: an export has every field.");
    const { exportTo } = await import("./export.ts");
    const query = [...words, flags.query ?? ""].join(" ");
    return exportTo(parts, { ...flags, query }, flags.export, formOf(flags.export));
  }
  columnsOf(flags);
  const limit = flags.limit === undefined ? DEFAULT_LIMIT : limitOf(flags.limit);
  const query = queryOf(flags, words, parts.now());
  const remote = await remoteOf(parts.env, flags);
  if (remote !== null) {
    if (flags.follow) return follow(parts, flags, query, (following) => followThere(remote, following));
    await print(parts, flags, remoteTrail(remote), query, limit);
    return;
  }
  const config = await loadConfig({ ...parts, flags });
  const { home, store } = config;
  if (!isRecorded(store)) {
    parts.err.write(`${notRecorded(home)}${switchedOff(config)}`);
    process.exitCode = 1;
    return;
  }
  if (flags.follow) {
    {
      await using subscribing = await recordReading(config, query, "subscribed");
      subscribing.finish();
    }
    return follow(parts, flags, query, (following) => followHere(store, following));
  }
  await using reading = await recordReading(config, query, "queried");
  const shown = await print(parts, flags, localTrail(store), query, limit);
  if (shown === 0) parts.err.write(switchedOff(config));
  reading.finish();
  const behind = await parts.lag(home, store, parts.now());
  if (behind !== null)
    parts.err.write(`The newest ${behind.events} events are recorded but not shown yet.\n`);
}

/** Reading the trail is itself an event, also past the API; it is begun before anything is read. */
async function recordReading(config: Config, query: EventQuery, action: "queried" | "subscribed") {
  const { openOwnNode } = await import("../node/own-node.ts");
  const node = await openOwnNode(config);
  const names = filterNames(query);
  const metadata = names.length === 0 ? {} : { metadata: { filters: names.join(",") } };
  const event = node.recorder.begin({
    kind: "system",
    action,
    caller: "cli",
    timestamp: Date.now(),
    policyDecision: "n/a",
    ...metadata,
  });
  let isOver = false;
  const finish = (outcome = answered(null)) => {
    if (!isOver) event.finish(outcome);
    isOver = true;
  };
  return {
    finish: () => finish(),
    async [Symbol.asyncDispose]() {
      finish(failed("internal_error"));
      await node[Symbol.asyncDispose]();
    },
  };
}

/** Writes events as they are asked for: JSON lines, or a table. */
function writer({ env, out }: LogParts, flags: Flags) {
  const names = columnsOf(flags);
  const columns = names === null ? undefined : fieldColumns(names);
  const isTerminal = out.isTTY === true;
  const form = {
    width: isTerminal ? (out.columns ?? 80) : null,
    colour: isTerminal && flags.color && (env.NO_COLOR ?? "") === "",
  };
  let isFirst = true;
  return async (events: readonly EventJson[], head: boolean) => {
    const text = flags.json
      ? events.map((event) => `${JSON.stringify(event, names)}\n`).join("")
      : eventTable(events, form, isFirst || head, columns);
    isFirst = false;
    if (!out.write(text)) await once(out, "drain");
  };
}

async function follow(
  parts: LogParts,
  flags: Flags,
  { limit: _, ...filter }: EventQuery,
  source: (following: Following) => AsyncGenerator<Followed, void>,
): Promise<void> {
  const recent = flags.limit === undefined ? FOLLOW_LIMIT : Math.min(limitOf(flags.limit), MAX_LIMIT);
  const stop = new AbortController();
  const end = () => stop.abort();
  parts.stop?.addEventListener("abort", end);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  const write = writer(parts, flags);
  try {
    for await (const item of source({ filter, recent, signal: stop.signal })) {
      if (item.type === "events") await write(item.events, false);
      else if (item.type === "gap") parts.err.write(gapText(item.gap));
      else parts.err.write(`${item.error.message} Trying again …\n`);
    }
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
  }
}

async function print(parts: LogParts, flags: Flags, trail: TrailSource, query: EventQuery, limit: number) {
  const { out, err } = parts;
  const write = writer(parts, flags);
  let shown = 0;
  for await (const events of trail(query, limit)) {
    if (events.length === 0) continue;
    // A screen shows each page with its names; a pipe has them once.
    await write(events, out.isTTY === true);
    shown += events.length;
  }
  // A program that reads JSON lines gets none; a person gets a sentence.
  if (shown === 0) (flags.json ? err : out).write("No audit events found.\n");
  return shown;
}

/** Why there may be nothing to show of MCP calls; empty: they are recorded. */
function switchedOff({ profile, audit }: Config): string {
  if (audit.mcp.enabled) return "";
  const whose = profile === null ? "" : ` for profile ${JSON.stringify(profile)}`;
  return `Audit logging is not enabled${whose}: MCP calls leave no events (audit.mcp.enabled).\n`;
}

function queryOf(flags: Flags, words: readonly string[], now: number): EventQuery {
  const parameters = filterParameters(flags, words);
  for (const name of ["limit", "cursor", "offset", "page", "page_size"]) {
    if (parameters.has(name))
      throw new DaybookError("bad_argument", `--filter ${name} is not a filter; use --limit.`);
  }
  return parseQuery(parameters, now);
}

/** null: as usual. */
function columnsOf({ columns }: Flags): FieldName[] | null {
  if (columns === undefined) return null;
  const names = columns.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !isFieldName(name));
  if (wrong === undefined) return names as FieldName[];
  const hint = hintFor(
    wrong,
    FIELDS.map(({ name }) => name),
  );
  throw new DaybookError(
    "bad_argument",
    `--columns takes names of fields (docs/reference/events.md), not ${JSON.stringify(wrong)}.${hint}`,
  );
}

function limitOf(text: string): number {
  const limit = /^\d{1,12}$/.test(text) ? Number(text) : 0;
  if (limit >= 1) return limit;
  throw new DaybookError(
    "bad_argument",
    `--limit takes a whole number from 1 on, not ${JSON.stringify(text)}.`,
  );
}
