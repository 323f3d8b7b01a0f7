import assert from "node:assert/strict";
import { test } from "node:test";
import { type Outbox, OutboxPump } from "../../src/delivery/outbox.ts";
import type { Facts } from "../../src/event/fields.ts";
import { chatFacts } from "../support/facts.ts";

/** An outbox in memory, and a journal that can refuse. */
function rig(rows: number[]) {
  const recorded: number[] = [];
  const state = { refuse: false, rows: [...rows] };
  const listeners = new Set<() => void>();
  const outbox: Outbox = {
    outboxAfter: async (id, limit) =>
      state.rows
        .filter((row) => row > id)
        .slice(0, limit)
        .map((row) => ({ id: row, facts: chatFacts(row) as Facts })),
    forgetOutbox: async (upToId) => {
      state.rows = state.rows.filter((row) => row > upToId);
    },
    onOutbox: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const recorder = {
    nodeId: "00112233445566aa",
    async recordOutbox(id: number) {
      if (state.refuse) throw new Error("the journal is gone");
      recorded.push(id);
    },
  };
  return { outbox, recorder, recorded, state, listeners };
}

test("entries are recorded in order and forgotten only then", async () => {
  const { outbox, recorder, recorded, state } = rig(Array.from({ length: 250 }, (_, index) => index + 1));
  const pump = new OutboxPump(outbox, recorder, 0);
  await pump.pump();
  assert.deepEqual(
    recorded,
    Array.from({ length: 250 }, (_, index) => index + 1),
  );
  assert.deepEqual(state.rows, []);
  await pump.close();
});

test("ids that the journal has already are skipped", async () => {
  const { outbox, recorder, recorded, state } = rig([5, 6, 7, 8]);
  const pump = new OutboxPump(outbox, recorder, 6);
  await pump.pump();
  assert.deepEqual([recorded, state.rows], [[7, 8], []]);
  await pump.close();
});

test("what cannot be recorded stays in the outbox", async () => {
  const { outbox, recorder, recorded, state } = rig([1, 2]);
  state.refuse = true;
  const pump = new OutboxPump(outbox, recorder, 0);
  await assert.rejects(pump.pump());
  assert.deepEqual(state.rows, [1, 2]);
  state.refuse = false;
  await pump.pump();
  assert.deepEqual([recorded, state.rows], [[1, 2], []]);
  await pump.close();
});

test("a change moves at once, also while others move", async () => {
  const { outbox, recorder, recorded, state, listeners } = rig([]);
  const pump = new OutboxPump(outbox, recorder, 0);
  state.rows.push(1);
  for (const listener of listeners) listener();
  state.rows.push(2);
  for (const listener of listeners) listener();
  await pump.pump();
  assert.deepEqual(recorded, [1, 2]);
  await pump.close();
  assert.equal(listeners.size, 0);
});
