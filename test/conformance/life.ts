// A store's life: opened again, read beside its writer, closed.
import assert from "node:assert/strict";
import { KINDS, type Kind } from "../../src/event/fields.ts";
import type { Store } from "../../src/stores/store.ts";
import { NodeLog } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf, found } from "./case.ts";
import { select } from "./model.ts";

const NODE = "00000000000000a1";
const KEEP_NOTHING = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;

export const LIFE: Cases = {
  "a store that is opened again has everything and goes on": async (open) => {
    const log = new NodeLog(NODE);
    const first = await open();
    await appendAll(first, log.next(30));
    await first.checkpoint();
    await appendAll(first, log.next(12));
    await first.close();
    const second = await open();
    assert.deepEqual(await second.positions(), [log.at]);
    await appendAll(second, log.next(8));
    assert.deepEqual(await found(second), select(eventsOf(log.events), { where: {} }));
  },

  "a reader beside the writer sees what is appended at once, new words included": async (open, t) => {
    const writer = await open();
    if (!writer.capabilities.concurrentReaders) return t.skip("the store has one connection");
    const reader = await open("read");
    const log = new NodeLog(NODE);
    for (let round = 1; round <= 3; round++) {
      const model = [`model-${round}`];
      assert.deepEqual(await found(reader, { where: { model } }), []);
      await appendNext(writer, log, 4, () => ({ model: `model-${round}` }));
      assert.deepEqual(await found(reader), select(eventsOf(log.events), { where: {} }));
      assert.equal((await found(reader, { where: { model } })).length, 4);
      assert.deepEqual(await reader.positions(), [log.at]);
    }
  },

  "a store that was opened for reading cannot be appended to": async (open) => {
    await appendAll(await open(), new NodeLog(NODE).next(1));
    const reader = await open("read");
    await assert.rejects(reader.append(new NodeLog("00000000000000b2").next(1)), /opened for reading/);
    assert.equal((await found(reader)).length, 1);
  },

  "closing waits for what is being appended": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const results = Array.from({ length: 5 }, () => store.append(log.next(20)));
    const closed = store.close();
    assert.deepEqual(await Promise.all(results), Array(5).fill({ result: "appended" }));
    await closed;
    assert.deepEqual(await (await open()).positions(), [log.at]);
  },

  "a closed store says so to every call, and closing it again is nothing": async (open) => {
    const store = await open();
    await store.health();
    await store.close();
    await store.close();
    const calls: ((store: Store) => Promise<unknown>)[] = [
      (closed) => closed.append(new NodeLog(NODE).next(1)),
      (closed) => closed.checkpoint(),
      (closed) => closed.positions(),
      (closed) => closed.query({ where: {}, limit: 1 }),
      (closed) => closed.get("x"),
      (closed) => closed.leafSource("x"),
      (closed) => closed.stats({ where: {} }),
      (closed) => closed.histogram({ where: {}, since: 0, until: 1 }, 1),
      (closed) => closed.facets({ where: {} }, ["model"], 1),
      (closed) => closed.usage({ by: "user_id", since: 0 }),
      (closed) => closed.planPrune({ now: 0, keepMs: KEEP_NOTHING, maxBytes: 0, holds: [] }),
      (closed) => closed.prune({ before: KEEP_NOTHING, capped: false, holds: [], ranges: [], told: [] }),
      (closed) => closed.backup("/nowhere/at/all"),
      (closed) => closed.charges(),
      (closed) => closed.restoreCharges({ upTo: {}, sums: [] }),
      (closed) => closed.health(),
    ];
    for (const call of calls) await assert.rejects(call(store), /is closed/);
  },
};
