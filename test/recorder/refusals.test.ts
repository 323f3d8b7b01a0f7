// Repeated refusals: singly up to a rate, then counted, and every one of them stands in some event.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { type AuditEvent, KINDS, type Kind } from "../../src/event/fields.ts";
import { failed } from "../../src/event/outcomes.ts";
import { JournalClient } from "../../src/journal/journal-client.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { Recorder } from "../../src/recorder/recorder.ts";
import { Refusals, type RefusedFacts } from "../../src/recorder/refusals.ts";
import { tempFolder } from "../support/temp.ts";

const UNAUTHORIZED = failed("unauthorized");
const NOT_FOUND = failed("not_found");

function facts(clientIp: string | null, endpoint = "/v1/messages"): RefusedFacts {
  return { kind: "inference", action: "message", endpoint, method: "POST", clientIp };
}

async function counting(
  t: TestContext,
  options: { singly?: number; maxSources?: number; maxQueued?: number } = {},
) {
  const slot = takeSlot(tempFolder());
  const journal = await JournalClient.open(slot);
  const modes = Object.fromEntries(KINDS.map((kind) => [kind, "open"])) as Record<Kind, "open">;
  const { maxQueued = 10_000, ...limits } = options;
  const recorder = new Recorder({ journal, modes, maxQueued });
  const recorded: AuditEvent[] = [];
  recorder.subscribe((event) => recorded.push(event));
  const clock = { ms: 0 };
  const refusals = new Refusals({ recorder, singly: 2, now: () => clock.ms, ...limits });
  t.after(async () => {
    refusals.close();
    await recorder.close();
    slot.release();
  });
  const refuse = (source: string | null, outcome = UNAUTHORIZED, endpoint?: string) => {
    const about = facts(source, endpoint);
    if (!refusals.count(about, outcome)) recorder.log(about, outcome);
  };
  const events = async () => {
    await recorder.drain();
    return recorded.map(({ count, client_ip, error_code, endpoint }) => ({
      count,
      client_ip,
      error_code,
      endpoint,
    }));
  };
  const conserved = () => {
    const { begun, recorded: done, dropped } = recorder.counters.byKind.inference;
    return begun === done + dropped.queue_full + dropped.not_drained + recorder.inFlight().inference;
  };
  return { clock, recorder, refusals, refuse, events, conserved };
}

test("beyond the rate a source's refusals are one event a minute, with their count", async (t) => {
  const { clock, refuse, events, conserved, recorder } = await counting(t);
  for (let n = 0; n < 10; n++) refuse("192.0.2.1");
  assert.deepEqual([(await events()).length, recorder.inFlight().inference, conserved()], [2, 8, true]);
  clock.ms = 60_000;
  refuse("192.0.2.1");
  const all = await events();
  assert.deepEqual(
    all.map(({ count }) => count),
    [1, 1, 8, 1],
  );
  const summary = { client_ip: "192.0.2.1", error_code: "unauthorized", endpoint: "/v1/messages", count: 8 };
  assert.deepEqual(all[2], summary);
  assert.ok(conserved());
});

test("different refusals are counted apart, and different sources too", async (t) => {
  const { refusals, refuse, events } = await counting(t, { singly: 0 });
  for (let n = 0; n < 3; n++) {
    refuse("192.0.2.1");
    refuse("192.0.2.1", NOT_FOUND);
    refuse("192.0.2.2");
  }
  refusals.close();
  assert.deepEqual(
    (await events()).map(({ count, client_ip, error_code }) => [count, client_ip, error_code]),
    [
      [3, "192.0.2.1", "unauthorized"],
      [3, "192.0.2.1", "not_found"],
      [3, "192.0.2.2", "unauthorized"],
    ],
  );
});

test("sources beyond the cap share what one may do, and are named by none", async (t) => {
  const { refusals, refuse, events } = await counting(t, { singly: 1, maxSources: 2 });
  for (let n = 0; n < 50; n++) refuse(`192.0.2.${n}`);
  refusals.close();
  const all = await events();
  assert.deepEqual(
    all.map(({ count, client_ip }) => [count, client_ip]).filter(([count]) => (count as number) > 1),
    [[47, null]],
  );
  assert.equal(
    all.reduce((sum, { count }) => sum + count, 0),
    50,
  );
});

test("a source that varies what it asks for is counted under few heads", async (t) => {
  const { refusals, refuse, events } = await counting(t, { singly: 0 });
  for (let n = 0; n < 200; n++) refuse("192.0.2.1", UNAUTHORIZED, `/v1/${n}`);
  refusals.close();
  const all = await events();
  assert.equal(all.length, 33);
  assert.deepEqual(all.at(-1), {
    count: 168,
    client_ip: "192.0.2.1",
    error_code: "unauthorized",
    endpoint: null,
  });
});

test("whatever comes when: recorded, dropped and in flight are what was refused", async (t) => {
  const { clock, recorder, refuse, conserved } = await counting(t, {
    singly: 1,
    maxSources: 3,
    maxQueued: 20,
  });
  const step = fc.oneof(
    fc.record({ source: fc.nat({ max: 6 }), times: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ wait: fc.nat({ max: 70_000 }) }),
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      for (const one of steps) {
        if ("wait" in one) clock.ms += one.wait;
        else
          for (let n = 0; n < one.times; n++) {
            refuse(one.source === 6 ? null : `192.0.2.${one.source}`);
            refused++;
          }
        assert.ok(conserved());
      }
      await recorder.drain();
      assert.deepEqual([recorder.counters.byKind.inference.begun, conserved()], [refused, true]);
    }),
    { numRuns: 60 },
  );
});

test("refusals that are told apart no more say nothing that is true of one of them only", async (t) => {
  const { refusals, recorder, conserved } = await counting(t, { singly: 0 });
  const told: unknown[] = [];
  recorder.subscribe(({ error_type, count }) => told.push([error_type, count]));
  for (let n = 0; n < 40; n++) refusals.count(facts("192.0.2.1"), failed("malformed_http", `HPE_${n}`));
  refusals.close();
  await recorder.drain();
  assert.deepEqual(told, [...Array.from({ length: 32 }, (_, n) => [`HPE_${n}`, 1]), [null, 8]]);
  assert.ok(conserved());
});
