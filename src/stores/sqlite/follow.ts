// Events beyond a position, in the order in which they came. Rows are appended and keep their numbers, so a position that
// was reached here is a row; one that comes from outside is looked for from the newest row back, a stretch at each call.

import { writePosition } from "../../event/feed.ts";
import { type AuditEvent, COLUMN, eventOf } from "../../event/fields.ts";
import type { AsOf } from "../../query/filter.ts";
import type { Followed } from "../store.ts";
import type { Source } from "./collect.ts";
import { EVENT_LIST, readRow } from "./columns.ts";

const NEWEST = "SELECT coalesce(max(rowid), 0) FROM events";
const BACK = `SELECT rowid, lower(hex(node_id)), seq FROM events WHERE rowid <= ? ORDER BY rowid DESC LIMIT ?`;
const ON = `SELECT ${EVENT_LIST}, rowid FROM events WHERE rowid > ? ORDER BY rowid LIMIT ?`;

/** Rows that one call looks back over: some 20 ms. */
const STRETCH = 20_000;
/** Positions whose places are remembered: one for each of those who follow at the same time, and some more. */
const MAX_PLACES = 256;

/** Every event beyond the position is after `row`, once `looking` is null. */
interface Place {
  readonly row: number;
  readonly looking: {
    /** Nodes of which an event beyond the position may be at `next` or before. */
    readonly nodes: ReadonlySet<string>;
    readonly next: number;
  } | null;
}

export class Follower {
  readonly #places = new Map<string, Place>();

  /** As `follow` of the store; `positions` are of the same snapshot. */
  read(source: Source, positions: AsOf, after: AsOf, upTo: AsOf | null, limit: number): Followed {
    const newest = source.all(NEWEST, [])[0]?.[0] as number;
    const from = within(after, positions);
    const key = writePosition(from);
    const known = this.#places.get(key);
    this.#places.delete(key);
    // Rows that are gone from the end give their numbers to others.
    const start = known === undefined || known.row > newest ? beginning(from, positions, newest) : known;
    const place = start.looking === null ? start : lookBack(source, from, start);
    if (place.looking !== null) {
      this.#remember(from, place);
      return { events: [], at: from, isLevel: false };
    }
    const { events, row, at, isEnd } = readOn(source, place.row, from, upTo ?? positions, limit);
    const reached = isEnd ? furthest(from, upTo ?? positions) : at;
    this.#remember(reached, { row, looking: null });
    return { events, at: reached, isLevel: isEnd };
  }

  #remember(position: AsOf, place: Place): void {
    this.#places.set(writePosition(position), place);
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= MAX_PLACES) break;
      this.#places.delete(oldest);
    }
  }
}

/** `after`, of the nodes that there are. */
function within(after: AsOf, positions: AsOf): AsOf {
  return Object.fromEntries(Object.keys(positions).map((nodeId) => [nodeId, after[nodeId] ?? 0]));
}

function furthest(one: AsOf, other: AsOf): AsOf {
  return Object.fromEntries(Object.keys(one).map((id) => [id, Math.max(one[id] ?? 0, other[id] ?? 0)]));
}

function beginning(from: AsOf, positions: AsOf, newest: number): Place {
  const behind = Object.keys(from).filter((id) => (positions[id] ?? 0) > (from[id] ?? 0));
  return { row: newest, looking: behind.length === 0 ? null : { nodes: new Set(behind), next: newest } };
}

function lookBack(source: Source, from: AsOf, { row, looking }: Place): Place {
  const nodes = new Set(looking?.nodes);
  let first = row;
  let next = looking?.next ?? 0;
  let seen = 0;
  for (const [number, nodeId, seq] of source.each(BACK, [next, STRETCH]) as Iterable<
    [number, string, number]
  >) {
    seen++;
    next = number - 1;
    if (!nodes.has(nodeId)) continue;
    const known = from[nodeId] ?? 0;
    if (seq > known) first = number - 1;
    // Seqs of a node follow one another.
    if (seq <= known + 1) nodes.delete(nodeId);
    if (nodes.size === 0) break;
  }
  const isOver = nodes.size === 0 || seen < STRETCH;
  return { row: first, looking: isOver ? null : { nodes, next } };
}

function readOn(source: Source, after: number, from: AsOf, upTo: AsOf, limit: number) {
  const events: AuditEvent[] = [];
  const at: Record<string, number> = { ...from };
  let row = after;
  let seen = 0;
  for (const values of source.each(ON, [after, limit])) {
    const cells = readRow(values, source);
    const nodeId = cells[COLUMN.node_id] as string;
    const seq = cells[COLUMN.seq] as number;
    if (seq > (upTo[nodeId] ?? 0)) return { events, row, at, isEnd: true };
    seen++;
    row = values.at(-1) as number;
    if (seq <= (at[nodeId] ?? 0)) continue;
    at[nodeId] = seq;
    events.push(eventOf(cells));
  }
  return { events, row, at, isEnd: seen < limit };
}
