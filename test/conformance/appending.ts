// Appending: all or nothing, once, in order, by compare-and-swap on the position.
import assert from "node:assert/strict";
import type { Batch, Position, Store } from "../../src/stores/store.ts";
import { type Cells, makeEvents, NodeLog } from "../support/events.ts";
import { appendAll, type Cases, eventsOf, found, idsOf, perEntry } from "./case.ts";
import { select } from "./model.ts";

const NODE = "00000000000000a1";
const OTHER = "00000000000000b2";

const CONFLICTS: Readonly<Record<string, (at: Position) => Position | null>> = {
  "a wrong seq": (at) => ({ ...at, seq: at.seq - 1 }),
  "a wrong root": (at) => ({ ...at, root: "0".repeat(64) }),
  "nothing, of a known node,": () => null,
};

const FAULTS: Readonly<Record<string, (batch: Batch) => Batch>> = {
  "with a gap": (batch) => ({ ...batch, events: batch.events.filter((_, index) => index !== 2) }),
  "out of order": (batch) => ({ ...batch, events: batch.events.toReversed() }),
  "that stops before its end": (batch) => ({ ...batch, events: batch.events.slice(0, -1) }),
  "that begins late": (batch) => ({ ...batch, events: batch.events.slice(1) }),
  "with events of another node": (batch) => ({
    ...batch,
    events: makeEvents({ nodeId: OTHER, firstSeq: 5, count: 5 }),
  }),
  "that leads to another node's position": (batch) => ({ ...batch, to: { ...batch.to, nodeId: OTHER } }),
  "whose root is none": (batch) => ({ ...batch, to: { ...batch.to, root: "abc" } }),
  "with a salt too short": (batch) => ({
    ...batch,
    events: batch.events.map((event) => ({ ...event, p2Salt: event.p2Salt.subarray(1) })),
  }),
  "of a node that can be none": ({ to }) => ({
    nodeId: "node",
    events: [],
    from: null,
    to: { ...to, nodeId: "node" },
  }),
};

export const APPENDING: Cases = {
  "events of a batch are read back as they were, and the position is where it leads": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendAll(store, log.next(40), log.next(1), log.next(60));
    assert.deepEqual(await found(store), select(eventsOf(log.events), { where: {} }));
    assert.deepEqual(await store.positions(), [log.at]);
  },

  "the same batch again is a conflict at its end, and nothing is doubled": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const batches = [log.next(5), log.next(5)] as const;
    await appendAll(store, ...batches);
    assert.deepEqual(await store.append(batches[1]), { result: "conflict", at: batches[1].to });
    assert.equal((await found(store)).length, 10);
  },

  ...perEntry(CONFLICTS, (name, spoil) => [
    `a batch from ${name} is a conflict, and nothing is changed`,
    async (open) => {
      const store = await open();
      const first = new NodeLog(NODE).next(10);
      await appendAll(store, first);
      const from = spoil(first.to);
      const seq = from?.seq ?? 0;
      const events = makeEvents({ nodeId: NODE, firstSeq: seq + 1, count: 5, seed: 1 });
      const batch = { nodeId: NODE, events, from, to: { ...first.to, seq: seq + 5 } };
      assert.deepEqual(await store.append(batch), { result: "conflict", at: first.to });
      await assertHolds(store, first);
    },
  ]),

  "a batch that goes on from a node that the store does not know is a conflict at nothing": async (open) => {
    const store = await open();
    const [known, unknown] = [new NodeLog(OTHER), new NodeLog(NODE)];
    const first = known.next(2);
    await appendAll(store, first);
    unknown.next(3);
    assert.deepEqual(await store.append(unknown.next(3)), { result: "conflict", at: null });
    await assertHolds(store, first);
  },

  "a batch that fails half-way leaves nothing behind, not even what was remembered of it": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const first = log.next(4);
    await appendAll(store, first);
    const words = (seq: number): Cells => ({ model: `new-${seq}`, user_id: "new" });
    const good = log.next(9, words);
    const bad = makeEvents({ nodeId: NODE, firstSeq: 5, count: 9, cells: words });
    bad[6]?.row.splice(-1, 1, 5);
    await assert.rejects(store.append({ ...good, events: bad }), TypeError);
    await assertHolds(store, first);
    // Other words take the places of those that were rolled back; then the good batch brings them again.
    const other = new NodeLog(OTHER);
    await appendAll(
      store,
      other.next(3, (seq) => ({ model: `other-${seq}`, session_id: "other" })),
      good,
    );
    assert.deepEqual(await found(store), select(eventsOf(log.events, other.events), { where: {} }));
    assert.equal((await found(store, { where: { user_id: ["new"] } })).length, 9);
  },

  ...perEntry(FAULTS, (name, spoil) => [
    `a batch ${name} is refused before anything is touched`,
    async (open) => {
      const store = await open();
      const log = new NodeLog(NODE);
      const first = log.next(4);
      await appendAll(store, first);
      await assert.rejects(store.append(spoil(log.next(5))), RangeError);
      await assertHolds(store, first);
    },
  ]),

  "of two connections that append the same batch, one does": async (open) => {
    const [one, two] = [await open(), await open()];
    const batch = new NodeLog(NODE).next(20);
    const results = await Promise.all([one.append(batch), two.append(batch)]);
    assert.deepEqual(results.map(({ result }) => result).sort(), ["appended", "conflict"]);
    assert.equal((await found(one)).length, 20);
  },

  "two connections that append by turns share their words": async (open) => {
    const [one, two] = [await open(), await open()];
    const logs = [new NodeLog(NODE, 1), new NodeLog(OTHER, 2)] as const;
    for (let round = 0; round < 4; round++) {
      const cells = (seq: number): Cells => ({ model: `model-${seq}`, user_id: `user-${round}` });
      await appendAll(one, logs[0].next(3, cells));
      await appendAll(two, logs[1].next(3, cells));
    }
    const events = select(eventsOf(...logs.map((log) => log.events)), { where: {} });
    for (const store of [one, two]) assert.deepEqual(await found(store), events);
  },

  "two nodes go in between each other, each with its own position": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE, 1), new NodeLog(OTHER, 2)];
    await appendAll(store, one.next(3), two.next(7), one.next(4), two.next(1));
    assert.deepEqual(await store.positions(), [one.at, two.at]);
    assert.deepEqual(await found(store), select(eventsOf(one.events, two.events), { where: {} }));
  },

  "an unknown node may begin at any seq: its earlier segments may be gone": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const gone = log.next(10);
    await appendAll(store, { ...gone, events: [] }, log.next(3), log.next(0));
    assert.deepEqual(await store.positions(), [log.at]);
    assert.deepEqual(
      (await found(store)).map(({ seq }) => seq),
      [13, 12, 11],
    );
  },
};

/** The store has this batch and nothing else. */
async function assertHolds(store: Store, { events, to }: Batch): Promise<void> {
  assert.deepEqual(await store.positions(), [to]);
  assert.deepEqual(idsOf(await found(store)), idsOf(select(eventsOf(events), { where: {} })));
}
