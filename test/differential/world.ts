// The same 10,000 random events and 1,000 random filters for every surface, and what a naive reading of the events says
// that each must answer. The last of the events come while the live feed is read. surfaces.test.ts asks them all.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import fc from "fast-check";
import type { FeedPosition } from "../../src/event/feed.ts";
import { type AuditEvent, COLUMN, eventOf, FIELDS } from "../../src/event/fields.ts";
import { eventJson } from "../../src/event/json.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { parseFilter, writeFilter } from "../../src/query/parameters.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { SHAPE_COLUMNS } from "../../src/stores/sqlite/columns.ts";
import { anyFilter } from "../conformance/filters.ts";
import { newestFirst, select } from "../conformance/model.ts";
import { type Cells, makeEvents, NodeLog, START_MS } from "../support/events.ts";
import { tempFolder } from "../support/temp.ts";

const EVENTS = 10_000;
const FILTERS = 1_000;
/** Those that come later, in parts. */
const LATER = 600;
const LATER_PART = 100;
/** A store takes them in batches: few at the end, so that positions lie close to one another there. */
const BATCH = 500;
const LAST = 1_000;
const LAST_BATCH = 50;
/** Over 40 days, across the changes of summer time in Europe and America. */
const SPAN_MS = 40 * 86_400_000;
const FIRST_MS = Date.UTC(2026, 2, 1);
const SEED = Number(process.env.DAYBOOK_TEST_SEED ?? 1);
const NODES = ["00000000000000a1", "00000000000000b2", "00000000000000c3"];
const AT_A_TIME = 6;

/** Three that differ in sign, in their half hours, and in when their clocks change. */
export const ZONES = ["Pacific/Kiritimati", "Asia/Kolkata", "America/New_York"] as const;

export interface World extends AsyncDisposable {
  readonly address: string;
  readonly filters: readonly EventFilter[];
  /** So far, in the order in which they came into the store. */
  readonly arrived: readonly AuditEvent[];
  /** How many had arrived, and the last `seq` of each node then; the newest last. */
  readonly positions: readonly { readonly count: number; readonly at: FeedPosition }[];
  /** Some more of the events arrive; false when all are there. */
  arrive(): Promise<boolean>;
  /** What a filter lets through of all events, newest first. To be asked when all are there. */
  expected(filter: EventFilter): readonly AuditEvent[];
}

export async function makeWorld(): Promise<World> {
  const folder = tempFolder();
  const address = `sqlite:${folder}/events.db`;
  const store = await openStore(address, "write");
  const logs = NODES.map((nodeId, index) => new NodeLog(nodeId, SEED + index));
  const arrived: AuditEvent[] = [];
  const positions: World["positions"][number][] = [];
  const append = async (count: number) => {
    const log = logs[positions.length % logs.length] as NodeLog;
    const before = log.events.length;
    await store.append(log.next(count, spread));
    arrived.push(...log.events.slice(before).map(({ row }) => eventOf(row)));
    const at = logs.map(({ nodeId, events }) => [nodeId, events.length] as const);
    positions.push({ count: arrived.length, at: Object.fromEntries(at.filter(([, seq]) => seq > 0)) });
  };
  while (arrived.length < EVENTS - LATER)
    await append(arrived.length < EVENTS - LATER - LAST ? BATCH : LAST_BATCH);
  const filters = filtersOver(arrived);
  const known = new Map<EventFilter, readonly AuditEvent[]>();
  let sorted: readonly AuditEvent[] = [];
  return {
    address,
    filters,
    arrived,
    positions,
    async arrive() {
      if (arrived.length < EVENTS) await append(LATER_PART);
      return arrived.length < EVENTS;
    },
    expected(filter) {
      // What is in order already is in order soonest.
      if (sorted.length < arrived.length) sorted = newestFirst(arrived);
      const events = known.get(filter) ?? select(sorted, filter);
      known.set(filter, events);
      return events;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const TEXTS = new WeakMap<AuditEvent, string>();

/** An event as every surface that speaks JSON shows it. */
export function jsonOf(event: AuditEvent): string {
  const text = TEXTS.get(event) ?? JSON.stringify(eventJson(event));
  TEXTS.set(event, text);
  return text;
}

const RAW = new WeakMap<AuditEvent, string>();

/** Every field of an event of the world, made once. */
function rawOf(event: AuditEvent): string {
  const text = RAW.get(event) ?? JSON.stringify(event);
  RAW.set(event, text);
  return text;
}

/** Field by field equal; as texts first, which takes a fraction of the time. */
export function assertEvents(
  found: readonly AuditEvent[],
  right: readonly AuditEvent[],
  message: string,
): void {
  const isSame = (event: AuditEvent, at: number) => JSON.stringify(event) === rawOf(right[at] as AuditEvent);
  if (found.length !== right.length || !found.every(isSame)) assert.deepEqual(found, right, message);
}

/** Is told after each filter how many there were. */
export type Say = (count: number) => void;

/** Asks with the filters, some at a time: while one is answered, another is compared. How many there were. */
export async function inTurns(
  filters: readonly EventFilter[],
  say: Say,
  check: (filter: EventFilter, index: number) => Promise<void>,
  atATime = AT_A_TIME,
): Promise<number> {
  const left = filters.entries();
  let count = 0;
  const turns = Array.from({ length: atATime }, async () => {
    for (const [index, filter] of left) {
      await check(filter, index);
      say(++count);
    }
  });
  await Promise.all(turns);
  return count;
}

/** Sorts of requests: in a real trail far fewer than there are requests. */
const SORTS = makeEvents({ nodeId: "00000000000000ff", count: 300, seed: SEED }).map(({ row }, index) => {
  const cells = SHAPE_COLUMNS.map(({ name }) => [name, row[COLUMN[name]] ?? null] as const);
  return Object.fromEntries([...cells, ...(index % 11 === 0 ? [["kind", "system"]] : [])]) as Cells;
});

/** Some in every hour, and some at the same millisecond. */
function spread(seq: number): Cells {
  const at = (seq * 7_919_317) % SPAN_MS;
  return {
    ...SORTS[(seq * 31) % SORTS.length],
    recorded_at: FIRST_MS + (seq % 5 === 0 ? at - (at % 3_600_000) : at),
  };
}

/** Those that can be said: what no event can have is refused, which is tested elsewhere. */
function filtersOver(events: readonly AuditEvent[]): EventFilter[] {
  const time = fc
    .tuple(fc.integer({ min: -1, max: 41 * 24 }), fc.constantFrom(0, 0, -1, 1, 1_234_567))
    .map(([hours, more]) => FIRST_MS + hours * 3_600_000 + more);
  const names = FIELDS.filter(({ type }) => type !== "json").map(({ name }) => name);
  const drawnFrom = events.filter((_, index) => index % 50 === 0);
  const filters: EventFilter[] = [];
  const seen = new Set<string>();
  for (let round = 0; filters.length < FILTERS; round++) {
    for (const drawn of fc.sample(anyFilter(drawnFrom, time, names), {
      seed: SEED + round,
      numRuns: FILTERS,
    })) {
      const parameters = writeFilter(drawn).toString();
      if (seen.has(parameters) || filters.length === FILTERS) continue;
      seen.add(parameters);
      try {
        filters.push(parseFilter(new URLSearchParams(parameters), START_MS));
      } catch {
        // No event can be so.
      }
    }
  }
  return filters;
}
