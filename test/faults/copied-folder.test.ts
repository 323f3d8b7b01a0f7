// A data folder that was copied, and both copies at work on one store.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

test("a copied folder: the second history is not mixed into the store; its journal is kept, and it says node_forked", async (t) => {
  const yaml = `store: sqlite:${join(tempFolder(), "events.db")}\n`;
  const [one, two] = [tempFolder(), tempFolder()];
  const first = await startDaybook(t, { home: one, yaml });
  await chat(first.url);
  await first.settle();
  await first.server.close(0);
  cpSync(one, two, { recursive: true });

  const original = await startDaybook(t, { home: one, yaml });
  const copy = await startDaybook(t, { home: two, yaml });
  assert.equal(original.server.nodeId, copy.server.nodeId);
  // The copy has told that its folder is another one: its history is the first that goes on in the store.
  for (let n = 0; n < 3; n++) await chat(copy.url, { headers: { "x-request-id": `copy-${n}` } });
  await copy.settle();
  for (let n = 0; n < 3; n++) await chat(original.url, { headers: { "x-request-id": `original-${n}` } });
  await original.server.recorder.drain();
  assert.equal(await original.server.delivery.caughtUp(10_000), false);
  const { state } = original.server.delivery.status;
  assert.deepEqual([state, (await original.get("/readyz")).status], ["stopped", 503]);
  const inStore = (await copy.events()).map(({ request_id }) => request_id);
  assert.deepEqual(
    inStore.filter((id) => id.startsWith("original")),
    [],
  );
  assert.equal(inStore.filter((id) => id.startsWith("copy")).length, 3);
  const kept = original.server.recorder
    .recent()
    .map(({ action, request_id }) => (action === "node_forked" ? action : request_id));
  for (const expected of ["original-0", "original-1", "original-2", "node_forked"])
    assert.ok(kept.includes(expected), expected);
});
