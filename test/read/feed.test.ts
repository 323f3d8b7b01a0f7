// The live feed on a real store: readers together, slow ones, gaps, and a thread that dies.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { FeedPosition } from "../../src/event/feed.ts";
import { KINDS } from "../../src/event/fields.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { Feed, type FeedItem, type FeedOptions, type FeedReader } from "../../src/read/feed.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { until } from "../support/until.ts";
import { makeTrail, NODE_ID, START, type Trail } from "./trail.ts";

const ALL: EventFilter = { where: {} };
const view = (filter = ALL, hidden: "input_json"[] = []) => ({ filter, hidden });

function openFeed(t: TestContext, { address }: Trail, options: Partial<FeedOptions> = {}): Feed {
  const feed = new Feed({ address, pollMs: 10, ...options });
  t.after(() => feed.close());
  return feed;
}

/** Reads in the background. */
function read(reader: FeedReader): FeedItem[] {
  const items: FeedItem[] = [];
  void (async () => {
    for await (const item of reader.items()) items.push(item);
  })();
  return items;
}

function seqsOf(items: readonly FeedItem[]): number[] {
  return items.flatMap((item) =>
    item.is === "events"
      ? (JSON.parse(new TextDecoder().decode(item.events.json)) as { seq: number }[]).map(({ seq }) => seq)
      : [],
  );
}

const some = (count: number) => Array.from({ length: count }, (_, n) => ({ model: `m${n % 2}` }));
const upTo = (count: number, from = 1) => Array.from({ length: count - from + 1 }, (_, n) => from + n);

test("many read together: each what its filter lets through, those of one view the same bytes", async (t) => {
  await using trail = await makeTrail(...some(10));
  const feed = openFeed(t, trail);
  const everything = await Promise.all([1, 2, 3].map(() => feed.subscribe(view(), { recent: 4 })));
  const half = await feed.subscribe(view({ where: { model: ["m0"] } }));
  const [one = [], two = [], three = []] = everything.map(read);
  const of = read(half);
  await until(() =>
    [one, two, three, of].every((items) => items.some((item) => item.is === "position" && item.live)),
  );
  await trail.append(...some(6));
  feed.wake();
  await until(
    () => [one, two, three].every((items) => seqsOf(items).length === 10) && seqsOf(of).length === 3,
  );
  for (const items of [one, two, three]) assert.deepEqual(seqsOf(items), upTo(16, 7));
  assert.deepEqual(seqsOf(of), [11, 13, 15]);
  const last = (items: FeedItem[]) => items.findLast((item) => item.is === "events")?.events.frames(true)[0];
  assert.equal(last(one), last(two));
});

test("both ends of a stretch of time belong to it, for what was, what comes, and what was gone on from", async (t) => {
  await using trail = await makeTrail(...some(10));
  const feed = openFeed(t, trail);
  const filter = { where: {}, since: START + 9_000, until: START + 11_000 };
  const readers = await Promise.all([
    feed.subscribe(view(filter), { recent: 100 }),
    feed.subscribe(view(filter), { after: {} }),
    feed.subscribe(view(), { after: {} }),
  ]);
  const [recent = [], after = [], all = []] = readers.map(read);
  await until(() =>
    [recent, after, all].every((items) => items.some((item) => item.is === "position" && item.live)),
  );
  await trail.append(...some(4));
  feed.wake();
  await until(() => seqsOf(all).length === 14);
  for (const items of [recent, after]) assert.deepEqual(seqsOf(items), [10, 11, 12]);
});

