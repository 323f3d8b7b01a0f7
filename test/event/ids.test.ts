import assert from "node:assert/strict";
import { test } from "node:test";
import { newEventId, newNodeId, newRequestId, newTraceId } from "../../src/event/ids.ts";
import { createRandom } from "../../src/event/random.ts";

test("ids have their forms, and no two of thousands are the same", () => {
  const forms = [
    [newEventId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/],
    [newNodeId, /^[0-9a-f]{16}$/],
    [newRequestId, /^req_[0-9a-f]{32}$/],
    [newTraceId, /^[0-9a-f]{32}$/],
  ] as const;
  const seen = new Set<string>();
  for (const [make, form] of forms) {
    for (let count = 0; count < 3000; count++) {
      const id = make();
      assert.match(id, form);
      seen.add(id);
    }
  }
  assert.equal(seen.size, forms.length * 3000);
});

test("an event id says when it was made, to the millisecond", () => {
  const before = Date.now();
  const ms = Number.parseInt(newEventId().replace("-", "").slice(0, 12), 16);
  assert.ok(ms >= before && ms <= Date.now());
});

test("random bytes are given once, also where a pool ends", () => {
  const random = createRandom();
  const given = Array.from({ length: 2000 }, () => random(32));
  const first = Buffer.concat(given).toString("hex");
  for (const { length } of given) assert.equal(length, 32);
  assert.equal(new Set(given.map((bytes) => bytes.toString("hex"))).size, given.length);
  assert.equal(Buffer.concat(given).toString("hex"), first, "what was given does not change later");
});
