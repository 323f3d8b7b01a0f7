// Erasure of a person's data, in steps that fit between appends. Nothing but what is still there says how far it is, so
// that it can be begun again after a crash, and by whomever.
import { COLUMN, FIELDS, type Row } from "../../event/fields.ts";
import { erased, type JournalEvent } from "../../event/leaf.ts";
import { isWrittenBy } from "../../event/naming.ts";
import type { EraseProgress, EraseStep, Subject, Traces } from "../removal.ts";
import type { Source } from "./collect.ts";
import { ACTOR_COLUMNS, EVENT_COLUMNS, EVENT_LIST, EVENT_LIST_LENGTH, hasActor, readRow } from "./columns.ts";
import type { Where } from "./conditions.ts";
import { notHeld } from "./held.ts";
import { ACTOR, SUM_LIST, SUMS_ADDED } from "./rollups.ts";
import { among } from "./select.ts";

/** Rows that a step looks at: a few milliseconds where none of them is the subject's, 80 where all are. */
const STEP_ROWS = 2_000;

const EMPTIED = EVENT_COLUMNS.filter(({ name }) => FIELDS[COLUMN[name]]?.class !== "public").map(
  ({ name }) => `"${name}" = NULL`,
);
const ERASE = `UPDATE events SET ${EMPTIED.join(", ")}, actor = ?, p1_salt = ?, p2_salt = ? WHERE rowid = ?`;
const CHARGE = `INSERT INTO charges (node_id, user_id, cost_micros)
  SELECT node_id, ?, cost_micros FROM charges WHERE user_id = ?
  ON CONFLICT DO UPDATE SET cost_micros = min(cost_micros + excluded.cost_micros, ${Number.MAX_SAFE_INTEGER})`;
const ADD_SUMS = `INSERT INTO rollups (grain, period, subject, shape, ${SUM_LIST}, latency)
  SELECT grain, period, ?, shape, ${SUM_LIST}, latency FROM rollups WHERE grain = ${ACTOR.id} AND subject = ?
  ON CONFLICT DO UPDATE SET ${SUMS_ADDED}`;

/** Within one snapshot. */
export function traces(source: Source, subject: Subject): Traces {
  const free = notHeld(subject.holds, source);
  const { named, written } = namedIn(subject, source);
  const [events = 0, all = 0, since = null] = (source.all(
    `SELECT total(${free.sql}), count(*), min(recorded_at) FROM events WHERE ${named.sql}`,
    [...free.params, ...named.params],
  )[0] ?? []) as [number?, number?, (number | null)?];
  const found = { events, held: all - events, since };
  for (const values of source.each(
    `SELECT ${EVENT_LIST}, recorded_at, ${free.sql} FROM events WHERE ${written.sql}`,
    [...free.params, ...written.params],
  )) {
    if (!isWrittenBy(readRow(values, source), subject.userId)) continue;
    const [recordedAt, isFree] = values.slice(EVENT_LIST_LENGTH) as [number, number];
    if (isFree === 1) found.events++;
    else found.held++;
    found.since = Math.min(found.since ?? recordedAt, recordedAt);
  }
  return found;
}

/** Of `events` and `sums`; within one transaction. */
export function eraseStep(source: Source, subject: Subject, progress: EraseProgress): EraseStep {
  return progress.part === "events"
    ? eraseEvents(source, subject, progress)
    : { events: 0, held: 0, next: moveSums(source, subject, progress) };
}

function eraseEvents(source: Source, subject: Subject, { from, isHeld }: EraseProgress): EraseStep {
  const last = Number(source.all("SELECT max(rowid) FROM events", [])[0]?.[0] ?? 0);
  const to = from + STEP_ROWS;
  const free = notHeld(subject.holds, source);
  const { named, written } = namedIn(subject, source);
  const rows = source.all(
    `SELECT ${EVENT_LIST}, p1_salt, p2_salt, rowid, ${free.sql}, ${named.sql} FROM events
     WHERE rowid > ? AND rowid <= ? AND (${named.sql} OR ${written.sql})`,
    [...free.params, ...named.params, from, to, ...named.params, ...written.params],
  );
  let [events, held] = [0, 0];
  for (const values of rows) {
    const [p1Salt, p2Salt, rowid, isFree, isNamed] = values.slice(EVENT_LIST_LENGTH) as [
      Uint8Array,
      Uint8Array,
      number,
      number,
      number,
    ];
    const row = readRow(values, source);
    if (isNamed !== 1 && !isWrittenBy(row, subject.userId)) continue;
    if (isFree === 1) {
      erase(source, { row, p1Salt, p2Salt }, rowid);
      events++;
    } else held++;
  }
  const left = isHeld || held > 0;
  const part = to < last ? "events" : left ? "words" : "sums";
  return { events, held, next: { part, from: part === "events" ? to : 0, isHeld: left } };
}

function erase(source: Source, event: JournalEvent, rowid: number): void {
  const { row, p1Salt, p2Salt } = erased(event);
  const actor = hasActor(row) ? source.actors.add(row) : null;
  source.all(ERASE, [actor, p1Salt, p2Salt, rowid]);
}

/**
 * Events that are not erased yet: that name the subject (`named`), and that may do so in what people wrote themselves
 * (`written`, see event/naming.ts). As `isNamedBy` says it of a row.
 */
function namedIn({ userId }: Subject, source: Source): { readonly named: Where; readonly written: Where } {
  const actors = among("actor", source.findTuples("actors", "user_id = ?", [userId]));
  const telling = among("shape", source.findTuples("shapes", "kind = 'system' AND action = 'pruned'", []));
  const quoted = JSON.stringify(userId);
  const inner = quoted.slice(1, -1);
  const left: Where = { sql: `length(p1_salt) < 32 AND NOT ${telling.sql}`, params: telling.params };
  const named: Where = {
    sql: `(${actors.sql} OR entity_id = ? OR instr(metadata, ?) > 0
      OR instr(old_values, ?) > 0 OR instr(new_values, ?) > 0) IS TRUE`,
    params: [...actors.params, userId, quoted, quoted, quoted],
  };
  const written =
    "(instr(justification, ?) > 0 OR instr(old_values, ?) > 0 OR instr(new_values, ?) > 0) IS TRUE";
  return {
    named: { sql: `(${left.sql} AND ${named.sql})`, params: [...left.params, ...named.params] },
    written: {
      sql: `(${left.sql} AND NOT (${named.sql}) AND ${written})`,
      params: [...left.params, ...named.params, userId, inner, inner],
    },
  };
}

/** All at once: what was not moved would be of nobody. */
function moveSums(source: Source, { userId, pseudonym }: Subject, { isHeld }: EraseProgress): EraseProgress {
  for (const id of source.findTuples("actors", "user_id = ?", [userId])) {
    const cells = source.actors.cells(id);
    const row: Row = [];
    for (const { name, at } of ACTOR_COLUMNS) row[COLUMN[name]] = cells[at] ?? null;
    row[COLUMN.user_id] = pseudonym;
    source.all(ADD_SUMS, [source.actors.add(row), id]);
    source.all(`DELETE FROM rollups WHERE grain = ${ACTOR.id} AND subject = ?`, [id]);
  }
  source.all(CHARGE, [pseudonym, userId]);
  source.all("DELETE FROM charges WHERE user_id = ?", [userId]);
  return { part: "words", from: 0, isHeld };
}
