// Each slot: who holds it, what its journal holds, and what of that the store does not have yet.
import { existsSync } from "node:fs";
import { DaybookError, nativeCode } from "../../event/errors.ts";
import { realFiles } from "../../journal/files.ts";
import { inspectJournal, isDamaged, type SegmentReport } from "../../journal/inspect.ts";
import type { SeenSlot } from "../../journal/seen-slots.ts";
import { JournalTail } from "../../journal/tail.ts";
import type { Position } from "../../stores/store.ts";
import { bytesText, countOf, countText, durationText } from "../amounts.ts";
import { type Check, type Examined, type Finding, fail, ok, refused, warn } from "./check.ts";

/** A store that is further behind a running server than this is not merely gathering a batch. */
const BEHIND_MS = 10_000;
const INSPECT = "Keep the folder as it is and run `daybook journal inspect`.";

export const checkSlots: Check = async (examined) => {
  const findings: Finding[] = [];
  for (const slot of examined.slots) {
    findings.push(judgeSlot(slot));
    findings.push(...(await checkJournal(slot, examined)));
  }
  return findings.length > 0 ? findings : [ok("slots", "none yet")];
};

function judgeSlot({ index, nodeId, identity, isRetired, lock, reason, pid, folder }: SeenSlot): Finding {
  const check = `slot ${index}`;
  if (identity === "newer") return refused(check, new DaybookError("newer_version", `${folder}/node.json`));
  if (identity === "unreadable")
    return fail(
      check,
      `${folder}/node.json cannot be read`,
      "Bring it back from a backup: it names the node.",
    );
  const node = nodeId === null ? "no node yet" : `node ${nodeId}`;
  if (lock === "unknown")
    return warn(
      check,
      `${node}; its lock cannot be asked (${reason})`,
      "Run as the user that Daybook runs as.",
    );
  const ended = isRetired ? ", its log has ended for good" : "";
  return ok(check, `${node}, ${lock === "held" ? `held by process ${pid ?? "unknown"}` : "free"}${ended}`);
}

async function checkJournal(
  slot: SeenSlot,
  { machine, isDeep, positions, progress }: Examined,
): Promise<Finding[]> {
  const { journalFolder, index, nodeId } = slot;
  const check = `journal ${index}`;
  if (!existsSync(journalFolder)) return [];
  const segments: SegmentReport[] = [];
  try {
    for (const report of inspectJournal(realFiles, journalFolder, { verifyRoots: isDeep })) {
      segments.push(report);
      progress(`${check}: ${countOf(segments.length, "segment")}`);
      await new Promise(setImmediate);
    }
    const position = positions?.find((at) => at.nodeId === nodeId) ?? null;
    const seen = { slot, segments, position, now: machine.now() };
    const troubles = [...fileTroubles(check, seen), ...storeTroubles(check, seen, positions !== null)];
    return [...troubles, ...(troubles.length === 0 ? [ok(check, summary(seen))] : [])];
  } catch (error) {
    return [
      fail(
        check,
        `${journalFolder} cannot be read (${nativeCode(error)})`,
        "Check the disk and the folder's owner.",
      ),
    ];
  }
}

interface JournalSeen {
  readonly slot: SeenSlot;
  readonly segments: readonly SegmentReport[];
  readonly position: Position | null;
  readonly now: number;
}

function summary({ slot, segments, now }: JournalSeen): string {
  const newest = segments.at(-1);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const at = segments.findLast((segment) => segment.at !== null)?.at?.last;
  return [
    countOf(segments.length, "segment"),
    bytesText(bytes),
    `seq ${countText(lastSeqOf(segments))}`,
    at === undefined ? "no commit yet" : `newest commit ${durationText(Math.max(0, now - at))} ago`,
    slot.lock === "held" ? `${newest?.open ?? 0} in flight` : "closed in order",
  ].join(", ");
}

/** What the files alone say. */
function fileTroubles(check: string, { slot, segments }: JournalSeen): Finding[] {
  const troubles: Finding[] = [];
  const [newest, damaged] = [segments.at(-1), segments.filter(isDamaged)];
  if (damaged.length > 0)
    troubles.push(
      fail(check, `${countOf(damaged.length, "segment")} of ${segments.length} damaged`, INSPECT),
    );
  const stranger = segments.find(({ nodeId }) => nodeId !== null && nodeId !== slot.nodeId);
  if (stranger !== undefined)
    troubles.push(fail(check, `${stranger.path} belongs to node ${stranger.nodeId}`, INSPECT));
  const newer = segments.find(({ isNewer }) => isNewer);
  if (newer !== undefined) troubles.push(refused(check, new DaybookError("newer_version", newer.path)));
  // A server that runs has requests in flight and writes the tail just now.
  if (slot.lock !== "free" || slot.isRetired || newest === undefined || newest.isClosed) return troubles;
  const torn = newest.tornBytes > 0 ? `, and a torn tail of ${bytesText(newest.tornBytes)}` : "";
  const found = `not closed in order; ${countOf(newest.open, "request")} without an end${torn}`;
  troubles.push(
    warn(check, found, `The next start records what was interrupted; so does ${shipCommand(slot)}.`),
  );
  return troubles;
}

/** What journal and store say of one another. */
function storeTroubles(
  check: string,
  { slot, segments, position, now }: JournalSeen,
  isStoreRead: boolean,
): Finding[] {
  // Where a segment is damaged the journal cannot be followed, and without a store there is nothing to compare.
  if (segments.length === 0 || segments.some(isDamaged) || !isStoreRead) return [];
  const lastSeq = lastSeqOf(segments);
  const behind = lastSeq - (position?.seq ?? 0);
  if (lastSeq === 0 && position === null) return [];
  const seek = seekIn(slot.journalFolder, position);
  if (seek === "differs")
    return [
      fail(check, "the store holds another history of this node", "Keep both, and set store to a new file."),
    ];
  if (seek !== "found") {
    const found = `the store is at seq ${position?.seq ?? 0}, which this journal does not have (its last is ${lastSeq})`;
    return [fail(check, found, INSPECT)];
  }
  if (behind === 0) return [];
  const [oldest, next] = [
    segments.find(({ seqs }) => seqs !== null)?.seqs?.first ?? lastSeq,
    lastSeq - behind + 1,
  ];
  if (oldest > next) {
    const found = `the store has no events after seq ${next - 1}, and the journal none before ${oldest}`;
    return [fail(check, found, "Set store to one that has them; a server records the loss and goes on.")];
  }
  const found = `${countOf(behind, "event")} not in the store yet`;
  if (slot.lock !== "held") return [warn(check, found, `Start Daybook, or run ${shipCommand(slot)}.`)];
  const at = segments.findLast((segment) => segment.at !== null)?.at?.last ?? now;
  return now - at > BEHIND_MS
    ? [warn(check, found, "See /readyz for why the store does not take them.")]
    : [];
}

function seekIn(folder: string, position: Position | null) {
  const options = { files: realFiles, folder, durableLsn: () => Number.POSITIVE_INFINITY, segments: () => 0 };
  const tail = new JournalTail(options);
  try {
    return tail.seek(position);
  } finally {
    tail.close();
  }
}

function lastSeqOf(segments: readonly SegmentReport[]): number {
  return segments.findLast(({ end }) => end !== null)?.end?.seq ?? 0;
}

const shipCommand = ({ index }: SeenSlot) => `\`daybook journal ship --slot ${index}\``;
