// `daybook prune`: removes what retention says is too old or too much, as a server does every hour by itself.
import type { Writable } from "node:stream";
import { Command } from "commander";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { KINDS } from "../event/fields.ts";
import type { PrunePlan, PruneRange } from "../stores/removal.ts";
import { countOf } from "./amounts.ts";
import { plainTable } from "./plain-table.ts";

export interface PruneParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Writable;
  /** UTC milliseconds. */
  readonly now: () => number;
}

interface Flags {
  readonly dryRun?: true;
  readonly json?: true;
  readonly config?: string;
  readonly profile?: string;
}

/** The verb `prune`. Fails as loading the configuration, reading the store and recording do. */
export function pruneCommand(parts: PruneParts): Command {
  return new Command("prune")
    .description("Remove events that are older than audit.retention_days, or over audit.max_mb.")
    .option("--dry-run", "say what would go, and change nothing")
    .option("--json", "one JSON object")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((flags: Flags) => prune(parts, flags));
}

async function prune(parts: PruneParts, flags: Flags): Promise<void> {
  const config = await loadConfig({ ...parts, flags });
  const { planOnly, pruneNow } = await import("../server/prune.ts");
  const run = flags.dryRun ? planOnly : pruneNow;
  const plan = await run(config, parts.now());
  parts.out.write(flags.json ? `${JSON.stringify(planJson(plan, flags))}\n` : planText(plan, flags));
}

function planJson({ ranges, capped, before }: PrunePlan, { dryRun }: Flags) {
  return {
    dry_run: dryRun === true,
    events: eventsOf(ranges),
    because: capped ? "size" : "age",
    before: Object.fromEntries(KINDS.map((kind) => [kind, new Date(before[kind]).toISOString()])),
    nodes: ranges.map(({ nodeId, fromSeq, toSeq, kinds }) => ({
      node_id: nodeId,
      from_seq: fromSeq,
      to_seq: toSeq,
      kinds,
    })),
  };
}

function planText({ ranges, capped }: PrunePlan, { dryRun }: Flags): string {
  const events = countOf(eventsOf(ranges), "event");
  if (ranges.length === 0) return "Nothing is to be removed.\n";
  const why = capped ? "older than their time, or over the size" : "older than their time";
  const what = dryRun ? `${events} would be removed` : `${events} removed`;
  const kinds = KINDS.filter((kind) => ranges.some((range) => (range.kinds[kind] ?? 0) > 0));
  const rows = ranges.map((range) => [
    range.nodeId,
    range.fromSeq,
    range.toSeq,
    ...kinds.map((kind) => range.kinds[kind] ?? 0),
  ]);
  return `${plainTable(["node", "from", "to", ...kinds], rows)}${what}: ${why}.\n`;
}

function eventsOf(ranges: readonly PruneRange[]): number {
  return ranges.flatMap(({ kinds }) => Object.values(kinds)).reduce((sum, events) => sum + events, 0);
}
