// Following: what came beyond a position, in the order in which it came, once.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AuditEvent, KINDS, type Kind } from "../../src/event/fields.ts";
import type { AsOf } from "../../src/query/filter.ts";
import type { Store } from "../../src/stores/store.ts";
import { NodeLog, START_MS } from "../support/events.ts";
import { appendAll, type Cases, eventsOf, idsOf } from "./case.ts";

const ONE = "00000000000000a1";
const OTHER = "00000000000000b2";
const DAY_MS = 86_400_000;

/** Everything beyond `after`, in parts of at most `limit`. */
async function followed(store: Store, after: AsOf, limit = 1000, upTo: AsOf | null = null) {
  const events: AuditEvent[] = [];
  let at = after;
  for (let calls = 0; calls < 10_000; calls++) {
    const part = await store.follow(at, upTo, limit);
    assert.ok(part.events.length <= limit);
    events.push(...part.events);
    at = part.at;
    if (part.isLevel) return { events, at };
  }
  throw new Error("it does not become level");
}

export const FOLLOW: Cases = {
  "following gives every event once, from any position, in the order of arrival": async (open) => {
    const store = await open();
    const reader = await open("read");
    const logs = [new NodeLog(ONE), new NodeLog(OTHER, 1)];
    const arrived: AuditEvent[] = [];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 40 })), { maxLength: 5 }),
        fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
        fc.integer({ min: 1, max: 50 }),
        async (appends, shares, limit) => {
          for (const [which, count] of appends) {
            const log = logs[which] as NodeLog;
            const batch = log.next(count);
            await appendAll(store, batch);
            arrived.push(...eventsOf(batch.events));
          }
          const after = Object.fromEntries(
            logs.map(({ nodeId, events }, index) => [
              nodeId,
              Math.floor(events.length * (shares[index] ?? 0)),
            ]),
          );
          const { events, at } = await followed(reader, after, limit);
          const expected = arrived.filter(({ node_id, seq }) => seq > (after[node_id] ?? 0));
          assert.deepEqual(idsOf(events), idsOf(expected));
          assert.deepEqual((await followed(reader, at)).events, []);
        },
      ),
      { numRuns: 40 },
    );
  },

  "one that follows as events come sees each once, and no further than it asks": async (open) => {
    const store = await open();
    const reader = await open("read");
    const logs = [new NodeLog(ONE), new NodeLog(OTHER, 1)];
    let { at } = await followed(reader, {});
    const seen: AuditEvent[] = [];
    for (let round = 0; round < 20; round++) {
      const log = logs[round % 2] as NodeLog;
      await appendAll(store, log.next(7));
      const before = at;
      const part = await followed(reader, at, 3);
      at = part.at;
      seen.push(...part.events);
      await appendAll(store, log.next(2));
      assert.deepEqual(idsOf((await followed(reader, before, 5, at)).events), idsOf(part.events));
      const rest = await followed(reader, at);
      at = rest.at;
      seen.push(...rest.events);
    }
    assert.equal(new Set(idsOf(seen)).size, 180);
    assert.deepEqual(at, { [ONE]: 90, [OTHER]: 90 });
  },

  "a position of nodes that nobody knows, or ahead of the store, finds nothing twice": async (open) => {
    const store = await open();
    const log = new NodeLog(ONE);
    await appendAll(store, log.next(5));
    const ahead = await followed(store, { [ONE]: 9, ffffffffffffffff: 4 });
    assert.deepEqual(ahead, { events: [], at: { [ONE]: 9 } });
    await appendAll(store, log.next(5));
    assert.deepEqual(
      (await followed(store, ahead.at)).events.map(({ seq }) => seq),
      [10],
    );
  },

  "what retention has removed is missing, and the rest is found": async (open) => {
    const store = await open();
    const log = new NodeLog(ONE);
    await appendAll(
      store,
      log.next(50, (seq) => ({ recorded_at: START_MS + (seq > 20 ? DAY_MS : 0), kind: "mcp" })),
    );
    const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, DAY_MS / 2])) as Record<Kind, number>;
    const plan = await store.planPrune({ now: START_MS + DAY_MS, keepMs, maxBytes: 0, holds: [] });
    for (let progress: Parameters<Store["prune"]>[1] | null; progress !== null; )
      progress = (await store.prune(plan, progress ?? undefined)).next;
    const { events, at } = await followed(store, { [ONE]: 3 }, 7);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      Array.from({ length: 30 }, (_, index) => 21 + index),
    );
    assert.deepEqual(at, { [ONE]: 50 });
  },
};
