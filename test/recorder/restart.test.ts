// The recorder over the real journal thread, which dies.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { KINDS, type Kind, type Mode } from "../../src/event/fields.ts";
import { answered } from "../../src/event/outcomes.ts";
import { JournalClient } from "../../src/journal/journal-client.ts";
import { takeSlot } from "../../src/journal/slot.ts";

import { Recorder } from "../../src/recorder/recorder.ts";
import { eventsIn, idOf, seqOf } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const FACTS = { kind: "inference", action: "chat" } as const;
const modes = Object.fromEntries(KINDS.map((kind) => [kind, "strict"])) as Record<Kind, Mode>;
const workerUrl = new URL("../journal/dying-worker.ts", import.meta.url);

for (const when of ["before", "after"] as const) {
  test(`a journal thread that dies ${when} its commit is started again: nothing is lost, doubled or invented`, async () => {
    const slot = takeSlot(tempFolder());
    const journal = await JournalClient.open(slot, { maxBytes: 2 ** 30, reserveBytes: 0, workerUrl });
    const recorder = new Recorder({ journal, modes });
    const heard: number[] = [];
    recorder.subscribe(({ seq }) => heard.push(seq));
    const expected: string[] = [];
    const open = recorder.begin({ ...FACTS, requestId: "long" });
    assert.equal(await open.announce(10_000), true);
    for (let round = 0; round < 3; round++) {
      for (const requestId of ["a", `poison-${when}`, "b", "c"]) {
        const handle = recorder.log(
          { ...FACTS, requestId: requestId.startsWith("poison") && round > 0 ? "mild" : requestId },
          answered(200),
        );
        expected.push(handle.eventId);
      }
      await recorder.drain();
    }
    open.finish(answered(200));
    expected.push(open.eventId);
    assert.equal(await open.settled(10_000), "durable");
    assert.equal(journal.restarts, 1);
    await recorder.close();
    slot.release();
    const events = eventsIn(slot.journalFolder);
    assert.deepEqual(events.map(idOf).sort(), expected.sort());
    assert.deepEqual(
      events.map(seqOf),
      expected.map((_, index) => index + 1),
    );
    assert.deepEqual(heard, events.map(seqOf));
  });
}

test("journal threads that die leave no open file behind", {
  skip: existsSync("/proc/self/fd") ? false : "no /proc here",
}, async () => {
  const slot = takeSlot(tempFolder());
  const journal = await JournalClient.open(slot, { maxBytes: 2 ** 30, reserveBytes: 0, workerUrl });
  const recorder = new Recorder({ journal, modes });
  for (let death = 1; death <= 4; death++) {
    recorder.log({ ...FACTS, requestId: "poison-after" }, answered(200));
    await recorder.drain();
    assert.equal(journal.restarts, death);
  }
  assert.deepEqual(openFilesIn(slot.journalFolder).length, 1, "the newest segment, and no other");
  await recorder.close();
  slot.release();
  assert.deepEqual(openFilesIn(slot.folder), []);
});

function openFilesIn(folder: string): string[] {
  return readdirSync("/proc/self/fd")
    .map((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`);
      } catch {
        return "";
      }
    })
    .filter((path) => path.startsWith(folder));
}
