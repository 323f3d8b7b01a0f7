// Every event as the journal made it, in the order of rows. A row that no event can have, which is nobody's doing but of who
// changed the file, is counted, and hides none of those after it.
import type { JournalEvent } from "../../event/leaf.ts";
import type { Scanned } from "../store.ts";
import type { Source } from "./collect.ts";
import { EVENT_LIST, EVENT_LIST_LENGTH, readRow, type SqlValue } from "./columns.ts";

const [LEAST, MOST] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
/** A blob takes three times as long on its way out of SQLite as its digits. */
const digitsOf = (name: string) => `CASE typeof(${name}) WHEN 'blob' THEN hex(${name}) END`;
/** What `journalEvent` wants. */
export const JOURNAL_EVENT = `${EVENT_LIST}, ${digitsOf("p1_salt")}, ${digitsOf("p2_salt")}`;
const NEXT = "FROM events WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?";
const EVENTS = `SELECT ${JOURNAL_EVENT}, rowid ${NEXT}`;
const ROWS = `SELECT rowid ${NEXT}`;
const ROW = `SELECT ${JOURNAL_EVENT} FROM events WHERE rowid = ?`;
/** Rows that have no number that can be read, or that of where a scan begins. */
const ELSEWHERE = `SELECT (SELECT count(*) FROM events WHERE rowid > ${MOST}) +
  (SELECT count(*) FROM events WHERE rowid <= ${LEAST})`;

/** As `scan` of the store, within one snapshot. */
export function scan(source: Source, after: number | null, limit: number, upTo: number = MOST): Scanned {
  const elsewhere = after === null ? Number(source.all(ELSEWHERE, [])[0]?.[0] ?? 0) : 0;
  const part = partOf(source, [after ?? LEAST, upTo, limit]);
  return { ...part, unreadable: part.unreadable + elsewhere };
}

/** After which number, up to which, and how many. */
type Rows = readonly [number, number, number];

function partOf(source: Source, asked: Rows): Scanned {
  try {
    const rows = source.all(EVENTS, asked);
    const events = rows.map((values) => journalEvent(values, source));
    return { events, unreadable: 0, next: rows.length < asked[2] ? null : (rows.at(-1)?.at(-1) as number) };
  } catch (error) {
    throwIfOfSqlite(error);
    return rowByRow(source, asked);
  }
}

function rowByRow(source: Source, asked: Rows): Scanned {
  const rows = source.all(ROWS, asked);
  const events: JournalEvent[] = [];
  for (const row of rows) {
    try {
      events.push(journalEvent(source.all(ROW, row)[0] ?? [], source));
    } catch (error) {
      throwIfOfSqlite(error);
    }
  }
  const next = rows.length < asked[2] ? null : (rows.at(-1)?.[0] as number);
  return { events, unreadable: rows.length - events.length, next };
}

/** Of a SELECT of JOURNAL_EVENT. Throws when it is of no event. */
export function journalEvent(values: SqlValue[], source: Source): JournalEvent {
  const [p1Salt, p2Salt] = values.slice(EVENT_LIST_LENGTH);
  if (typeof p1Salt !== "string" || typeof p2Salt !== "string")
    throw new Error("the store is damaged: an event has no salts");
  return {
    row: readRow(values, source),
    p1Salt: Buffer.from(p1Salt, "hex"),
    p2Salt: Buffer.from(p2Salt, "hex"),
  };
}

/** The file itself cannot be read, or not now. */
function throwIfOfSqlite(error: unknown): void {
  if (typeof (error as { errcode?: unknown }).errcode === "number") throw error;
}
