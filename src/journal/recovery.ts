// What a journal folder says when a process opens it. Each header restates all that came before, so only the
// newest segment is read. A torn tail (a crash within a write, never acknowledged) is cut; a begin without a
// finish stays open, for the journal to close as interrupted.
import { DaybookError } from "../event/errors.ts";
import { COLUMN, FIELDS, type Row } from "../event/fields.ts";
import { leafOf } from "../evidence/leaves.ts";
import { Frontier } from "../evidence/merkle.ts";
import { type Files, replaceFile } from "./files.ts";
import type { Commit, SegmentHeader, Told } from "./records.ts";
import { listSegments, readSegment, type SegmentRead } from "./segments.ts";

export interface JournalState {
  readonly nodeId: string;
  lastLsn: number;
  frontier: Frontier;
  outboxId: number;
  /** UTC ms of the newest commit; 0 when there is none. */
  lastCommitAt: number;
  /** Begins without a finish, by event id. */
  readonly open: Map<string, Row>;
  /** Drops that gap events have told of. */
  told: Told;
}

export interface Recovered {
  readonly state: JournalState;
  /** `fresh`: there was nothing; `clean`: closed in order; `unclean`: the process died. */
  readonly stop: "fresh" | "clean" | "unclean";
  readonly tornBytes: number;
  /** The newest segment when it has a header and nothing else: to be gone on with, for its name is taken. */
  readonly begun: { readonly path: string; readonly bytes: number } | null;
}

/** Reads, and cuts a torn tail. Throws `journal_corrupt` when what was acknowledged does not verify. */
export function recoverJournal(files: Files, folder: string, nodeId: string): Recovered {
  const segments = listSegments(files, folder);
  let tornBytes = 0;
  for (let newest = segments.pop(); newest !== undefined; newest = segments.pop()) {
    const read = readSegment(files, newest.path);
    if (read.newer) throw new DaybookError("newer_version", newest.path);
    if (read.damaged)
      throw new DaybookError(
        "journal_corrupt",
        `${newest.path} has a bad frame at byte ${read.goodBytes}, and good ones after it`,
      );
    if (read.header === null) {
      // Created, but the process died before its header was whole: nothing in it was ever acknowledged.
      tornBytes += read.fileBytes;
      files.remove(newest.path);
      continue;
    }
    checkHeader(read.header, nodeId, newest.path);
    tornBytes += read.fileBytes - read.goodBytes;
    rewrite(files, newest.path, read.goodBytes);
    files.syncFolder(folder);
    const begun = read.commits.length === 0 ? { path: newest.path, bytes: read.goodBytes } : null;
    const { state, stop } = replay(read, read.header);
    return { state, stop: tornBytes > 0 ? "unclean" : stop, tornBytes, begun };
  }
  const nothing = {
    lastLsn: 0,
    frontier: new Frontier(),
    outboxId: 0,
    lastCommitAt: 0,
    open: new Map(),
    told: {},
  };
  const state: JournalState = { nodeId, ...nothing };
  return { state, stop: "fresh", tornBytes, begun: null };
}

/**
 * Writes the first bytes of a segment anew, in its place. What a process that died left in the page cache may not
 * be on the disk, and after a sync that failed no other sync of the same file brings it there.
 */
function rewrite(files: Files, path: string, bytes: number): void {
  replaceFile(files, path, files.read(path).subarray(0, bytes));
}

function checkHeader(header: SegmentHeader, nodeId: string, path: string): void {
  if (header.nodeId !== nodeId)
    throw new DaybookError("journal_corrupt", `${path} belongs to node ${header.nodeId}, not ${nodeId}`);
  const known: readonly string[] = FIELDS.map((field) => field.name);
  if (header.fields.some((name, index) => known[index] !== name))
    throw new DaybookError("newer_version", path);
}

function replay(read: SegmentRead, header: SegmentHeader): Pick<Recovered, "state" | "stop"> {
  const state: JournalState = {
    nodeId: header.nodeId,
    lastLsn: header.firstLsn - 1,
    frontier: new Frontier(header.firstSeq - 1, header.frontier),
    outboxId: header.outboxId,
    lastCommitAt: header.lastCommitAt,
    open: new Map(header.open.map((row) => [String(row[COLUMN.event_id]), row])),
    told: header.told ?? {},
  };
  for (const commit of read.commits) applyCommit(state, commit);
  return { state, stop: read.commits.at(-1)?.closed === true ? "clean" : "unclean" };
}

function applyCommit(state: JournalState, commit: Commit): void {
  if (commit.firstLsn !== state.lastLsn + 1) {
    throw new DaybookError("journal_corrupt", `record ${commit.firstLsn} follows record ${state.lastLsn}`);
  }
  for (const row of commit.begins) state.open.set(String(row[COLUMN.event_id]), row);
  for (const eventId of commit.abandoned) state.open.delete(eventId);
  for (const event of commit.finishes) {
    state.frontier.append(leafOf(event));
    state.open.delete(String(event.row[COLUMN.event_id]));
  }
  if (state.frontier.root() !== commit.root || state.frontier.size !== commit.lastSeq) {
    throw new DaybookError("journal_corrupt", `the Merkle root at event ${commit.lastSeq} does not match`);
  }
  state.lastLsn = commit.lastLsn;
  state.outboxId = commit.outboxId;
  state.lastCommitAt = commit.at;
  state.told = commit.told ?? state.told;
}
