import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { memoryFolder } from "../support/temp.ts";
import { thread } from "../support/thread.ts";
import type { Asked, Tampered } from "./tampering-samples.ts";

const EVENTS = 256;

test("a flipped bit in any file of a log is seen, or changes neither the verdict nor what is exported", async () => {
  const tamper = thread<Asked, Tampered[]>(import.meta.resolve("./tampering-samples.ts"));
  const tampered = await tamper({ home: join(memoryFolder(), "log"), events: EVENTS });
  const names = tampered.map(({ name }) => name);
  for (const part of ["tile/0/", "tile/1/", "checkpoint", "keys", "journal/", "events.db"])
    assert.ok(
      names.some((name) => name.startsWith(part)),
      part,
    );
  let flips = 0;
  for (const { name, verdict, found } of tampered) {
    assert.match(verdict, /"VALID",256/, name);
    assert.deepEqual({ unseen: found.unseen, unlike: found.unlike }, { unseen: [], unlike: [] }, name);
    flips += found.flips - (found.told.unread ?? 0);
  }
  assert.ok(flips >= 20_000, `${flips} flips`);
});
