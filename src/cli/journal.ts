// `daybook journal`: rescue work on the journal's files. `inspect` reads segments and changes nothing; `ship` does
// what a start would do with a slot that no server holds.
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { realFiles } from "../journal/files.ts";
import {
  type InspectOptions,
  inspectJournal,
  inspectSegment,
  isDamaged,
  type SegmentReport,
} from "../journal/inspect.ts";
import { seeSlots } from "../journal/seen-slots.ts";
import { listSegments } from "../journal/segments.ts";
import type { Lost } from "../journal/tail.ts";
import { countOf, countText } from "./amounts.ts";
import { recordText, segmentJson, segmentText, snakeCase } from "./journal-text.ts";
import { type Progress, showProgress } from "./progress.ts";

type Screen = Writable & { readonly isTTY?: boolean };

export interface JournalParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Screen;
  readonly err: Screen;
  /** UTC milliseconds. */
  readonly now: () => number;
}

interface ConfigFlags {
  readonly config?: string;
  readonly profile?: string;
}

interface InspectFlags extends ConfigFlags {
  readonly json?: true;
  readonly records?: true;
}

interface ShipFlags extends ConfigFlags {
  readonly slot: number;
}

/** The verb `journal`. Exit code 1 when something is damaged, or not everything could be shipped. */
export function journalCommand(parts: JournalParts): Command {
  const inspect = new Command("inspect")
    .description("Read journal segments and say what is in them, and what is missing. Changes nothing.")
    .argument("[path...]", "segment files, or folders with segments (default: every slot of the data folder)")
    .option("--json", "one JSON object per line")
    .option("--records", "every record too, with its public fields")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((paths: string[], flags: InspectFlags) => runInspect(parts, paths, flags));
  const ship = new Command("ship")
    .description("Move what a slot's journal holds into the store, without a server.")
    .option("--slot <n>", "the slot: nodes/<n> in the data folder", parseSlot, 0)
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((flags: ShipFlags) => runShip(parts, flags));
  const command = new Command("journal").description("Inspect the journal's files, or ship them.");
  // What is wrong with a subcommand's call is told like that of any verb.
  for (const subcommand of [inspect, ship]) command.addCommand(subcommand.exitOverride());
  return command;
}

async function runInspect(parts: JournalParts, paths: readonly string[], flags: InspectFlags): Promise<void> {
  const places = paths.length > 0 ? paths.map((path) => resolve(parts.cwd, path)) : await slots(parts, flags);
  const paint = pc.createColors(parts.out.isTTY === true && (parts.env.NO_COLOR ?? "") === "");
  const write = (value: object, text: string) =>
    parts.out.write(flags.json ? `${JSON.stringify(value)}\n` : text);
  const options: InspectOptions = {
    verifyRoots: true,
    ...(flags.records
      ? { onRecord: (record) => write(snakeCase({ type: "record", ...record }), recordText(record)) }
      : {}),
  };
  const total = places.reduce((sum, place) => sum + segmentsAt(place), 0);
  const progress = flags.records ? null : showProgress(parts.err, total, "segments");
  let [seen, damaged] = [0, 0];
  for (const place of places) {
    for (const report of reportsAt(place, options)) {
      seen++;
      if (isDamaged(report)) damaged++;
      progress?.clear();
      write(segmentJson(report), segmentText(report, paint));
      progress?.update(seen);
      // Drawing and interrupts happen between segments.
      await new Promise(setImmediate);
    }
  }
  progress?.stop();
  if (damaged > 0) process.exitCode = 1;
  const verdict = damaged === 0 ? "none is damaged" : `${countText(damaged)} damaged`;
  parts.err.write(`${countOf(seen, "segment")}, ${verdict}.\n`);
}

async function slots(parts: JournalParts, flags: ConfigFlags): Promise<string[]> {
  const { home } = await loadConfig({ ...parts, flags });
  return seeSlots(home)
    .map(({ journalFolder }) => journalFolder)
    .filter((folder) => existsSync(folder));
}

/** A folder's own segments, or those in its `journal`, so that a slot's folder may be named too. */
function folderOf(place: string): string | null {
  if (!isFolder(place)) return null;
  const inside = join(place, "journal");
  return existsSync(inside) ? inside : place;
}

function isFolder(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch (error) {
    throw new DaybookError("bad_argument", `Cannot read ${place} (${nativeCode(error)}).`, { cause: error });
  }
}

function segmentsAt(place: string): number {
  const folder = folderOf(place);
  return folder === null ? 1 : listSegments(realFiles, folder).length;
}

function* reportsAt(place: string, options: InspectOptions): Generator<SegmentReport> {
  const folder = folderOf(place);
  if (folder === null) yield inspectSegment(realFiles, place, options);
  else yield* inspectJournal(realFiles, folder, options);
}

/** Why not everything was shipped, and what to do. */
const SHIP_REASONS: Readonly<Record<string, string>> = {
  aborted: "it was interrupted. Run it again to go on",
  node_forked: "the store holds another history of this node. Keep both, and set store to a new file",
  store_ahead: "the store has events that this journal does not have. Keep both, and run `daybook doctor`",
};

async function runShip(parts: JournalParts, flags: ShipFlags): Promise<void> {
  const { home, store } = await loadConfig({ ...parts, flags });
  const { shipJournal } = await import("../server/ship-journal.ts");
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  let progress: Progress | null = null;
  try {
    const shipped = await shipJournal({
      home,
      store,
      slot: flags.slot,
      now: parts.now,
      signal: interrupt.signal,
      onProgress: (seq, lastSeq) => {
        progress ??= showProgress(parts.err, lastSeq, "events");
        progress.update(seq);
      },
    });
    stop(progress);
    const { nodeId, interrupted, before, after, lastSeq, reason, lost } = shipped;
    const events = (after?.seq ?? 0) - (before?.seq ?? 0);
    if (interrupted > 0)
      parts.out.write(`${countOf(interrupted, "request")} without an end recorded as interrupted.\n`);
    parts.out.write(
      `Slot ${flags.slot}, node ${nodeId}: ${countOf(events, "event")} shipped; the store is at ${after?.seq ?? 0} of ${lastSeq}${after === null ? "" : `, root ${after.root}`}.\n`,
    );
    if (reason === null) return;
    process.exitCode = reason === "aborted" ? 130 : 1;
    parts.err.write(`Not everything was shipped: ${whyNot(reason, lost)}.\n`);
  } finally {
    stop(progress);
    process.off("SIGINT", onInterrupt);
  }
}

function whyNot(reason: string, lost: Lost | null): string {
  if (lost === null) return SHIP_REASONS[reason] ?? `the store failed (${reason}). Run \`daybook doctor\``;
  const { fromSeq, toSeq, why } = lost;
  return `events ${fromSeq} to ${toSeq} cannot be read any more (${why}). Start Daybook: it records the loss and goes on`;
}

/** Narrowing does not see what the callback assigned. */
function stop(progress: Progress | null): void {
  progress?.stop();
}

function parseSlot(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Give the number of a folder in nodes, from 0 on.");
}
