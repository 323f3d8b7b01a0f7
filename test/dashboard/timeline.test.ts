// The explorer's list, of which any part is fetched in any order; and its address.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  excluded,
  included,
  only,
  readAddress,
  standing,
  withText,
  writeAddress,
} from "../../dashboard/src/lib/explorer/address.ts";
import { before, keyOf, type Slice, slicesOf, Timeline } from "../../dashboard/src/lib/explorer/timeline.ts";
import type { EventJson } from "../../src/event/json.ts";

const WIDTH = 1000;

/** A trail as a server has it, newest first. */
function trailOf(times: readonly number[]): EventJson[] {
  return times
    .toSorted((one, other) => other - one)
    .map((at, index) => ({
      event_id: `e${index}`,
      recorded_at: new Date(at).toISOString(),
      node_id: "aaaaaaaaaaaaaaaa",
      seq: times.length - index,
    })) as unknown as EventJson[];
}

function page(trail: readonly EventJson[], { after, since }: Slice, limit: number) {
  const fits = trail.filter((event) => {
    const { recordedAt, nodeId, seq } = keyOf(event);
    const isAfter =
      recordedAt < after.recordedAt ||
      (recordedAt === after.recordedAt &&
        (nodeId < after.nodeId || (nodeId === after.nodeId && seq < after.seq)));
    return isAfter && recordedAt >= since;
  });
  return { events: fits.slice(0, limit), isLast: fits.length <= limit };
}

/** As the server counts them; `lie` is added to each, as of events that retention has removed. */
function buckets(trail: readonly EventJson[], lie = 0) {
  const counts = new Map<number, number>();
  for (const { recorded_at: at } of trail) {
    const from = Math.floor(Date.parse(at) / WIDTH) * WIDTH;
    counts.set(from, (counts.get(from) ?? 0) + 1);
  }
  return [...counts]
    .map(([from, requests]) => ({ from, requests: requests + lie }))
    .sort((one, other) => one.from - other.from);
}

test("whatever parts are read in whatever order, in the end all events are there, once, in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 120 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 3 }),
      (times, jumps, limit, lie) => {
        const trail = trailOf(times);
        const whole: Slice = { after: before(30_000), since: 0, count: 1, isKnown: false, events: null };
        let timeline = new Timeline(slicesOf(whole, buckets(trail, lie), WIDTH));
        const read = (index: number) => {
          const found = timeline.at(index);
          if (found === null || found.slice.events !== null) return;
          const { slice } = found;
          const most = slice.isKnown ? slice.count : limit;
          const { events, isLast } = page(trail, slice, most);
          timeline = timeline.filled(
            slice,
            events,
            isLast || (slice.isKnown && events.length >= slice.count),
          );
        };
        for (const jump of jumps) {
          read(jump % Math.max(1, timeline.total));
          if (jump % 5 === 0) timeline = timeline.lightened(jump % 100, 40);
        }
        for (let missing = timeline.missing(0, timeline.total); missing.length > 0; ) {
          for (const { start } of missing) read(start);
          missing = timeline.missing(0, timeline.total);
        }
        const shown = Array.from({ length: timeline.total }, (_, index) => timeline.event(index)?.event_id);
        assert.deepEqual(
          shown,
          trail.map(({ event_id: id }) => id),
        );
      },
    ),
  );
});

test("an address is read as it was written, and relative times stay relative", () => {
  for (const search of [
    "?status=error&model=gpt-*&since=2h",
    "?total_tokens%3E=1000&policy_decision%21=n%2Fa&text=hello+world&live=1",
    "?since=0&open=01a1fe33-71d1-7738-9fcb-f41fb809507d&kind=mcp&kind=admin",
    "?since=2026-03-29T00%3A30%3A00Z&until=2026-03-29T02%3A30%3A00Z&include=system",
  ]) {
    const address = readAddress(new URLSearchParams(search));
    const again = readAddress(new URLSearchParams(writeAddress(address)));
    assert.deepEqual(again, address);
    assert.equal(again.since, new URLSearchParams(search).get("since") ?? "24h");
  }
});

test("values are added, left out and taken away", () => {
  const { filter } = readAddress(new URLSearchParams("?status=error"));
  const both = included(filter, "status", "timeout");
  assert.deepEqual(both.where.status, ["error", "timeout"]);
  assert.deepEqual(included(both, "status", "error").where.status, ["timeout"]);
  const out = excluded(both, "status", "error");
  assert.deepEqual(
    [out.where.status, out.not?.status, standing(out, "status", "error")],
    [["timeout"], ["error"], "out"],
  );
  assert.deepEqual(only(out, "status", "error"), { where: { status: ["error"] } });
  assert.deepEqual(only(filter, "status", "error"), { where: {} });
});

test("what is typed goes beside what is there; times go to the range", () => {
  const address = readAddress(new URLSearchParams("?status=error"));
  const { filter, since } = withText(address, "model:nope since:2h tokens>1000");
  assert.deepEqual(
    [filter.where, filter.within, since],
    [{ status: ["error"], model: ["nope"] }, { total_tokens: { least: 1001 } }, "2h"],
  );
  assert.throws(() => withText(address, "since:yesterday-ish"));
});
