// Retention: what a plan names goes, in steps, and nothing else; what it is summed in stays.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type AuditEvent, eventOf, KINDS, type Kind } from "../../src/event/fields.ts";
import type { PrunePlan, PruneProgress, PruneRules } from "../../src/stores/removal.ts";
import { KEPT_UNDER_CAP, type Store } from "../../src/stores/store.ts";
import { type Cells, makeEvents, NodeLog, START_MS } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf, found, idsOf } from "./case.ts";
import { select } from "./model.ts";

const NODE = "00000000000000a1";
const OTHER = "00000000000000b2";
const DAY_MS = 86_400_000;
const ALL = { where: {}, includeSystem: true };

/** One event a day of each node, of kinds in turn. */
function daily(seq: number): Cells {
  return { recorded_at: START_MS + seq * DAY_MS, kind: KINDS[seq % KINDS.length] ?? "mcp" };
}

function rules(days: number, keep: Partial<Record<Kind, number>> = {}): PruneRules {
  const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, (keep[kind] ?? 30) * DAY_MS]));
  return { now: START_MS + days * DAY_MS, keepMs: keepMs as Record<Kind, number>, maxBytes: 0, holds: [] };
}

async function pruneAll(store: Store, plan: PrunePlan): Promise<number> {
  let events = 0;
  for (let progress: PruneProgress | undefined; ; ) {
    const step = await store.prune(plan, progress);
    events += step.events;
    if (step.next === null) return events;
    progress = step.next;
  }
}

function planned({ ranges }: PrunePlan): number {
  return ranges.flatMap(({ kinds }) => Object.values(kinds)).reduce((sum, count) => sum + count, 0);
}

/** What a plan says of these events, counted plainly. */
function rangesOf(gone: readonly AuditEvent[]): PrunePlan["ranges"] {
  return [...Map.groupBy(gone, ({ node_id }) => node_id)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([nodeId, events]) => ({
      nodeId,
      fromSeq: Math.min(...events.map(({ seq }) => seq)),
      toSeq: Math.max(...events.map(({ seq }) => seq)),
      kinds: Object.fromEntries(
        KINDS.flatMap((kind) => {
          const count = events.filter((event) => event.kind === kind).length;
          return count === 0 ? [] : [[kind, count]];
        }),
      ),
      held: 0,
    }));
}

