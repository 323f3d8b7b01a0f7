// Statistics: exact, weighted by `count`, under the same filters as lists.
import assert from "node:assert/strict";
import { NodeLog } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf } from "./case.ts";
import { assertSums, select, statsOf } from "./model.ts";

const NODE = "00000000000000a1";

export const STATS: Cases = {
  "stats count every event as often as its count says": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendAll(
      store,
      log.next(200),
      log.next(1, () => ({ count: 5000, kind: "auth", backend_type: "openai" })),
    );
    const events = eventsOf(log.events);
    for (const where of [{}, { status: ["error"] }, { model: ["demo", null] }, { backend_type: [null] }]) {
      assertSums(await store.stats({ where }), statsOf(select(events, { where })), JSON.stringify(where));
    }
    const until = events[99]?.recorded_at ?? 0;
    const early = { where: {}, until };
    assertSums(await store.stats(early), statsOf(select(events, early)), "early");
  },

  "stats leave out kind system unless it is asked for": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 6, (seq) => ({ kind: seq === 2 ? "system" : "mcp", count: seq }));
    assert.equal((await store.stats({ where: {} })).totalRequests, 19);
    assert.equal((await store.stats({ where: {}, includeSystem: true })).totalRequests, 21);
  },

  "stats of nothing are zeros": async (open) => {
    const store = await open();
    assert.deepEqual(await store.stats({ where: {} }), statsOf([]));
    await appendAll(store, new NodeLog(NODE).next(3));
    assert.deepEqual(await store.stats({ where: { model: ["unknown"] } }), statsOf([]));
  },

  "sums are exact up to the largest safe integer and stop there": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE), new NodeLog("00000000000000b2")];
    const cells = { prompt_tokens: 2 ** 52, completion_tokens: Number.MAX_SAFE_INTEGER, total_tokens: null };
    await appendNext(store, one, 2, (seq) => ({ ...cells, prompt_tokens: 2 ** 52 - seq + 1 }));
    const { promptTokens, completionTokens, totalTokens } = await store.stats({ where: {} });
    assert.deepEqual(
      [promptTokens, completionTokens, totalTokens],
      [2 ** 53 - 1, Number.MAX_SAFE_INTEGER, 0],
    );
    // As many as overflow 64 bits.
    await appendNext(store, two, 1100, () => cells);
    assert.equal((await store.stats({ where: {} })).completionTokens, Number.MAX_SAFE_INTEGER);
  },
};
