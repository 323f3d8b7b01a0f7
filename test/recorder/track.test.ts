// track over the real journal: the event lasts as long as the work does.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type AuditEvent, KINDS, type Kind, type Mode } from "../../src/event/fields.ts";
import { JournalClient } from "../../src/journal/journal-client.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { Recorder } from "../../src/recorder/recorder.ts";
import { eventsIn } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const FACTS = { kind: "file", action: "read" } as const;

async function open(t: TestContext, mode: Mode) {
  const slot = takeSlot(tempFolder());
  const modes = Object.fromEntries(KINDS.map((kind) => [kind, mode])) as Record<Kind, Mode>;
  const recorder = new Recorder({ journal: await JournalClient.open(slot), modes });
  t.after(async () => {
    await recorder.close();
    slot.release();
  });
  const only = async (): Promise<AuditEvent> => {
    await recorder.drain();
    const [event, ...others] = recorder.recent();
    assert.equal(others.length, 0);
    return event ?? assert.fail("no event");
  };
  return { recorder, slot, only };
}

async function* items(fail?: Error) {
  yield 1;
  yield 2;
  if (fail !== undefined) throw fail;
}

for (const mode of ["open", "strict"] as const) {
  test(`${mode}: a function's event is a success when it has returned, with what it noted`, async (t) => {
    const { recorder, slot, only } = await open(t, mode);
    const result = await recorder.track(FACTS, async (handle) => {
      handle.note({ userId: "ada" });
      return 7;
    });
    if (mode === "strict")
      assert.equal(eventsIn(slot.journalFolder).length, 1, "durable before the result is given");
    const event = await only();
    assert.deepEqual([result, event.status, event.user_id], [7, "success", "ada"]);
    assert.notEqual(event.duration_ms, null);
  });

  test(`${mode}: a stream's event ends with its last item, and not before`, async (t) => {
    const { recorder, only } = await open(t, mode);
    const seen: number[] = [];
    const stream = await recorder.track(FACTS, () => items());
    for await (const item of stream) {
      seen.push(item);
      assert.equal(recorder.inFlight().file, 1);
    }
    assert.deepEqual([seen, (await only()).status], [[1, 2], "success"]);
  });

  test(`${mode}: a stream that its consumer leaves is cancelled; one that breaks is an error, thrown on`, async (t) => {
    const { recorder } = await open(t, mode);
    for await (const _ of await recorder.track(FACTS, () => items())) break;
    const broken = await recorder.track(FACTS, () =>
      items(new RangeError("a sentence that is nobody's business")),
    );
    await assert.rejects(async () => {
      for await (const _ of broken);
    }, RangeError);
    await recorder.drain();
    const outcomes = recorder
      .recent()
      .map(({ status, error_code, error_type }) => [status, error_code, error_type]);
    assert.deepEqual(outcomes, [
      ["cancelled", "client_disconnected", null],
      ["error", "internal_error", "RangeError"],
    ]);
  });
}

test("what work throws is thrown on; its class is kept and its text is not", async (t) => {
  const { recorder } = await open(t, "open");
  const secret = "a sentence that is nobody's business";
  for (const name of ["TimeoutError", "AbortError", "TypeError"]) {
    const error = Object.assign(new Error(secret), { name });
    await assert.rejects(
      recorder.track(FACTS, () => Promise.reject(error)),
      error,
    );
  }
  await assert.rejects(
    recorder.track(FACTS, () => {
      throw new TypeError(secret);
    }),
    TypeError,
  );
  await recorder.drain();
  const events = recorder.recent();
  assert.deepEqual(
    events.map(({ status, error_type }) => [status, error_type]),
    [
      ["timeout", "TimeoutError"],
      ["cancelled", "AbortError"],
      ["error", "TypeError"],
      ["error", "TypeError"],
    ],
  );
  assert.ok(!JSON.stringify(events).includes(secret));
});

test("strict: without a durable begin the work is not done", async (t) => {
  const { recorder } = await open(t, "strict");
  t.mock.getter(recorder, "trouble", () => "ENOSPC");
  let done = false;
  const tracked = recorder.track(FACTS, () => {
    done = true;
  });
  await assert.rejects(tracked, { code: "audit_unavailable" });
  assert.equal(done, false);
});
