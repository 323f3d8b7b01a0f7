// What a journal has acknowledged, kept beside it in plain arrays, and what that obliges the next start to find:
// nothing acknowledged is missing or changed, nothing is there twice, a begin without a finish is one interrupted
// event, and what was never acknowledged is absent or whole.
import { COLUMN, type FieldName, type Row } from "../../src/event/fields.ts";
import type { JournalEvent } from "../../src/event/leaf.ts";
import { leafOf } from "../../src/evidence/leaves.ts";
import { Frontier } from "../../src/evidence/merkle.ts";
import type { CommitResult, JournalEntry } from "../../src/journal/entries.ts";
import type { Files } from "../../src/journal/files.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { listSegments, readSegment } from "../../src/journal/segments.ts";

/** `lost`: acknowledged and missing; `corrupt`: another than was committed; `refused`: the start failed. */
export type Breach = "lost" | "corrupt" | "refused";

export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
  readonly breach: Breach;

  constructor(breach: Breach, message: string, options?: ErrorOptions) {
    super(`${breach}: ${message}`, options);
    this.breach = breach;
  }
}

/** Entries of one commit that was tried. */
interface Batch {
  readonly begins: readonly Row[];
  readonly finishes: readonly Row[];
  readonly ended: ReadonlySet<string>;
}

const NOTHING: Batch = { begins: [], finishes: [], ended: new Set() };
const JOURNAL_CELLS: readonly FieldName[] = ["node_id", "seq", "schema_version", "recorded_at"];
const OUTCOME_CELLS: readonly FieldName[] = [
  "status",
  "status_code",
  "error_code",
  "error_message",
  "duration_ms",
];

export class Ledger {
  /** Rows of acknowledged events as JSON, by seq − 1; null: the journal's own, not read back yet. */
  #events: (string | null)[] = [];
  #roots = new Map<number, string>();
  #open = new Map<string, Row>();
  /** Tried and not acknowledged since the newest acknowledgement: at most one of them may have survived. */
  #unresolved: Batch[] = [];
  #retiredSeq = 0;

  get lastSeq(): number {
    return this.#events.length;
  }

  get openIds(): string[] {
    return [...this.#open.keys()];
  }

  copy(): Ledger {
    const copy = new Ledger();
    copy.#events = [...this.#events];
    copy.#roots = new Map(this.#roots);
    copy.#open = new Map(this.#open);
    copy.#unresolved = [...this.#unresolved];
    copy.#retiredSeq = this.#retiredSeq;
    return copy;
  }

  try(entries: readonly JournalEntry[]): Batch {
    const ended = new Set(entries.filter(([is]) => is !== "begin").map(entryId));
    const begins = entries.filter((entry) => entry[0] === "begin" && !ended.has(entryId(entry)));
    const finishes = entries.filter(([is]) => is === "finish");
    const batch = { begins: begins.map(rowOf), finishes: finishes.map(rowOf), ended };
    this.#unresolved.push(batch);
    return batch;
  }

  acknowledge(batch: Batch, result: CommitResult, journal: Journal): void {
    for (let own = 0; own < result.own; own++) this.#events.push(null);
    if (result.firstSeq !== this.lastSeq + 1 || result.finished !== batch.finishes.length)
      throw new BrokenPromise("corrupt", `acknowledged seq ${result.firstSeq} after ${this.lastSeq}`);
    for (const row of batch.finishes) this.#events.push(JSON.stringify(row));
    this.#open = openAfter(this.#open, batch);
    this.#roots.set(journal.lastSeq, journal.root);
    this.#unresolved = [];
  }

  /** Segments of events up to `seq` may be gone from now on. */
  retire(seq: number): void {
    this.#retiredSeq = Math.max(this.#retiredSeq, seq);
  }

  /** Holds a journal that was just opened to the promises, and takes what it has as acknowledged from now on. */
  reopened(files: Files, folder: string, journal: Journal): void {
    const found = readLog(files, folder, this.#retiredSeq);
    if (found.lastSeq !== journal.lastSeq || found.root !== journal.root)
      throw new BrokenPromise("corrupt", `the journal says ${journal.lastSeq}, its files ${found.lastSeq}`);
    this.#checkAcknowledged(found);
    this.#checkNew(found.rows.slice(this.lastSeq) as Row[]);
    for (let index = 0; index < found.rows.length; index++) {
      const row = found.rows[index];
      if (row !== undefined) this.#events[index] = JSON.stringify(row);
    }
    this.#roots.set(found.lastSeq, found.root);
    this.#open.clear();
    this.#unresolved = [];
  }

  /** Holds a store's events (rows as JSON, by seq − 1) to what was acknowledged. */
  compare(stored: readonly string[]): void {
    this.#events.forEach((expected, index) => {
      if (expected !== null && stored[index] !== expected)
        throw new BrokenPromise(
          "corrupt",
          `event ${index + 1} of the store is another than was acknowledged`,
        );
    });
  }

