// How a feed is carried, over a connection that a test makes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Carrier, carry } from "../../src/api/feed/carry.ts";
import { FeedReader } from "../../src/read/feed.ts";

test("a feed is over when its connection is gone, also with something that is never said to be sent", async () => {
  const reader = new FeedReader({ viewKey: "", maxWaiting: 10, more: () => {}, left: () => {} });
  const never = new Promise<void>(() => {});
  let frames = 0;
  let cut = 0;
  const carrier: Carrier = {
    frame: () => {
      frames++;
      queueMicrotask(() => reader.leave());
      return never;
    },
    events: () => never,
    close: () => never,
    cut: () => {
      cut++;
    },
  };
  reader.begin({}, null);
  await carry(reader, carrier, { endOf: () => null });
  assert.deepEqual([frames, cut], [1, 1]);
});
