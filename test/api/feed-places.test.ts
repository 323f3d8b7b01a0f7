import assert from "node:assert/strict";
import { test } from "node:test";
import { FeedPlaces } from "../../src/api/feed/places.ts";

test("thousands of feeds are refused past a bound, with a reason; no holder takes every place", () => {
  const places = new FeedPlaces();
  const left: (() => void)[] = [];
  for (let n = 0; n < 250; n++) left.push(places.take("one"));
  assert.throws(() => places.take("one"), /You have 250 live feeds open/);
  for (let n = 0; n < 750; n++) left.push(places.take(`holder ${n}`));
  assert.throws(
    () => places.take("another"),
    (refusal) => {
      const { outcome, headers, message } = refusal as {
        outcome: { statusCode: number };
        headers: object;
        message: string;
      };
      assert.equal(outcome.statusCode, 503);
      assert.match(message, /1000 live feeds are open/);
      assert.deepEqual(headers, { "retry-after": "5" });
      return true;
    },
  );
  for (const leave of left) leave();
  for (let n = 0; n < 250; n++) places.take("one");
});
