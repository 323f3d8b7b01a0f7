import assert from "node:assert/strict";
import { test } from "node:test";
import { type Carrier, carry } from "../../src/api/feed/carry.ts";
import type { FeedItem, FeedReader } from "../../src/read/feed.ts";
import { until } from "../support/until.ts";

test("what comes while a ping is under way is sent after it", async () => {
  const item = Promise.withResolvers<void>();
  const ping = Promise.withResolvers<void>();
  const order: string[] = [];
  async function* items(): AsyncGenerator<FeedItem> {
    await item.promise;
    yield { is: "position", at: {}, live: true };
  }
  const reader = { items, position: {}, isOver: false, end() {} } as unknown as FeedReader;
  const carrier: Carrier = {
    async frame({ type }) {
      order.push(`${type} begun`);
      if (type === "ping") await ping.promise;
      order.push(`${type} sent`);
    },
    events: async () => {},
    close: async () => {},
    cut() {},
  };
  const carried = carry(reader, carrier, { endOf: () => null, pingMs: 1 });
  await until(() => order.length === 1);
  item.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ["ping begun"]);
  ping.resolve();
  await carried;
  assert.deepEqual(order.slice(0, 3), ["ping begun", "ping sent", "position begun"]);
});