export const RETENTION: Cases = {
  "events that tell of removals are never removed": async (open) => {
    const store = await open();
    await appendNext(store, new NodeLog(NODE), 9, (seq) => ({
      ...daily(seq),
      kind: "system",
      action: seq === 4 ? "pruned" : "gap",
    }));
    const plan = await store.planPrune(rules(1000));
    assert.deepEqual(plan.ranges, [{ nodeId: NODE, fromSeq: 1, toSeq: 9, kinds: { system: 8 }, held: 0 }]);
    assert.equal(await pruneAll(store, plan), 8);
    assert.deepEqual(
      (await found(store, ALL)).map(({ seq }) => seq),
      [4],
    );
  },

  "each kind goes at its own age, by plan: the plan says what goes before it goes": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE, 1), new NodeLog(OTHER, 2)];
    await appendAll(store, one.next(120, daily), two.next(90, daily));
    const events = select(eventsOf(one.events, two.events), ALL);
    const keep = fc.record(Object.fromEntries(KINDS.map((kind) => [kind, fc.integer({ min: 1, max: 130 })])));
    await fc.assert(
      fc.asyncProperty(keep, async (days) => {
        const { now, keepMs } = rules(121, days as Record<Kind, number>);
        const plan = await store.planPrune({ now, keepMs, maxBytes: 0, holds: [] });
        const gone = events.filter((event) => event.recorded_at < now - keepMs[event.kind as Kind]);
        assert.deepEqual(plan.ranges, rangesOf(gone));
        assert.equal(plan.capped, false);
      }),
      { numRuns: 40 },
    );
    const asked = rules(121, { admin: 100, mcp: 60 });
    const plan = await store.planPrune(asked);
    const stay = events.filter((event) => event.recorded_at >= asked.now - asked.keepMs[event.kind as Kind]);
    assert.deepEqual(idsOf(await found(store, ALL)), idsOf(events), "a plan removes nothing");
    assert.equal(await pruneAll(store, plan), planned(plan));
    assert.deepEqual(idsOf(await found(store, ALL)), idsOf(stay));
    assert.deepEqual((await store.planPrune(asked)).ranges, [], "nothing is left to do");
  },

  "what comes after a plan stays, old as it may be; a plan carried out twice is as once": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 50, daily);
    const plan = await store.planPrune(rules(100));
    await appendNext(store, log, 5, () => ({ recorded_at: START_MS }));
    assert.equal(await pruneAll(store, plan), 50);
    assert.equal(await pruneAll(store, plan), 0);
    assert.deepEqual(
      (await found(store, ALL)).map(({ seq }) => seq),
      [55, 54, 53, 52, 51],
    );
  },

  "a plan that is broken off is finished by the next": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 1700, (seq) => ({ recorded_at: START_MS + (seq % 3) }));
    const first = await store.prune(await store.planPrune(rules(100)));
    assert.ok(first.events < 1700 && first.next !== null, "it takes several steps");
    const plan = await store.planPrune(rules(100));
    assert.equal((await pruneAll(store, plan)) + first.events, 1700);
    assert.deepEqual(await found(store, ALL), []);
  },

  "a plan has what was told before it, and how much of that is there all the same": async (open) => {
    const store = await open();
    const [log, teller] = [new NodeLog(NODE, 1), new NodeLog(OTHER, 2)];
    await appendNext(store, log, 50, (seq) => ({ ...daily(seq), user_id: seq <= 20 ? "zoe" : "ana" }));
    const tell = (metadata: object) =>
      appendNext(store, teller, 1, () => ({
        kind: "system",
        action: "pruned",
        recorded_at: START_MS + 2000 * DAY_MS,
        metadata: JSON.stringify(metadata),
      }));
    const holds = [{ where: { user_id: ["zoe"] } }];
    const first = await store.planPrune({ ...rules(1000), holds });
    const [range] = first.ranges;
    assert.deepEqual([range?.fromSeq, range?.toSeq, range?.held], [21, 50, 0], "held, but not between these");
    const kinds = range?.kinds ?? {};
    const times = Object.fromEntries(Object.keys(kinds).map((kind) => [`${kind}_before`, rules(1000).now]));
    const said = { node: NODE, from_seq: 21, to_seq: 50, because: "age", ...kinds, ...times };
    await tell(said);
    const leftOf = async () =>
      (await store.planPrune(rules(1))).told.map(({ by, seq, nodeId, left }) => [by, seq, nodeId, left]);
    assert.deepEqual(await leftOf(), [[OTHER, 1, NODE, 30]], "told, and nothing is gone yet");
    await pruneAll(store, first);
    assert.deepEqual(await leftOf(), [[OTHER, 1, NODE, 0]]);
    const after = { [`after_${OTHER}`]: 1 };
    await tell({ ...said, from_seq: 1, held: 19, gone: 29, ...after });
    assert.deepEqual(await leftOf(), [[OTHER, 2, NODE, 1]], "twenty are there, and nineteen were held");
  },

  "positions, charges and sums outlive the events": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 60, daily);
    const before = [await store.positions(), await store.charges(), await store.stats(ALL)];
    assert.equal(await pruneAll(store, await store.planPrune(rules(80, { admin: 300 }))), 44);
    assert.deepEqual([await store.positions(), await store.charges(), await store.stats(ALL)], before);
    await appendNext(store, log, 1, daily);
  },

  "sums go once no kind is kept that long": async (open) => {
    const store = await open();
    await appendNext(store, new NodeLog(NODE), 300, daily);
    await pruneAll(store, await store.planPrune(rules(301)));
    const { totalRequests } = await store.stats({ ...ALL, since: START_MS, until: START_MS + 200 * DAY_MS });
    assert.equal(totalRequests, 0);
  },

  "over the cap the oldest go, but not the record of who did what": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    // Large and alike: the events outweigh their sums, and what a store takes when it is empty.
    const first = makeEvents({ nodeId: NODE, count: 1 }).map(({ row }) => eventOf(row))[0];
    const { event_id, seq: _, user_id, api_key_id, ...alike } = first as AuditEvent;
    const large = (seq: number): Cells => ({
      ...alike,
      ...daily(seq),
      recorded_at: START_MS + seq * 1000,
      justification: "x".repeat(8000),
    });
    for (let batch = 0; batch < 3; batch++) await appendNext(store, log, 500, large);
    const asked = {
      ...rules(1),
      keepMs: rules(0, Object.fromEntries(KINDS.map((k) => [k, 9000]))).keepMs,
    };
    assert.deepEqual((await store.planPrune({ ...asked, maxBytes: 2 ** 40 })).ranges, []);
    const plan = await store.planPrune({ ...asked, maxBytes: 9_000_000 });
    assert.equal(plan.capped, true);
    const kinds = plan.ranges.flatMap((range) => Object.keys(range.kinds)) as Kind[];
    assert.ok(kinds.length > 0 && kinds.every((kind) => !KEPT_UNDER_CAP.has(kind)), kinds.join());
    const before = eventsOf(log.events);
    assert.equal(await pruneAll(store, plan), planned(plan));
    const left = await found(store, ALL);
    const oldest = Math.min(...left.filter(({ kind }) => kind === "mcp").map(({ seq }) => seq));
    const gone = before.filter(({ kind, seq }) => !KEPT_UNDER_CAP.has(kind as Kind) && seq < oldest);
    assert.ok(left.length > 600 && Math.abs(planned(plan) - gone.length) <= 9, "the oldest went");
    assert.equal((await store.planPrune({ ...asked, maxBytes: 9_000_000 })).capped, false);
  },

  "a copy is made of a moment, and over nothing": async (open, t) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendAll(store, log.next(40));
    const path = join(tmpdir(), `daybook-copy-${process.pid}-${Math.random().toString(36).slice(2)}`);
    t.after(() => rmSync(path, { force: true }));
    await store.backup(path);
    await appendAll(store, log.next(5));
    await assert.rejects(store.backup(path), "what is there is not overwritten");
  },
};
