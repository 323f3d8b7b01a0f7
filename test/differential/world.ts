// The same 10,000 random events and 1,000 random filters for every surface, and what a naive reading of the events says
// that each must answer. A surface is one test file beside this one: it serves or opens the world, and compares.
import { rmSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
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
/** Over 40 days, across the changes of summer time in Europe and America. */
const SPAN_MS = 40 * 86_400_000;
const FIRST_MS = Date.UTC(2026, 2, 1);
const SEED = Number(process.env.DAYBOOK_TEST_SEED ?? 1);

/** Three that differ in sign, in their half hours, and in when their clocks change. */
export const ZONES = ["Pacific/Kiritimati", "Asia/Kolkata", "America/New_York"] as const;

export interface World extends AsyncDisposable {
  readonly address: string;
  /** Newest first. */
  readonly events: readonly AuditEvent[];
  readonly filters: readonly EventFilter[];
  /** What a filter lets through, newest first. */
  expected(filter: EventFilter): readonly AuditEvent[];
}

export async function makeWorld({ events: count = EVENTS, filters: wanted = FILTERS } = {}): Promise<World> {
  const folder = tempFolder();
  const address = `sqlite:${folder}/events.db`;
  const store = await openStore(address, "write");
  const logs = ["00000000000000a1", "00000000000000b2", "00000000000000c3"].map(
    (nodeId, index) => new NodeLog(nodeId, SEED + index),
  );
  for (let made = 0; made < count; ) {
    for (const log of logs) {
      const size = Math.min(500, count - made);
      made += size;
      if (size > 0) await store.append(log.next(size, spread));
    }
  }
  await store.close();
  const events = newestFirst(logs.flatMap((log) => log.events.map(({ row }) => eventOf(row))));
  return {
    address,
    events,
    filters: filtersOver(events, wanted),
    expected: (filter) => select(events, filter),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const TEXTS = new WeakMap<AuditEvent, string>();

/** An event as every surface that speaks JSON shows it. */
export function jsonOf(event: AuditEvent): string {
  const text = TEXTS.get(event) ?? JSON.stringify(eventJson(event));
  TEXTS.set(event, text);
  return text;
}

/** A test in each of ZONES, with the part of the filters that is its turn: a clock on the wall decides nothing. */
export function inZones(
  name: string,
  world: () => World,
  check: (filters: readonly EventFilter[]) => Promise<void>,
): void {
  for (const [turn, zone] of ZONES.entries()) {
    test(`${name} in ${zone}`, async () => {
      const before = process.env.TZ;
      process.env.TZ = zone;
      try {
        await check(world().filters.filter((_, index) => index % ZONES.length === turn));
      } finally {
        if (before === undefined) delete process.env.TZ;
        else process.env.TZ = before;
      }
    });
  }
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
function filtersOver(events: readonly AuditEvent[], wanted: number): EventFilter[] {
  const time = fc
    .tuple(fc.integer({ min: -1, max: 41 * 24 }), fc.constantFrom(0, 0, -1, 1, 1_234_567))
    .map(([hours, more]) => FIRST_MS + hours * 3_600_000 + more);
  const names = FIELDS.filter(({ type }) => type !== "json").map(({ name }) => name);
  const drawnFrom = events.filter((_, index) => index % 50 === 0);
  const filters: EventFilter[] = [];
  const seen = new Set<string>();
  for (let round = 0; filters.length < wanted; round++) {
    for (const drawn of fc.sample(anyFilter(drawnFrom, time, names), {
      seed: SEED + round,
      numRuns: wanted,
    })) {
      const parameters = writeFilter(drawn).toString();
      if (seen.has(parameters) || filters.length === wanted) continue;
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
