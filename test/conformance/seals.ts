// Seals: tiles, checkpoints and keys of a log, and the events as they were recorded.
import assert from "node:assert/strict";
import { leafOf } from "../../src/evidence/leaves.ts";
import { Frontier } from "../../src/evidence/merkle.ts";
import type { JournalEvent, Seal, Store } from "../../src/stores/store.ts";
import { NodeLog, START_MS } from "../support/events.ts";
import { appendAll, type Cases } from "./case.ts";

const NODE = "00000000000000a1";
const OTHER = "00000000000000b2";
const HOUR_MS = 3_600_000;

function sealOf(size: number, at: number, more: Partial<Seal> = {}): Seal {
  return { nodeId: NODE, tiles: [], checkpoint: { size, at, note: `note ${size}` }, keys: null, ...more };
}

const tileOf = (width: number, fill = 1) => new Uint8Array(32 * width).fill(fill);

async function scanned(store: Store, limit: number): Promise<JournalEvent[]> {
  const events: JournalEvent[] = [];
  for (let after: number | null | undefined; after !== null; ) {
    const part = await store.scan(after ?? null, limit);
    events.push(...part.events);
    after = part.next;
  }
  return events;
}

export const SEALS: Cases = {
  "a scan gives every event once, from which every leaf and root can be made again": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE), new NodeLog(OTHER, 7)];
    await appendAll(store, one.next(20), two.next(50), one.next(1), one.next(30));
    for (const limit of [7, 101, 1000]) {
      const events = await scanned(store, limit);
      assert.equal(events.length, 101);
      for (const log of [one, two]) {
        const frontier = new Frontier();
        for (const event of events) if (event.row[1] === log.nodeId) frontier.append(leafOf(event));
        assert.equal(frontier.root(), log.at?.root);
      }
    }
  },

  "a scan ends with the row that it is told, and begins after any": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendAll(store, log.next(50));
    const first = (await store.scan(null, 1)).next as number;
    const seqs = async (after: number, limit: number, upTo: number) => {
      const { events, next } = await store.scan(after, limit, upTo);
      return [events.map(({ row }) => row[2]), next === null ? null : next - first];
    };
    assert.deepEqual(await seqs(first, 10, first + 3), [[2, 3, 4], null]);
    assert.deepEqual(await seqs(first - 100, 2, first + 3), [[1, 2], 1]);
    assert.deepEqual(await seqs(first + 47, 10, first + 1000), [[49, 50], null]);
    assert.deepEqual(await seqs(first + 1000, 10, first + 2000), [[], null]);
  },

  "a store that was never sealed says so": async (open) => {
    const store = await open();
    assert.deepEqual(await store.seals(), []);
    assert.equal(await store.tile(NODE, 0, 0), null);
  },

  "a wider tile takes the place of a narrower one, and of no other": async (open) => {
    const store = await open();
    const put = (hashes: Uint8Array) =>
      store.seal(sealOf(1, START_MS, { tiles: [{ level: 1, index: 2, hashes }] }));
    await put(tileOf(3));
    await put(tileOf(2, 9));
    await put(tileOf(3, 9));
    assert.deepEqual(await store.tile(NODE, 1, 2), tileOf(3));
    await put(tileOf(256, 2));
    assert.deepEqual(await store.tile(NODE, 1, 2), tileOf(256, 2));
    assert.equal(await store.tile(NODE, 1, 3), null);
    assert.equal(await store.tile(NODE, 0, 2), null);
    assert.equal(await store.tile(OTHER, 1, 2), null);
  },

  "of the checkpoints the last of each hour stays, and the keys as they were given last": async (open) => {
    const store = await open();
    for (const [size, at] of [
      [5, 0],
      [6, 1],
      [4, 2],
      [6, 3],
      [9, HOUR_MS],
      [12, HOUR_MS + 1],
    ] as const)
      await store.seal(sealOf(size, START_MS + at));
    await store.seal({ nodeId: NODE, tiles: [], checkpoint: null, keys: "{}" });
    await store.seal(sealOf(12, START_MS + HOUR_MS + 1));
    await store.seal(sealOf(3, START_MS, { nodeId: OTHER, keys: "[]" }));
    assert.deepEqual(await store.seals(), [
      {
        nodeId: NODE,
        keys: "{}",
        checkpoints: [
          { size: 6, at: START_MS + 3, note: "note 6" },
          { size: 12, at: START_MS + HOUR_MS + 1, note: "note 12" },
        ],
      },
      { nodeId: OTHER, keys: "[]", checkpoints: [{ size: 3, at: START_MS, note: "note 3" }] },
    ]);
  },

  "who reads a store does not seal it": async (open) => {
    await open();
    const reader = await open("read");
    await assert.rejects(reader.seal(sealOf(1, START_MS)));
  },
};
