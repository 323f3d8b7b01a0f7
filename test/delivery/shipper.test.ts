// The shipper between a real journal and a real SQLite store, with a store that fails as stores do.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Shipper, type ShipperStatus } from "../../src/delivery/shipper.ts";
import { DurableMark } from "../../src/journal/durable.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { realFiles } from "../../src/journal/files.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { listSegments } from "../../src/journal/segments.ts";
import { JournalTail, type Lost } from "../../src/journal/tail.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { Store } from "../../src/stores/store.ts";
import { chatRow } from "../support/facts.ts";
import { NODE, openJournal } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const finish = (n: number): JournalEntry => ["finish", chatRow(n)];

interface Rig {
  readonly journal: Journal;
  readonly store: Store;
  readonly mark: DurableMark;
  readonly folder: string;
  readonly statuses: ShipperStatus[];
  readonly losses: Lost[];
  /** How long it waited for others to come, ms, oldest first. */
  readonly gathers: number[];
  /** Runs a shipper over `store` until `done` of its status, then stops it. */
  ship(store: Store, done: (status: ShipperStatus) => boolean): Promise<ShipperStatus>;
  seqs(): Promise<number[]>;
}

async function rig(t: TestContext): Promise<Rig> {
  const folder = tempFolder();
  const mark = new DurableMark();
  const journal = openJournal(folder, {
    segmentBytes: 5000,
    onDurable: (lsn) => mark.publish(lsn),
    onSegment: () => mark.segmentBegun(),
  });
  const store = await openStore(`sqlite:${join(folder, "events.db")}`, "write");
  t.after(() => store.close());
  const statuses: ShipperStatus[] = [];
  const losses: Lost[] = [];
  const gathers: number[] = [];
  const ship = async (over: Store, done: (status: ShipperStatus) => boolean) => {
    const stop = new AbortController();
    const tail = new JournalTail({
      files: realFiles,
      folder,
      durableLsn: () => mark.lsn,
      segments: () => mark.segments,
    });
    const { promise, resolve } = Promise.withResolvers<ShipperStatus>();
    const onStatus = (status: ShipperStatus) => {
      statuses.push(status);
      if (done(status)) resolve(status);
    };
    const onLost = async (range: Lost) => {
      losses.push(range);
    };
    const sleep = (ms: number) => {
      gathers.push(ms);
      return new Promise<void>((resolve) => setImmediate(resolve));
    };
    const running = new Shipper({
      store: over,
      tail,
      durable: mark,
      nodeId: NODE,
      onStatus,
      onLost,
      sleep,
    }).run(stop.signal);
    const status = await promise;
    stop.abort();
    await running;
    tail.close();
    return status;
  };
  const seqs = async () =>
    (await store.query({ where: {}, limit: 1000, includeSystem: true })).events
      .map(({ seq }) => seq)
      .reverse();
  return { journal, store, mark, folder, statuses, losses, gathers, ship, seqs };
}

const upTo = (seq: number) => Array.from({ length: seq }, (_, index) => index + 1);
const shipped = (seq: number) => (status: ShipperStatus) => status.shippedSeq >= seq;

