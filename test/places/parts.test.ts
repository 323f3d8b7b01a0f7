// A store that several threads read at a time: they tell the same of it as one.
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { verifyPlace } from "../../src/evidence/verify.ts";
import { nodeSha256 } from "../../src/journal/signing-key.ts";
import { ALL_TIME } from "../../src/places/found-event.ts";
import { verifyStore } from "../../src/places/look.ts";
import { PartReader } from "../../src/places/part-reader.ts";
import { storePlace } from "../../src/places/store-place.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { SealedLog } from "../evidence/sealed-log.ts";
import { tempFolder } from "../support/temp.ts";

const KNOWN = { sha256: nodeSha256, trusted: null, anchors: new Map() };

async function verified(address: string, helpers: number) {
  const store = await openStore(address, "read");
  const readers = Array.from({ length: helpers }, () => new PartReader(address, ALL_TIME));
  try {
    return await verifyPlace(await storePlace("store", store, ALL_TIME, readers), KNOWN);
  } finally {
    for (const reader of readers) await reader.close();
    await store.close();
  }
}

/** A store of so many events, of which the last 500 are not sealed. */
async function storeOf(events: number): Promise<SealedLog> {
  const log = new SealedLog();
  log.record(events - 500);
  log.seal();
  log.record(500);
  await log.ship();
  return log;
}

/** A copy of the store, to which this was done. */
function changed(log: SealedLog, sql: string): string {
  const file = join(tempFolder(), "events.db");
  copyFileSync(join(log.home, "events.db"), file);
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
  return `sqlite:${file}`;
}

test("what several threads read is told as one tells it, whatever was done to the store", async () => {
  const changedRow = "UPDATE events SET duration_ms = duration_ms + 1 WHERE seq IN (1, 2500, 3500)";
  const unreadable = "UPDATE events SET shape = 99999 WHERE seq = 1801";
  /** Far from all others. */
  const far = [-5_000_000n, 9_007_199_254_740_990n];
  /** No scan can go on from there. */
  const outside = [2n ** 63n - 1n, -(2n ** 63n) + 1n];
  const moved = (to: bigint, seq: number) => `UPDATE events SET rowid = ${to} WHERE seq = ${seq}`;
  const done: readonly (readonly [string, ...string[]])[] = [
    ["UNSEALED_TAIL", ...far.map((to, at) => moved(to, 1_007 + at))],
    ["TAMPERED", changedRow, unreadable, ...outside.map((to, at) => moved(to, 1_007 + at))],
    // Of the tail, whose order counts.
    ["TAMPERED", moved(8_000n, 4_100)],
    // Whole parts are empty: between others, and at both ends.
    ["MISSING", "DELETE FROM events WHERE seq BETWEEN 600 AND 3100"],
    ["MISSING", "DELETE FROM events WHERE seq NOT BETWEEN 1500 AND 2000"],
  ];
  const log = await storeOf(4_500);
  for (const [state, ...sql] of done) {
    const address = changed(log, sql.join("; "));
    const alone = await verified(address, 0);
    assert.equal(alone[0]?.state, state, sql.join("; "));
    assert.deepEqual(await verified(address, 2), alone, sql.join("; "));
  }
});

test("the threads that are asked for read a large store, and leave a small one alone", async (t) => {
  const begun: string[] = [];
  const count = (worker: Worker) => begun.push(String(worker.threadName));
  process.on("worker", count);
  t.after(() => process.off("worker", count));
  const question = { range: ALL_TIME, trusted: null, anchors: new Map(), helpers: 2 };
  for (const [events, helpers] of [
    [2_000, 0],
    [10_000, 2],
  ] as const) {
    const log = await storeOf(events);
    begun.length = 0;
    let counted = 0;
    const add = (more: number) => {
      counted += more;
    };
    const counting = () => ({ add, stop: () => {} });
    const [report] = await verifyStore(log.store, { ...question, counting });
    assert.deepEqual([report?.state, report?.events, report?.tail], ["UNSEALED_TAIL", events - 500, 500]);
    // The leaves that are sealed, and all events.
    assert.equal(counted, 2 * events - 500);
    assert.equal(begun.length, helpers);
  }
});

test("a thread that cannot read the store, or is gone, ends the verification with its reason", async () => {
  const reader = new PartReader(`sqlite:${join(tempFolder(), "none.db")}`, ALL_TIME);
  await assert.rejects(reader.read({ after: 0, upTo: 1000 }), { code: "store_unusable" });
  await reader.close();
  await assert.rejects(reader.read({ after: 0, upTo: 1000 }), { code: "worker_failed" });
  const log = await storeOf(1_500);
  const store = await openStore(log.store, "read");
  const place = await storePlace("store", store, ALL_TIME, [reader]);
  await assert.rejects(verifyPlace(place, KNOWN), { code: "worker_failed" });
  await store.close();
});
