// Retention: what is to go, and its removal in steps that fit between appends. A plan is made of times and seqs, so
// that it means the same events however often and by whomever it is carried out.
import type { DatabaseSync } from "node:sqlite";
import { KINDS, type Kind } from "../../event/fields.ts";
import { beforeOf, sumOf } from "../../event/pruned.ts";
import type { PrunePlan, PruneProgress, PruneRange, PruneRules, PruneStep } from "../removal.ts";
import { KEPT_UNDER_CAP } from "../store.ts";
import type { Source } from "./collect.ts";
import type { Where } from "./conditions.ts";
import { notHeld } from "./held.ts";
import { GRAINS } from "./rollups.ts";
import { among, notBeyond } from "./select.ts";
import { pragma } from "./tables.ts";
import { present, REMOVABLE, toldSoFar } from "./told.ts";

/** Events of a step: at 5 million, with five indexes to mend and everything overwritten, 5 to 10 ms. */
const STEP_EVENTS = 250;
/** Entries of the time index that a step looks through for them: 5 ms where all of them stay. */
const STEP_ENTRIES = 50_000;
/** Free pages given back in a step: 2 to 10 ms. */
const STEP_PAGES = 256;
/** Below the cap by so much, so that the next event is not over it again. */
const ROOM = 0.95;
/** Of a row of sums, about: what events leave behind. */
const SUMS_BYTES = 100;

export function planPrune(source: Source, rules: PruneRules): PrunePlan {
  const before = Object.fromEntries(
    KINDS.map((kind) => [kind, Math.max(0, rules.now - rules.keepMs[kind])]),
  ) as Record<Kind, number>;
  const excess = rules.maxBytes === 0 ? 0 : excessEvents(source, rules.maxBytes);
  const free = notHeld(rules.holds, source);
  const capped = excess > 0 && moveUp(source, before, excess, free);
  const planned = rangesOf(source, before, free);
  const ranges = rules.holds.length === 0 ? planned : withHeld(source, planned, before);
  return { before, capped, holds: rules.holds, ranges, told: toldSoFar(source) };
}

function withHeld(source: Source, ranges: PruneRange[], before: Readonly<Record<Kind, number>>) {
  const counts = present(
    source,
    ranges.map((range) => ({
      ...range,
      from: range.fromSeq,
      to: range.toSeq,
      before: beforeOf(before, range.kinds),
    })),
  );
  return ranges.map((range, index) => ({ ...range, held: (counts[index] ?? 0) - sumOf(range.kinds) }));
}

/** How many events take as many bytes as there are over the cap. */
function excessEvents(source: Source, maxBytes: number): number {
  const [pages = 0, free = 0, pageSize = 0, events = 0, sums = 0] = (source.all(
    `SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count),
      (SELECT page_size FROM pragma_page_size), (SELECT count(*) FROM events), (SELECT count(*) FROM rollups)`,
    [],
  )[0] ?? []) as number[];
  const bytes = (pages - free) * pageSize;
  if (bytes <= maxBytes || events === 0) return 0;
  const bytesOfEvent = Math.max(1, bytes - sums * SUMS_BYTES) / events;
  return Math.ceil((bytes - maxBytes * ROOM) / bytesOfEvent);
}

/** Moves the times of kinds under the cap to where `excess` events are older; false when age removes as many. */
function moveUp(source: Source, before: Record<Kind, number>, excess: number, free: Where): boolean {
  const kinds = KINDS.filter((kind) => !KEPT_UNDER_CAP.has(kind));
  const shapes = source.findTuples("shapes", `kind IN (${kinds.map((kind) => `'${kind}'`).join(", ")})`, []);
  const inAll = source.all(
    `SELECT recorded_at FROM events INDEXED BY events_time
     WHERE ${among("shape", shapes).sql} AND ${free.sql} ORDER BY recorded_at LIMIT 1 OFFSET ?`,
    [...among("shape", shapes).params, ...free.params, excess],
  )[0]?.[0] as number | undefined;
  const until = inAll ?? Number.MAX_SAFE_INTEGER;
  const moved = kinds.filter((kind) => before[kind] < until);
  for (const kind of moved) before[kind] = until;
  return moved.length > 0;
}