/** `store` with some calls replaced. */
function storeWith(store: Store, replaced: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value = replaced[name as keyof Store] ?? target[name as keyof Store];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("everything in the journal reaches the store, in order, and the position is the journal's root", async (t) => {
  const { journal, store, ship, seqs } = await rig(t);
  for (let n = 1; n <= 40; n++) journal.commit([finish(n)]);
  await ship(store, shipped(40));
  assert.deepEqual(await seqs(), upTo(40));
  assert.deepEqual(await store.positions(), [{ nodeId: NODE, seq: 40, root: journal.root }]);
});

test("while very many events come, more of them share a transaction; else none waits for 100 ms", async (t) => {
  const { journal, store, ship, gathers, statuses } = await rig(t);
  const commit = (to: number) =>
    journal.commit(upTo(to - journal.lastSeq).map((n) => finish(journal.lastSeq + n)));
  const later = new Map([
    [500, 1000],
    [1000, 1001],
    [1001, 1002],
  ]);
  commit(500);
  await ship(store, ({ shippedSeq }) => {
    const to = later.get(shippedSeq);
    later.delete(shippedSeq);
    // When the shipper has nothing left and waits.
    if (to !== undefined) setImmediate(() => commit(to));
    return shippedSeq >= 1002;
  });
  assert.equal(statuses.at(-1)?.shippedSeq, 1002);
  const [afterMany = 0, afterManyMore = 0, afterOne = 0] = gathers;
  assert.equal(afterMany, afterManyMore);
  assert.ok(afterOne < afterMany && afterOne < 100, `${gathers} ms`);
});

test("shipping goes on where it ended, also across begins that have no event", async (t) => {
  const { journal, store, ship, seqs } = await rig(t);
  journal.commit([finish(1), finish(2)]);
  await ship(store, shipped(2));
  journal.commit([["begin", chatRow(3, {}, null)]]);
  await ship(store, ({ shippedLsn }) => shippedLsn >= journal.lastLsn);
  journal.commit([finish(3)]);
  await ship(store, shipped(3));
  assert.deepEqual(await seqs(), upTo(3));
});

test("a store that fails is tried again with the same batch, and nothing is doubled", async (t) => {
  const { journal, store, ship, seqs, statuses } = await rig(t);
  let failures = 3;
  const failing = storeWith(store, {
    append: (batch) =>
      failures-- > 0
        ? Promise.reject(Object.assign(new Error("full"), { code: "SQLITE_FULL" }))
        : store.append(batch),
  });
  journal.commit([finish(1)]);
  journal.commit([finish(2)]);
  await ship(failing, shipped(2));
  assert.deepEqual(await seqs(), upTo(2));
  assert.deepEqual(
    statuses.filter(({ state }) => state === "retrying").map(({ reason }) => reason),
    ["SQLITE_FULL", "SQLITE_FULL", "SQLITE_FULL"],
  );
});

test("a store that takes long for each write holds up nobody: what comes meanwhile is one batch", async (t) => {
  const { journal, store, ship, seqs } = await rig(t);
  const sizes: number[] = [];
  let release = () => {};
  const slow = storeWith(store, {
    async append(batch) {
      sizes.push(batch.events.length);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return store.append(batch);
    },
  });
  journal.commit([finish(1)]);
  const shipping = ship(slow, shipped(101));
  while (sizes.length < 1) await new Promise((resolve) => setImmediate(resolve));
  for (let n = 2; n <= 101; n++) journal.commit([finish(n)]);
  assert.equal(journal.lastSeq, 101, "the journal does not wait");
  release();
  while (sizes.length < 2) await new Promise((resolve) => setImmediate(resolve));
  release();
  await shipping;
  assert.deepEqual([sizes, await seqs()], [[1, 100], upTo(101)]);
});

test("an answer lost after the commit is no second copy", async (t) => {
  const { journal, store, ship, seqs } = await rig(t);
  let lost = false;
  const losing = storeWith(store, {
    async append(batch) {
      const appended = await store.append(batch);
      if (lost) return appended;
      lost = true;
      throw Object.assign(new Error("gone"), { code: "ECONNRESET" });
    },
  });
  journal.commit([finish(1), finish(2), finish(3)]);
  await ship(losing, shipped(3));
  assert.deepEqual(await seqs(), upTo(3));
});

test("a store that is older than what is left of the journal goes on from there, and what is missing is told first", async (t) => {
  const { journal, store, ship, seqs, folder, losses } = await rig(t);
  for (let n = 1; n <= 60; n++) journal.commit([finish(n)]);
  const [oldest] = listSegments(realFiles, folder);
  realFiles.remove(oldest?.path ?? "");
  await ship(store, shipped(60));
  const [lost] = losses;
  assert.deepEqual([losses.length, lost?.fromSeq, lost?.why], [1, 1, "gone"]);
  assert.deepEqual(await seqs(), upTo(60).slice(lost?.toSeq));
});

test("the store is made durable while events come, and the shipper says up to where", async (t) => {
  const { journal, store, ship } = await rig(t);
  let checkpoints = 0;
  const counting = storeWith(store, {
    async checkpoint() {
      checkpoints++;
      await store.checkpoint();
    },
  });
  journal.commit([finish(1), finish(2)]);
  const status = await ship(counting, ({ durableSeq }) => durableSeq > 0);
  assert.deepEqual([status.durableSeq, checkpoints], [2, 1]);
});

test("a store that another history was shipped into is left alone, and the shipper says node_forked", async (t) => {
  const one = await rig(t);
  const other = await rig(t);
  one.journal.commit([finish(1), finish(2)]);
  await one.ship(one.store, shipped(2));
  other.journal.commit([finish(8), finish(9)]);
  const status = await other.ship(one.store, ({ state }) => state === "stopped");
  assert.equal(status.reason, "node_forked");
  assert.deepEqual(await one.seqs(), upTo(2));
});

test("a store that is ahead of the journal has another history too", async (t) => {
  const one = await rig(t);
  const other = await rig(t);
  one.journal.commit([finish(1), finish(2), finish(3)]);
  await one.ship(one.store, shipped(3));
  const status = await other.ship(one.store, ({ state }) => state === "stopped");
  assert.equal(status.reason, "node_forked");
});
