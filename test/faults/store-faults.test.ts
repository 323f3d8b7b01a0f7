// A store that is locked, cut off again and again, or slow, under a running server: requests do not notice.
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

for (const mode of ["open", "strict"] as const) {
  test(`a locked store, ${mode}: every request is answered meanwhile, and then every event is in the store once`, async (t) => {
    const home = tempFolder();
    const daybook = await startDaybook(t, { home, yaml: `audit: { modes: { inference: ${mode} } }\n` });
    await chat(daybook.url);
    await daybook.settle();
    const lock = new DatabaseSync(join(home, "events.db"));
    lock.exec("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE");
    const before = daybook.server.delivery.status.shippedSeq;
    const names = Array.from({ length: 300 }, (_, n) => `locked-${n}`);
    for (let at = 0; at < names.length; at += 30) {
      const answers = await Promise.all(
        names.slice(at, at + 30).map((name) => chat(daybook.url, { headers: { "x-request-id": name } })),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    }
    await daybook.server.recorder.drain();
    assert.equal(daybook.server.delivery.status.shippedSeq, before, "the store has taken nothing meanwhile");
    lock.exec("ROLLBACK");
    lock.close();
    const ids = (await daybook.events("kind=inference"))
      .map(({ request_id }) => request_id)
      .filter((id) => id.startsWith("locked"));
    assert.deepEqual(ids.toSorted(), names.toSorted());
  });
}

test("a store that is cut off a hundred times while requests come: nothing lost, nothing doubled, in order", async (t) => {
  const home = tempFolder();
  const daybook = await startDaybook(t, { home });
  const lock = new DatabaseSync(join(home, "events.db"));
  lock.exec("PRAGMA busy_timeout = 5000");
  const names: string[] = [];
  for (let cut = 0; cut < 100; cut++) {
    lock.exec("BEGIN IMMEDIATE");
    const batch = Array.from({ length: 3 }, (_, n) => `cut-${cut}-${n}`);
    names.push(...batch);
    await Promise.all(batch.map((name) => chat(daybook.url, { headers: { "x-request-id": name } })));
    lock.exec("ROLLBACK");
    await turn();
  }
  lock.close();
  const events = await daybook.events("kind=inference");
  assert.deepEqual(events.map(({ request_id }) => request_id).toSorted(), names.toSorted());
  const seqs = (await daybook.events("include=system")).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  );
});
