// The JSON lines inside frames. The first frame of a segment holds its header alone; every other frame holds the
// records of one commit and ends with the commit line.
import type { Row } from "../event/fields.ts";
import type { JournalEvent } from "../event/leaf.ts";

/** What a reader needs to start at this segment, without any older one. */
export interface SegmentHeader {
  readonly format: 1;
  readonly nodeId: string;
  readonly firstLsn: number;
  readonly firstSeq: number;
  /** Names of a row's cells, in order. */
  readonly fields: readonly string[];
  /** Frontier of the Merkle log before the first event of this segment. */
  readonly frontier: readonly string[];
  /** Last outbox id that is in the journal. */
  readonly outboxId: number;
  /** When this segment was begun, and the newest commit before it (UTC ms). */
  readonly createdAt: number;
  readonly lastCommitAt: number;
  /** Begins that have no finish yet. */
  readonly open: readonly Row[];
  /** Drops that gap events have told of, since the node began; absent: none. */
  readonly told?: Told;
}

/** `<kind>_<reason>` → events. */
export type Told = Readonly<Record<string, number>>;

export interface Commit {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly lastSeq: number;
  /** Merkle root up to `lastSeq`, hex. */
  readonly root: string;
  readonly outboxId: number;
  readonly at: number;
  /** The journal was closed in order, with nothing open. */
  readonly closed: boolean;
  readonly begins: readonly Row[];
  /** Event ids of begins that will have no finish: the finish was dropped and counted. */
  readonly abandoned: readonly string[];
  readonly finishes: readonly JournalEvent[];
  /** When this commit changed it. */
  readonly told: Told | null;
}

type BeginLine = ["b", lsn: number, row: Row];
type FinishLine = ["f", lsn: number, salts: string, row: Row];
type AbandonLine = ["d", lsn: number, eventId: string];
type CommitLine = [
  "c",
  lastLsn: number,
  lastSeq: number,
  root: string,
  outboxId: number,
  at: number,
  closed: 0 | 1,
];
type Line = BeginLine | FinishLine | AbandonLine | CommitLine;

export const beginLine = (lsn: number, row: Row) => JSON.stringify(["b", lsn, row] satisfies BeginLine);
/** `salts`: hex of the P1 salt and the P2 salt. */
export const finishLine = (lsn: number, salts: string, row: Row) =>
  JSON.stringify(["f", lsn, salts, row] satisfies FinishLine);
export const abandonLine = (lsn: number, eventId: string) =>
  JSON.stringify(["d", lsn, eventId] satisfies AbandonLine);
type CommitEnd = Pick<Commit, "lastLsn" | "lastSeq" | "root" | "outboxId" | "at" | "closed" | "told">;

export function commitLine({ lastLsn, lastSeq, root, outboxId, at, closed, told }: CommitEnd): string {
  const line: CommitLine = ["c", lastLsn, lastSeq, root, outboxId, at, closed ? 1 : 0];
  return JSON.stringify(told === null ? line : [...line, told]);
}

/** The header in a segment's first frame; null when it is none. */
export function parseHeader(payload: string): SegmentHeader | null {
  const header = JSON.parse(payload) as SegmentHeader | unknown[];
  return !Array.isArray(header) && header.format === 1 ? header : null;
}

/** The commit in a frame. Its checksum held, so it is what the journal wrote. */
export function parseCommit(payload: string): Commit {
  const begins: Row[] = [];
  const abandoned: string[] = [];
  const finishes: JournalEvent[] = [];
  let firstLsn: number | null = null;
  // No line has a newline of its own: all of them at once are one array.
  for (const line of JSON.parse(`[${payload.replaceAll("\n", ",")}]`) as Line[]) {
    if (line[0] !== "c") firstLsn ??= line[1];
    switch (line[0]) {
      case "b":
        begins.push(line[2]);
        break;
      case "f":
        finishes.push({
          row: line[3],
          p1Salt: Buffer.from(line[2].slice(0, 32), "hex"),
          p2Salt: Buffer.from(line[2].slice(32), "hex"),
        });
        break;
      case "d":
        abandoned.push(line[2]);
        break;
      case "c": {
        const [, lastLsn, lastSeq, root, outboxId, at, closed, told = null] = line;
        return {
          firstLsn: firstLsn ?? lastLsn,
          lastLsn,
          lastSeq,
          root,
          outboxId,
          at,
          closed: closed === 1,
          begins,
          abandoned,
          finishes,
          told,
        };
      }
    }
  }
  throw new TypeError("a frame without a commit line");
}