function rangesOf(source: Source, before: Readonly<Record<Kind, number>>, free: Where): PruneRange[] {
  const ranges = new Map<string, { fromSeq: number; toSeq: number; kinds: Partial<Record<Kind, number>> }>();
  for (const kind of KINDS) {
    const shapes = source.findTuples("shapes", REMOVABLE, [kind]);
    if (shapes.length === 0) continue;
    const rows = source.all(
      `SELECT lower(hex(node_id)), min(seq), max(seq), count(*) FROM events INDEXED BY events_time
       WHERE recorded_at < ? AND ${among("shape", shapes).sql} AND ${free.sql} GROUP BY node_id`,
      [before[kind], ...among("shape", shapes).params, ...free.params],
    ) as [string, number, number, number][];
    for (const [nodeId, fromSeq, toSeq, events] of rows) {
      const range = ranges.get(nodeId) ?? { fromSeq, toSeq, kinds: {} };
      range.fromSeq = Math.min(range.fromSeq, fromSeq);
      range.toSeq = Math.max(range.toSeq, toSeq);
      range.kinds[kind] = events;
      ranges.set(nodeId, range);
    }
  }
  return [...ranges]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([nodeId, { fromSeq, toSeq, kinds }]) => ({ nodeId, fromSeq, toSeq, kinds, held: 0 }));
}

/** Events kind by kind, then sums grain by grain; within a transaction. */
export function pruneStep(source: Source, plan: PrunePlan, progress?: PruneProgress): PruneStep {
  const { part, at, from } = progress ?? { part: "events", at: 0, from: 0 };
  if (part === "events") {
    const kind = KINDS[at];
    if (kind !== undefined) return pruneEvents(source, plan, kind, { part, at, from });
    return { events: 0, next: { part: "sums", at: 0, from: 0 } };
  }
  return { events: 0, next: pruneSums(source, plan, at) };
}

function pruneEvents(source: Source, plan: PrunePlan, kind: Kind, progress: PruneProgress): PruneStep {
  const { at, from } = progress;
  const after: PruneProgress = { part: "events", at: at + 1, from: 0 };
  if (!plan.ranges.some(({ kinds }) => (kinds[kind] ?? 0) > 0)) return { events: 0, next: after };
  const to = plan.before[kind];
  const end = source.all(
    `SELECT recorded_at FROM events INDEXED BY events_time WHERE recorded_at >= ? AND recorded_at < ?
     ORDER BY recorded_at LIMIT 1 OFFSET ?`,
    [from, to, STEP_ENTRIES],
  )[0]?.[0] as number | undefined;
  // Entries of one time stay together.
  const until = end === undefined ? to : Math.max(end, from + 1);
  const planned = notBeyond(Object.fromEntries(plan.ranges.map(({ nodeId, toSeq }) => [nodeId, toSeq])));
  const shapes = among("shape", source.findTuples("shapes", REMOVABLE, [kind]));
  const free = notHeld(plan.holds, source);
  const found = source.all(
    `SELECT rowid, recorded_at FROM events INDEXED BY events_time WHERE recorded_at >= ? AND recorded_at < ?
     AND ${shapes.sql} AND ${planned.sql} AND ${free.sql} ORDER BY recorded_at LIMIT ?`,
    [from, until, ...shapes.params, ...planned.params, ...free.params, STEP_EVENTS],
  ) as [number, number][];
  source.all("DELETE FROM events WHERE rowid IN (SELECT value FROM json_each(?))", [
    JSON.stringify(found.map(([rowid]) => rowid)),
  ]);
  const last = found.at(-1);
  if (last !== undefined && found.length === STEP_EVENTS)
    return { events: found.length, next: { ...progress, from: last[1] } };
  return { events: found.length, next: end === undefined ? after : { ...progress, from: until } };
}

/** One period of a grain: the oldest, once no kind is kept that long. */
function pruneSums(source: Source, { before }: PrunePlan, at: number): PruneProgress {
  const grain = GRAINS[at];
  if (grain === undefined) return { part: "words", at: 0, from: 0 };
  const end = Math.floor(Math.min(...Object.values(before)) / grain.unitMs);
  const oldest = source.all("SELECT period FROM rollups WHERE grain = ? ORDER BY period LIMIT 1", [
    grain.id,
  ])[0]?.[0];
  if (typeof oldest !== "number" || oldest >= end) return { part: "sums", at: at + 1, from: 0 };
  source.all("DELETE FROM rollups WHERE grain = ? AND period = ?", [grain.id, oldest]);
  return { part: "sums", at, from: 0 };
}

/** Some of the free pages, back to the disk: the file is shorter after the next checkpoint. True: there are more. */
export function giveBack(db: DatabaseSync): boolean {
  const free = Number(pragma(db, "freelist_count"));
  db.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`);
  const left = Number(pragma(db, "freelist_count"));
  return left > 0 && left < free;
}
