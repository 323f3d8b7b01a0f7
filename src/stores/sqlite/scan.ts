// Every event as the journal made it, in the order of rows. A row that no event can have, which is nobody's doing but of who
// changed the file, is counted, and hides none of those after it.
import type { JournalEvent } from "../../event/leaf.ts";
import type { Scanned } from "../store.ts";
import type { Source } from "./collect.ts";
import { EVENT_LIST, EVENT_LIST_LENGTH, readRow, type SqlValue } from "./columns.ts";

const [LEAST, MOST] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
/** What `journalEvent` wants. */
export const JOURNAL_EVENT = `${EVENT_LIST}, p1_salt, p2_salt`;
const NEXT = `FROM events WHERE rowid > ? AND rowid <= ${MOST} ORDER BY rowid LIMIT ?`;
const EVENTS = `SELECT ${JOURNAL_EVENT}, rowid ${NEXT}`;
const ROWS = `SELECT rowid ${NEXT}`;
const ROW = `SELECT ${JOURNAL_EVENT} FROM events WHERE rowid = ?`;
/** Rows that have no number that can be read, or that of where a scan begins. */
const ELSEWHERE = `SELECT (SELECT count(*) FROM events WHERE rowid > ${MOST}) +
  (SELECT count(*) FROM events WHERE rowid <= ${LEAST})`;

/** As `scan` of the store, within one snapshot. */
export function scan(source: Source, after: number | null, limit: number): Scanned {
  const elsewhere = after === null ? Number(source.all(ELSEWHERE, [])[0]?.[0] ?? 0) : 0;
  const part = partAfter(source, after ?? LEAST, limit);
  return { ...part, unreadable: part.unreadable + elsewhere };
}

function partAfter(source: Source, after: number, limit: number): Scanned {
  try {
    const rows = source.all(EVENTS, [after, limit]);
    const events = rows.map((values) => journalEvent(values, source));
    return { events, unreadable: 0, next: rows.length < limit ? null : (rows.at(-1)?.at(-1) as number) };
  } catch (error) {
    throwIfOfSqlite(error);
    return rowByRow(source, after, limit);
  }
}

function rowByRow(source: Source, after: number, limit: number): Scanned {
  const rows = source.all(ROWS, [after, limit]);
  const events: JournalEvent[] = [];
  for (const row of rows) {
    try {
      events.push(journalEvent(source.all(ROW, row)[0] ?? [], source));
    } catch (error) {
      throwIfOfSqlite(error);
    }
  }
  const next = rows.length < limit ? null : (rows.at(-1)?.[0] as number);
  return { events, unreadable: rows.length - events.length, next };
}

/** Of a SELECT of JOURNAL_EVENT. Throws when it is of no event. */
export function journalEvent(values: SqlValue[], source: Source): JournalEvent {
  const [p1Salt, p2Salt] = values.slice(EVENT_LIST_LENGTH);
  if (!(p1Salt instanceof Uint8Array && p2Salt instanceof Uint8Array))
    throw new Error("the store is damaged: an event has no salts");
  return { row: readRow(values, source), p1Salt, p2Salt };
}

/** The file itself cannot be read, or not now. */
function throwIfOfSqlite(error: unknown): void {
  if (typeof (error as { errcode?: unknown }).errcode === "number") throw error;
}
