import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { writingUntilGone } from "../../src/api/feed/until-gone.ts";

test("a write to a connection that goes away ends, also when nobody answers it", async () => {
  const connection = new EventEmitter();
  const write = writingUntilGone(connection, () => {});
  const writing = write(["a"]);
  connection.emit("close");
  await assert.rejects(writing, /gone/);
  await assert.rejects(write(["b"]), /gone/);
});

test("a write ends with its last part, with its first fault, and at once when there is none", async () => {
  const given: (Uint8Array | string)[] = [];
  const write = writingUntilGone(new EventEmitter(), (part, done) => {
    given.push(part);
    queueMicrotask(() => done(part === "bad" ? new Error("refused") : null));
  });
  await write(["a", "b"]);
  await write([]);
  await assert.rejects(write(["bad", "c"]), /refused/);
  assert.deepEqual(given, ["a", "b", "bad", "c"]);
});
