import assert from "node:assert/strict";
import { test } from "node:test";
import { Scratch } from "../../src/journal/scratch.ts";

test("scratch is as long as was needed, grows at least twofold to its bound, and keeps nothing beyond", () => {
  const scratch = new Scratch(1000);
  const first = scratch.bytes(100);
  assert.equal(first.length, 100);
  assert.equal(scratch.bytes(30), first);
  const second = scratch.bytes(101);
  assert.equal(second.length, 200);
  assert.equal(scratch.bytes(600).length, 600);
  const most = scratch.bytes(601);
  assert.equal(most.length, 1000);
  assert.equal(scratch.bytes(1001).length, 1001);
  assert.equal(scratch.bytes(1000), most);
});
