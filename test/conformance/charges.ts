// Charges: what each user's events have cost, by node, exact and apart from the events themselves.
import assert from "node:assert/strict";
import type { AuditEvent } from "../../src/event/fields.ts";
import type { Charges } from "../../src/stores/store.ts";
import { NodeLog } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf } from "./case.ts";

const NODE = "00000000000000a1";
const OTHER = "00000000000000b2";

export const CHARGES: Cases = {
  "a new store has charged nobody": async (open) => {
    assert.deepEqual(await (await open()).charges(), { upTo: {}, sums: [] });
  },

  "charges are the sums of the events' costs by node and user, whatever their kind and status": async (
    open,
  ) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE), new NodeLog(OTHER, 7)];
    await appendAll(store, one.next(200), two.next(50), one.next(1), one.next(99));
    const events = eventsOf([...one.events, ...two.events]);
    assert.deepEqual(await store.charges(), chargesOf(events));
    assert.ok((await store.charges()).sums.length > 4);
  },

  "a batch that is refused charges nothing": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const batch = log.next(30);
    await appendAll(store, batch);
    const before = await store.charges();
    assert.equal((await store.append(batch)).result, "conflict");
    const next = log.next(5);
    await assert.rejects(store.append({ ...next, events: next.events.toReversed() }), RangeError);
    assert.deepEqual(await store.charges(), before);
  },

  "a batch with a payer charges that user alone, and one whose payer is nobody charges nobody": async (
    open,
  ) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const costs = (n: number) => ({ user_id: n % 2 === 0 ? "ana" : "bo", cost_micros: 10 + n });
    let n = 0;
    await store.append({ ...log.next(4, () => costs(n++)), payer: "ana" });
    await store.append({ ...log.next(4, () => costs(n++)), payer: null });
    const { upTo, sums } = await store.charges();
    assert.deepEqual(upTo, { [NODE]: 8 });
    assert.deepEqual(sums, [{ nodeId: NODE, userId: "ana", costMicros: 22 }]);
    const { events } = await store.query({ where: {}, limit: 10 });
    assert.equal(
      events.filter(({ cost_micros }) => cost_micros !== null).length,
      8,
      "the events say it all the same",
    );
  },

  "sums of charges stop at the largest safe integer": async (open) => {
    const store = await open();
    await appendNext(store, new NodeLog(NODE), 3, () => ({ user_id: "ana", cost_micros: 2 ** 52 }));
    const { sums } = await store.charges();
    assert.deepEqual(sums, [{ nodeId: NODE, userId: "ana", costMicros: Number.MAX_SAFE_INTEGER }]);
  },

  "a rebuilt store goes on from a copy, and counts only what is beyond it": async (open) => {
    const log = new NodeLog(NODE);
    const batches = [log.next(40), log.next(40), log.next(40)];
    const copy = chargesOf(eventsOf(log.events.slice(0, 60)));
    const store = await open();
    await store.restoreCharges(copy);
    assert.deepEqual(await store.charges(), copy);
    await appendAll(store, ...batches);
    assert.deepEqual(await store.charges(), chargesOf(eventsOf(log.events)));
  },

  "a copy makes up for events that no journal has any more": async (open) => {
    const log = new NodeLog(NODE);
    log.next(50);
    const copy = chargesOf(eventsOf(log.events));
    const store = await open();
    await store.restoreCharges(copy);
    await appendAll(store, { ...log.next(20), from: null });
    assert.deepEqual(await store.charges(), chargesOf(eventsOf(log.events)));
  },

  "a copy that is not ahead of the store changes nothing, node by node, also when it comes again": async (
    open,
  ) => {
    const [one, two] = [new NodeLog(NODE), new NodeLog(OTHER)];
    const store = await open();
    await appendAll(store, one.next(30), two.next(10));
    const older = chargesOf(eventsOf(one.events.slice(0, 20)));
    two.next(15);
    const newer = chargesOf(eventsOf(two.events));
    const copy = { upTo: { ...older.upTo, ...newer.upTo }, sums: [...older.sums, ...newer.sums] };
    const expected = chargesOf(eventsOf([...one.events, ...two.events]));
    for (let round = 0; round < 2; round++) {
      await store.restoreCharges(copy);
      assert.deepEqual(await store.charges(), expected);
    }
  },

  "charges are there when the store is opened again, and for a reader": async (open) => {
    const log = new NodeLog(NODE);
    const first = await open();
    await appendAll(first, log.next(30));
    await first.close();
    await open();
    const reader = await open("read");
    assert.deepEqual(await reader.charges(), chargesOf(eventsOf(log.events)));
    await assert.rejects(reader.restoreCharges({ upTo: {}, sums: [] }), /opened for reading/);
  },
};

function chargesOf(events: readonly AuditEvent[]): Charges {
  const upTo: Record<string, number> = {};
  const sums = new Map<string, { nodeId: string; userId: string; costMicros: number }>();
  for (const { node_id: nodeId, seq, user_id: userId, cost_micros: costMicros } of events) {
    upTo[nodeId] = Math.max(upTo[nodeId] ?? 0, seq);
    if (userId === null || costMicros === null || costMicros === 0) continue;
    const key = JSON.stringify([nodeId, userId]);
    const before = sums.get(key)?.costMicros ?? 0;
    sums.set(key, { nodeId, userId, costMicros: before + costMicros });
  }
  const inOrder = [...sums.values()].sort(
    (a, b) =>
      Buffer.compare(Buffer.from(a.nodeId), Buffer.from(b.nodeId)) ||
      Buffer.compare(Buffer.from(a.userId), Buffer.from(b.userId)),
  );
  return { upTo, sums: inOrder };
}
