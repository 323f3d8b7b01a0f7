import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { test } from "node:test";
import { realFiles } from "../../src/journal/files.ts";
import { isNamedIn } from "../../src/journal/naming.ts";
import { listSegments } from "../../src/journal/segments.ts";
import { SealedLog } from "../evidence/sealed-log.ts";
import type { Cells } from "../support/events.ts";

async function isNamed(cells: Cells, id: string, end = ""): Promise<boolean> {
  const log = new SealedLog();
  log.record(20);
  log.record(20, (seq) => (seq === 30 ? cells : {}));
  log.record(20);
  const folder = `${log.slotFolder}/journal`;
  const { path } = listSegments(realFiles, folder).at(-1) as { path: string };
  if (end !== "") appendFileSync(path, end);
  try {
    return await isNamedIn(realFiles, folder, id);
  } finally {
    log.close();
  }
}

test("a journal names a person in what an erasure takes, and in no public field", async () => {
  assert.equal(await isNamed({ user_id: "zoe" }, "zoe"), true);
  assert.equal(await isNamed({ new_values: '{"when":"user == \\"zoe\\""}' }, "zoe"), true);
  assert.equal(await isNamed({ old_values: '{"query.q":["user:zoe tokens>5"]}' }, "zoe"), true);
  assert.equal(await isNamed({ user_id: 'zo"e' }, 'zo"e'), true);
  assert.equal(await isNamed({ metadata: '{"who":"zo\\"e"}' }, 'zo"e'), true);
  assert.equal(await isNamed({ model: "zoe", provider: "zoe" }, "zoe"), false);
  assert.equal(await isNamed({ user_id: "zoey" }, "zoe"), false);
  assert.equal(await isNamed({}, "zoe"), false);
});

test("a torn tail that has the id names whoever it is", async () => {
  assert.equal(await isNamed({}, "zoe", 'DAYB ["b",70,["zoe"'), true);
  assert.equal(await isNamed({}, "zoe", 'DAYB ["b",70,["ana"'), false);
});
