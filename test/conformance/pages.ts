// Lists: newest first by (recorded_at, node_id, seq), in pages that neither skip nor repeat while events arrive.
import assert from "node:assert/strict";
import { NodeLog, START_MS } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf, found, idsOf, pagesOf, perEntry } from "./case.ts";
import { select } from "./model.ts";

const LOW = "0000000000000a01";
const HIGH = "f000000000000001";
const MIDDLE = "7000000000000001";

export const PAGES: Cases = {
  "what was recorded at one time is ordered by node_id as text, then by seq": async (open) => {
    const store = await open();
    // The highest node is met first and the lowest last, so that no order of arrival looks right by chance.
    const logs = [HIGH, LOW, MIDDLE].map((nodeId) => new NodeLog(nodeId));
    for (const log of logs) await appendNext(store, log, 3, () => ({ recorded_at: START_MS }));
    const keys = (await found(store)).map(({ node_id, seq }) => [node_id, seq]);
    assert.deepEqual(
      keys,
      [HIGH, MIDDLE, LOW].flatMap((node) => [3, 2, 1].map((seq) => [node, seq])),
    );
  },

  "a clock that steps back puts later events among earlier ones": async (open) => {
    const store = await open();
    const log = new NodeLog(LOW);
    await appendNext(store, log, 4, (seq) => ({ recorded_at: START_MS + (seq === 3 ? 0 : 10 * seq) }));
    assert.deepEqual(
      (await found(store)).map(({ seq }) => seq),
      [4, 2, 1, 3],
    );
  },

  ...perEntry({ 1: 1, 2: 2, 7: 7, 45: 45, 90: 90, 1000: 1000 }, (_, limit) => [
    `pages of ${limit} show every event once, and the last page says so`,
    async (open) => {
      const store = await open();
      const [one, two] = [new NodeLog(HIGH), new NodeLog(LOW)];
      await appendAll(store, one.next(30), two.next(45), one.next(15));
      const pages = await pagesOf(store, { where: {}, limit });
      assert.equal(pages.length, Math.ceil(90 / limit));
      assert.deepEqual(
        pages.flatMap(({ events }) => events),
        select(eventsOf(one.events, two.events), { where: {} }),
      );
    },
  ]),

  "pages do not shift while events arrive, late ones and new nodes included": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(HIGH), new NodeLog(LOW)];
    await appendAll(store, one.next(20), two.next(20));
    const before = select(eventsOf(one.events, two.events), { where: {} });
    const seen = [];
    let page = await store.query({ where: {}, limit: 6 });
    assert.deepEqual(page.asOf, { [HIGH]: 20, [LOW]: 20 });
    while (page.next !== null && seen.length < before.length) {
      seen.push(...page.events);
      // Some belong before the next page, some into it, some after it.
      await appendNext(store, one, 3, (seq) => ({ recorded_at: START_MS + (seq % 9) }));
      await appendAll(store, new NodeLog(`${seen.length}`.padStart(16, "0")).next(2));
      page = await store.query({ where: {}, limit: 6, after: page.next, asOf: page.asOf });
    }
    seen.push(...page.events);
    assert.deepEqual(idsOf(seen), idsOf(before));
  },

  "a list as of no node, or of unknown ones, is empty": async (open) => {
    const store = await open();
    await appendAll(store, new NodeLog(LOW).next(5));
    for (const asOf of [{}, { [HIGH]: 9 }, { [LOW]: 0 }, { "not a node": 9 }]) {
      assert.deepEqual(await store.query({ where: {}, limit: 10, asOf }), { events: [], next: null, asOf });
    }
    assert.equal((await found(store, { asOf: { [LOW]: 2, [HIGH]: 9 } })).length, 2);
  },

  "a list as of very many nodes is answered": async (open) => {
    const store = await open();
    await appendAll(store, new NodeLog(LOW).next(5));
    const nodes = Array.from({ length: 3000 }, (_, index) => [index.toString(16).padStart(16, "0"), 2]);
    assert.equal((await found(store, { asOf: Object.fromEntries(nodes) })).length, 2);
  },

  "an empty store has an empty list as of nothing": async (open) => {
    const store = await open();
    assert.deepEqual(await store.query({ where: {}, limit: 10 }), { events: [], next: null, asOf: {} });
    assert.deepEqual(await store.positions(), []);
  },
};
