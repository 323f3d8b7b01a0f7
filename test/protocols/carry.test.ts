import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Carry } from "../../src/protocols/carry.ts";

test("what is taken is what was appended, and later appends do not touch it", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.uint8Array({ maxLength: 40 }))), (rounds) => {
      const carry = new Carry();
      const taken = rounds.map((chunks) => {
        for (const chunk of chunks) carry.append(Buffer.from(chunk));
        return carry.take();
      });
      for (const [index, chunks] of rounds.entries()) assert.ok(taken[index]?.equals(Buffer.concat(chunks)));
      assert.equal(carry.length, 0);
    }),
  );
});

test("a chunk may change after it was appended", () => {
  const carry = new Carry();
  const chunk = Buffer.from("kept");
  carry.append(chunk);
  chunk.fill(0);
  assert.equal(carry.length, 4);
  assert.equal(String(carry.take()), "kept");
});