  #checkAcknowledged(found: Log): void {
    if (found.lastSeq < this.lastSeq)
      throw new BrokenPromise("lost", `${this.lastSeq} events acknowledged, ${found.lastSeq} there`);
    this.#events.forEach((expected, index) => {
      const row = found.rows[index];
      if (row === undefined) return;
      if (expected === null ? row[COLUMN.kind] !== "system" : expected !== JSON.stringify(row))
        throw new BrokenPromise("corrupt", `event ${index + 1} is another than was acknowledged`);
    });
    for (const [seq, root] of this.#roots) {
      if ((found.roots.get(seq) ?? root) !== root)
        throw new BrokenPromise("corrupt", `the root at ${seq} is another than was acknowledged`);
    }
  }

  /** What stands after all that was acknowledged: one of the unresolved batches or none, then what recovery added. */
  #checkNew(rows: readonly Row[]): void {
    const own = rows.filter((row) => row[COLUMN.kind] !== "system");
    const interrupted = own.filter((row) => row[COLUMN.error_code] === "interrupted");
    const finished = own.filter((row) => row[COLUMN.error_code] !== "interrupted");
    const fits = [NOTHING, ...this.#unresolved].some((batch) => {
      const open = [...openAfter(this.#open, batch).values()];
      return (
        same(finished, batch.finishes, JOURNAL_CELLS) &&
        same(interrupted, open, [...JOURNAL_CELLS, ...OUTCOME_CELLS])
      );
    });
    if (!fits)
      throw new BrokenPromise(
        "corrupt",
        `after ${this.lastSeq} events: ${finished.length} finished and ${interrupted.length} interrupted, ` +
          `with ${this.#open.size} open and ${this.#unresolved.length} unresolved`,
      );
  }
}

interface Log {
  /** By seq − 1; holes where segments were retired. */
  readonly rows: (Row | undefined)[];
  readonly roots: ReadonlyMap<number, string>;
  readonly lastSeq: number;
  readonly root: string;
}

/** Reads all segments by themselves, and computes every root anew. Up to `retiredSeq` events may be missing. */
function readLog(files: Files, folder: string, retiredSeq: number): Log {
  const rows: (Row | undefined)[] = [];
  const roots = new Map<number, string>();
  const ids = new Set<unknown>();
  let frontier = new Frontier();
  const add = (event: JournalEvent) => {
    frontier.append(leafOf(event));
    if (event.row[COLUMN.seq] !== frontier.size || ids.has(event.row[COLUMN.event_id]))
      throw new BrokenPromise(
        "corrupt",
        `event ${event.row[COLUMN.seq]} stands at ${frontier.size}, or twice`,
      );
    ids.add(event.row[COLUMN.event_id]);
    rows[frontier.size - 1] = event.row;
  };
  const segments = listSegments(files, folder);
  for (const [index, { path }] of segments.entries()) {
    const { header, commits } = readSegment(files, path, segments[index + 1]?.firstLsn);
    if (header === null) throw new BrokenPromise("corrupt", `${path} has no header`);
    const before = header.firstSeq - 1;
    if (before !== frontier.size && before > retiredSeq)
      throw new BrokenPromise(
        "lost",
        `${path} begins after event ${before}, the log before it ends at ${frontier.size}`,
      );
    if (before !== frontier.size) frontier = new Frontier(before, header.frontier);
    if (frontier.hashes.join() !== header.frontier.join())
      throw new BrokenPromise("corrupt", `the header of ${path} has another frontier`);
    for (const commit of commits) {
      commit.finishes.forEach(add);
      if (commit.lastSeq !== frontier.size || commit.root !== frontier.root())
        throw new BrokenPromise("corrupt", `the root at event ${commit.lastSeq} does not match`);
      roots.set(commit.lastSeq, commit.root);
    }
  }
  return { rows, roots, lastSeq: frontier.size, root: frontier.root() };
}

function rowOf(entry: JournalEntry): Row {
  if (entry[0] === "abandon") throw new TypeError("an abandon has no row");
  return entry[1];
}

function entryId(entry: JournalEntry): string {
  return entry[0] === "abandon" ? entry[1] : String(entry[1][COLUMN.event_id]);
}

function openAfter(open: ReadonlyMap<string, Row>, batch: Batch): Map<string, Row> {
  const after = new Map(open);
  for (const row of batch.begins) after.set(String(row[COLUMN.event_id]), row);
  for (const eventId of batch.ended) after.delete(eventId);
  return after;
}

/** Whether two lists of rows are the same, in order, but for some cells. */
function same(found: readonly Row[], expected: readonly Row[], but: readonly FieldName[]): boolean {
  const text = (row: Row) => {
    const bare = row.slice();
    for (const name of but) bare[COLUMN[name]] = null;
    return JSON.stringify(bare);
  };
  return found.length === expected.length && found.every((row, n) => text(row) === text(expected[n] as Row));
}
