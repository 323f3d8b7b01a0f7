// How `daybook journal inspect` shows segments and records, to people and to programs.
import type { createColors } from "picocolors";
import { isoTime } from "../event/json.ts";
import {
  type Damage,
  isDamaged,
  type Range,
  type RecordSeen,
  type SegmentReport,
} from "../journal/inspect.ts";
import { bytesText, countOf } from "./amounts.ts";
import { visible } from "./event-table.ts";

type Paint = ReturnType<typeof createColors>;

/** A few lines: what is there, then a line for each thing that is not as it should be. */
export function segmentText(report: SegmentReport, paint: Paint): string {
  const { path, bytes, nodeId, commits, begins, finishes, abandons, open, at, isClosed } = report;
  const lines = [
    `${paint.bold(visible(path))}  ${bytesText(bytes)}`,
    nodeId === null ? "the header cannot be read" : `node ${nodeId}`,
    `LSN ${rangeText(report.lsns)}, seq ${rangeText(report.seqs)}, ${countOf(commits, "commit")}`,
    `${countOf(begins, "begin")}, ${countOf(finishes, "finish", "finishes")}, ${countOf(abandons, "abandon")}, ${open} open${isClosed ? ", closed in order" : ""}`,
    ...(at === null ? [] : [`${isoTime(at.first)} to ${isoTime(at.last)}`]),
    rootsText(report),
  ];
  const tail = [
    ...(report.isNewer ? ["written by a newer Daybook: some fields are not known here"] : []),
    ...(report.tornBytes > 0
      ? [`torn tail of ${bytesText(report.tornBytes)}: a write that was cut short`]
      : []),
    ...(report.deadBytes > 0
      ? [`${bytesText(report.deadBytes)} at the end that the next segment holds again`]
      : []),
  ];
  const mark = isDamaged(report) ? paint.red("damaged") : paint.green("good");
  return `${[`${mark}  ${lines[0]}`, ...lines.slice(1), ...tail.map((line) => paint.yellow(line)), ...report.damage.map((damage) => paint.red(damageText(damage)))].join("\n    ")}\n`;
}

function rootsText({ roots }: SegmentReport): string {
  if (roots === "verified") return "every Merkle root verifies";
  if (roots === "differ") return "a Merkle root DIFFERS: the events are not those that were recorded";
  return "the Merkle roots cannot be verified to the end";
}

function damageText({ offset, bytes, lsns, seqs }: Damage): string {
  const what = bytes === 0 ? "something is missing" : `${countOf(bytes, "bad byte")}`;
  return `at byte ${offset}: ${what}; missing LSN ${rangeText(lsns)}, seq ${rangeText(seqs)}`;
}

function rangeText(range: Range | null): string {
  if (range === null) return "none";
  return range.first === range.last ? String(range.first) : `${range.first}–${range.last}`;
}

export function recordText(record: RecordSeen): string {
  const { lsn, record: is, seq, eventId, kind, action, status, timestamp, recordedAt } = record;
  const time = (ms: number | null) => (ms === null ? "-" : isoTime(ms));
  const cells = [lsn, is, seq ?? "-", eventId ?? "-", kind ?? "-", action ?? "-", status ?? "-"];
  return `${visible(cells.join("  "))}  ${time(timestamp)}  ${time(recordedAt)}\n`;
}

/** A report as a JSON line has it. */
export function segmentJson(report: SegmentReport): object {
  const { end: _, ...shown } = report;
  return snakeCase({ type: "segment", ...shown, isDamaged: isDamaged(report) });
}

/** The same value with its names in snake_case. */
export function snakeCase(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      Array.isArray(member) ? member.map((item: object) => snakeCase(item)) : member,
    ]),
  );
}