test("a slow reader is ended with its position, from which nothing is missing, and the others go on", async (t) => {
  await using trail = await makeTrail(...some(5));
  const feed = openFeed(t, trail, { maxWaiting: 50 });
  const quick = read(await feed.subscribe(view(), { after: {} }));
  const slow = await feed.subscribe(view(), { after: {} });
  const given: FeedItem[] = [];
  const items = slow.items();
  while (!given.some((item) => item.is === "position" && item.live))
    given.push((await items.next()).value as FeedItem);
  for (let n = 0; n < 10; n++) {
    await trail.append(...some(20));
    await until(() => seqsOf(quick).length === 5 + 20 * (n + 1));
  }
  const end = (await items.next()).value as FeedItem & { at: FeedPosition };
  assert.ok(end.is === "end" && end.why === "slow_reader");
  assert.deepEqual((await items.next()).done, true);
  const again = read(await feed.subscribe(view(), { after: end.at }));
  await until(() => seqsOf(given).length + seqsOf(again).length >= 205);
  assert.deepEqual([...seqsOf(given), ...seqsOf(again)], upTo(205));
  assert.deepEqual(seqsOf(quick), upTo(205));
});

test("what those who are live were told while a reader was brought up to them, it is told too", async (t) => {
  await using trail = await makeTrail(...some(5));
  const feed = openFeed(t, trail, { workerUrl: new URL("./late-feed-worker.ts", import.meta.url) });
  const live = read(await feed.subscribe(view()));
  const late = read(await feed.subscribe(view(), { after: {} }));
  const isLive = () => late.some((item) => item.is === "position" && item.live);
  let count = 5;
  for (; count < 25 && !isLive(); count++) {
    await trail.append(...some(1));
    await until(() => seqsOf(live).length === count - 4);
  }
  await until(isLive);
  await trail.append(...some(1));
  await until(() => seqsOf(live).at(-1) === count + 1 && seqsOf(late).at(-1) === count + 1);
  assert.deepEqual(seqsOf(late), upTo(count + 1));
});

test("what retention has removed is told as one gap, with how many are missing", async (t) => {
  await using trail = await makeTrail(...some(30));
  const store = await openStore(trail.address, "write");
  const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, 10_000])) as Record<
    (typeof KINDS)[number],
    number
  >;
  const plan = await store.planPrune({ now: START + 30_000, keepMs, maxBytes: 0, holds: [] });
  await store.prune(plan);
  await store.close();
  const items = read(await openFeed(t, trail).subscribe(view(), { after: { [NODE_ID]: 5 } }));
  await until(() => items.some((item) => item.is === "position" && item.live));
  const gaps = items.flatMap((item) => (item.is === "gaps" ? item.gaps : []));
  const left = seqsOf(items);
  assert.ok(left.length > 0 && left.length < 25);
  const missing = 25 - left.length;
  assert.deepEqual(gaps, [{ node_id: NODE_ID, from_seq: 6, to_seq: 5 + missing, missing }]);
});

test("what a view hides is in no frame", async (t) => {
  await using trail = await makeTrail({ kind: "mcp", action: "tool", inputJson: { secret: "plan-b" } });
  const feed = openFeed(t, trail);
  for (const hidden of [[], ["input_json"]] as const) {
    const items = read(await feed.subscribe(view(ALL, [...hidden]), { recent: 1 }));
    await until(() => seqsOf(items).length === 1);
    const text = items
      .map((item) => (item.is === "events" ? String(item.events.frames(false)[0]) : ""))
      .join("");
    assert.equal(text.includes("plan-b"), hidden.length === 0);
  }
});

test("a thread that dies ends its readers, who can come again", async (t) => {
  await using trail = await makeTrail(...some(3));
  const dying = openFeed(t, trail, { workerUrl: new URL("data:text/javascript,process.exit(3)") });
  await assert.rejects(dying.subscribe(view()), { code: "worker_failed" });
  await assert.rejects(dying.subscribe(view()), { code: "worker_failed" });
  assert.equal(dying.size, 0);
});

test("readers that leave are forgotten, and a feed that ends ends all that are left", async (t) => {
  await using trail = await makeTrail(...some(3));
  const feed = openFeed(t, trail);
  const [one, two] = await Promise.all([feed.subscribe(view()), feed.subscribe(view())]);
  assert.equal(feed.size, 2);
  one.leave();
  assert.equal(feed.size, 1);
  const items = read(two);
  await feed.end();
  assert.ok(items.some((item) => item.is === "end" && item.why === "shutting_down"));
  await assert.rejects(feed.subscribe(view()), { code: "overloaded" });
});
