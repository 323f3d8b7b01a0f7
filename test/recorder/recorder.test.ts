import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  type AuditEvent,
  COLUMN,
  type Facts,
  KINDS,
  type Kind,
  type Mode,
  type Row,
} from "../../src/event/fields.ts";
import { answered, failed } from "../../src/event/outcomes.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import type { JournalEvents } from "../../src/journal/journal-client.ts";

import type { JournalPort } from "../../src/recorder/queue.ts";
import { Recorder, type RecorderOptions } from "../../src/recorder/recorder.ts";

const FACTS = { kind: "inference", action: "chat" } as const satisfies Facts;

/** A journal whose disk is the test's hand: nothing is durable until `commit`. */
class HandJournal implements JournalPort {
  readonly nodeId = "00112233445566aa";
  readonly recovered = 0;
  readonly messages: { id: number; entries: JournalEntry[] }[] = [];
  events: JournalEvents | null = null;
  #answered = 0;
  #seq = 0;
  closed = false;
  readonly told = {};

  listen(events: JournalEvents): void {
    this.events = events;
  }

  post(entries: JournalEntry[]): number {
    this.messages.push({ id: this.messages.length + 1, entries });
    return this.messages.length;
  }

  /** Makes everything posted durable; returns how many messages that were. */
  commit(): number {
    const news = this.messages.slice(this.#answered);
    const last = news.at(-1);
    if (last === undefined) return 0;
    this.#answered = last.id;
    const finished = news.flatMap(({ entries }) => entries).filter(([is]) => is === "finish").length;
    const firstSeq = this.#seq + 1;
    this.#seq += finished;
    this.events?.onDurable(last.id, { firstSeq, finished, recordedAt: 1000, lastLsn: last.id, own: 0 });
    return news.length;
  }

  fail(): void {
    this.#answered = this.messages.length;
    this.events?.onFailed(this.messages.length, "ENOSPC");
  }

  rows(is: "begin" | "finish"): Row[] {
    return this.messages
      .flatMap(({ entries }) => entries)
      .flatMap((entry) => (entry[0] === is ? [entry[1] as Row] : []));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async kill(): Promise<void> {
    this.closed = true;
  }
}

function open(mode: Mode, more: Partial<RecorderOptions> = {}) {
  const journal = new HandJournal();
  const modes = Object.fromEntries(KINDS.map((kind) => [kind, mode])) as Record<Kind, Mode>;
  return { journal, recorder: new Recorder({ journal, modes, ...more }) };
}

function conserved(recorder: Recorder): void {
  const inFlight = recorder.inFlight();
  for (const kind of KINDS) {
    const { begun, recorded, dropped } = recorder.counters.byKind[kind];
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    assert.equal(begun, recorded + lost + inFlight[kind], kind);
  }
}

test("open: what begins and ends within one tick is one finish, and no begin is written", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("open");
  const handle = recorder.begin(FACTS);
  handle.note({ model: "demo" });
  handle.finish(answered(200));
  conserved(recorder);
  t.mock.timers.tick(5);
  assert.deepEqual([journal.rows("begin").length, journal.rows("finish").length], [0, 1]);
  assert.equal(journal.rows("finish")[0]?.[COLUMN.model], "demo");
  journal.commit();
  conserved(recorder);
  assert.equal(recorder.counters.byKind.inference.recorded, 1);
});

test("open: what is still going on after 5 ms has its begin written, with what is known by then", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("open");
  const handle = recorder.begin(FACTS);
  handle.note({ model: "demo" });
  t.mock.timers.tick(5);
  const [begin] = journal.rows("begin");
  assert.deepEqual([begin?.[COLUMN.model], begin?.[COLUMN.status]], ["demo", null]);
});

test("strict: announce waits for the disk, and a finish for its own turn", async () => {
  const { journal, recorder } = open("strict");
  const handle = recorder.begin(FACTS);
  const announced = handle.announce(60_000);
  await turn();
  assert.equal(journal.rows("begin").length, 1);
  journal.commit();
  assert.equal(await announced, true);
  handle.finish(answered(200));
  const settled = handle.settled(60_000);
  await turn();
  journal.commit();
  assert.equal(await settled, "durable");
  conserved(recorder);
});

test("strict: at the deadline a finish that waits is replaced, and one being written stands", async () => {
  const { journal, recorder } = open("strict");
  const blockers = Array.from({ length: 4 }, () => recorder.begin(FACTS));
  for (const blocker of blockers) {
    blocker.finish(answered(200));
    await turn();
  }
  const handle = recorder.begin(FACTS);
  handle.finish(answered(200));
  await turn();
  assert.equal(await blockers[0]?.settled(0), "late");
  assert.equal(await handle.settled(0), "replaced");
  while (journal.commit() > 0) await turn();
  assert.deepEqual(
    journal.rows("finish").map((row) => row[COLUMN.error_code]),
    [null, null, null, null, "audit_unavailable"],
  );
  conserved(recorder);
});

test("strict: announce says no when the disk does not answer in time, and at once while it refuses", async (t) => {
  const { journal, recorder } = open("strict");
  assert.equal(await recorder.begin(FACTS).announce(0), false);
  await turn();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  journal.fail();
  assert.equal(await recorder.begin(FACTS).announce(60_000), false);
  assert.equal(recorder.trouble, "ENOSPC");
});

test("what the disk refused is posted again, in order, until it is durable", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("open");
  const recorded: AuditEvent[] = [];
  recorder.subscribe((event) => recorded.push(event));
  for (const requestId of ["one", "two"]) recorder.log({ ...FACTS, requestId }, answered(200));
  t.mock.timers.tick(5);
  journal.fail();
  recorder.log({ ...FACTS, requestId: "three" }, answered(200));
  t.mock.timers.tick(250);
  journal.commit();
  assert.deepEqual(
    recorded.map(({ request_id, seq }) => [request_id, seq]),
    [
      ["one", 1],
      ["two", 2],
      ["three", 3],
    ],
  );
  conserved(recorder);
});

test("a full queue drops the newest and counts it; then a gap event tells exactly what was lost", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("open", { maxQueued: 10 });
  const handles = Array.from({ length: 30 }, () => recorder.begin(FACTS));
  recorder.begin({ kind: "api", action: "request", count: 5 }).finish(failed("unauthorized"));
  conserved(recorder);
  for (const handle of handles) handle.finish(answered(200));
  conserved(recorder);
  for (let round = 0; round < 5; round++) {
    t.mock.timers.tick(5);
    journal.commit();
    conserved(recorder);
  }
  const gap = journal.rows("finish").filter((row) => row[COLUMN.action] === "gap");
  const { inference, api } = recorder.counters.byKind;
  assert.deepEqual(
    gap.map((row) => row[COLUMN.metadata]),
    [`{"api_queue_full":5,"inference_queue_full":${inference.dropped.queue_full}}`],
  );
  assert.equal(inference.begun, 30);
  assert.deepEqual([inference.recorded, inference.dropped.queue_full], [10, 20]);
  assert.equal(api.dropped.queue_full, 5);
});

test("a dropped finish whose begin was written is abandoned, so that recovery invents no interruption", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("open", { maxQueued: 2 });
  const handle = recorder.begin(FACTS);
  t.mock.timers.tick(5);
  journal.commit();
  recorder.begin(FACTS);
  recorder.begin(FACTS);
  handle.finish(answered(200));
  t.mock.timers.tick(5);
  const abandoned = journal.messages.flatMap(({ entries }) => entries).filter(([is]) => is === "abandon");
  assert.deepEqual(abandoned, [["abandon", handle.eventId]]);
  conserved(recorder);
});

test("finish works once; what is left open is finished as internal_error when it is disposed of", async () => {
  const { recorder } = open("open");
  const handle = recorder.begin(FACTS);
  handle.finish(answered(200));
  assert.throws(() => handle.finish(answered(200)), { code: "already_finished" });
  const left = recorder.begin(FACTS);
  {
    await using _ = left;
  }
  assert.throws(() => left.finish(answered(200)), { code: "already_finished" });
});

test("subscribers hear only what is durable, in order, and one that throws stops nobody", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(process, "emitWarning", () => {});
  const { journal, recorder } = open("open");
  const heard: number[] = [];
  recorder.subscribe(() => {
    throw new Error("a listener's own fault");
  });
  const leave = recorder.subscribe(({ seq }) => heard.push(seq));
  for (let n = 0; n < 3; n++) recorder.log(FACTS, answered(200));
  t.mock.timers.tick(5);
  assert.deepEqual(heard, []);
  journal.commit();
  assert.deepEqual(heard, [1, 2, 3]);
  leave();
  leave();
  recorder.log(FACTS, answered(200));
  t.mock.timers.tick(5);
  journal.commit();
  assert.deepEqual(heard, [1, 2, 3]);
});

test("recent keeps the newest 100 durable events and hands out copies", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("open");
  for (let n = 0; n < 120; n++) recorder.log(FACTS, answered(200));
  t.mock.timers.tick(5);
  journal.commit();
  const recent = recorder.recent();
  assert.deepEqual([recent.length, recent[0]?.seq, recent.at(-1)?.seq], [100, 21, 120]);
  recent.pop();
  assert.equal(recorder.recent(100).length, 100);
});

test("messages hold at most 250 entries and at most 4 are on their way", () => {
  const { journal, recorder } = open("open");
  for (let n = 0; n < 2000; n++) recorder.log(FACTS, answered(200));
  assert.ok(journal.messages.length <= 4);
  while (journal.commit() > 0);
  assert.ok(journal.messages.every(({ entries }) => entries.length <= 250));
});

test("while the journal's thread is lost strict says no at once; then exactly what was not durable is posted again", async () => {
  const { journal, recorder } = open("strict");
  const recorded: string[] = [];
  recorder.subscribe(({ request_id }) => recorded.push(request_id));
  const handles = ["one", "two", "three"].map((requestId) =>
    recorder.log({ ...FACTS, requestId }, answered(200)),
  );
  await turn();
  journal.events?.onLost("lost");
  assert.equal(await recorder.begin(FACTS).announce(60_000), false);
  recorder.log({ ...FACTS, requestId: "four" }, answered(200));
  const before = journal.messages.length;
  await turn();
  assert.equal(journal.messages.length, before, "nothing is posted to nobody");
  const durable = { eventId: handles[1]?.eventId ?? "", seq: 7, recordedAt: 5 };
  journal.events?.onResumed([durable]);
  const again = journal.messages.slice(before).flatMap(({ entries }) => entries);
  const ids = again.flatMap((entry) => (entry[0] === "finish" ? [entry[1][COLUMN.request_id]] : []));
  assert.deepEqual([recorded, ids], [["two"], ["one", "three", "four"]]);
  conserved(recorder);
});

test("what the journal does not take before the end is counted, for the next start to tell", async () => {
  const totals: unknown[] = [];
  const drops = {
    totals: { inference_queue_full: 3 },
    save: (now: unknown) => totals.push({ ...(now as object) }),
  };
  const { recorder } = open("open", { drops });
  recorder.log(FACTS, answered(200));
  await recorder.close(0);
  assert.deepEqual(totals.at(-1), {
    inference_queue_full: 3,
    inference_not_drained: 1,
    system_not_drained: 1,
  });
  conserved(recorder);
});

test("drops of an earlier life that nobody was told of are told at the start", async () => {
  const { journal } = open("open", { drops: { totals: { api_queue_full: 5 }, save: () => {} } });
  await turn();
  const [gap] = journal.rows("finish");
  assert.deepEqual([gap?.[COLUMN.action], gap?.[COLUMN.metadata]], ["gap", '{"api_queue_full":5}']);
});

test("while the disk refuses, only what is critical is posted, but for a try now and then", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("open");
  recorder.log(FACTS, answered(200));
  t.mock.timers.tick(5);
  journal.fail();
  const before = journal.messages.length;
  recorder.log(FACTS, answered(200));
  const outbox = recorder.recordOutbox(1, { kind: "admin", action: "api_key_created" });
  await turn();
  assert.deepEqual(
    journal.messages.slice(before).map(({ entries }) => entries.length),
    [1],
  );
  t.mock.timers.tick(250);
  assert.equal(journal.messages.length, before + 2);
  journal.commit();
  await outbox;
  assert.equal(recorder.trouble, null);
  conserved(recorder);
});

test("trouble is over when something that is not critical is durable, and steady work does not put the try off", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, recorder } = open("strict");
  recorder.log(FACTS, answered(200));
  await turn();
  journal.fail();
  for (let n = 0; n < 20; n++) {
    void recorder.system("clock_step", {});
    recorder.log(FACTS, answered(200));
    await turn();
    t.mock.timers.tick(20);
    if (journal.messages.at(-1)?.entries.some(([, row]) => (row as Row)[COLUMN.action] === "chat")) break;
    journal.commit();
    assert.notEqual(recorder.trouble, null);
  }
  journal.commit();
  assert.equal(recorder.trouble, null);
  conserved(recorder);
});

test("close drains first", async () => {
  const { journal, recorder } = open("open");
  recorder.log(FACTS, answered(200));
  const closing = recorder.close();
  await turn();
  assert.equal(journal.closed, false);
  journal.commit();
  await closing;
  assert.equal(journal.closed, true);
  assert.throws(() => recorder.begin(FACTS), { code: "recorder_closed" });
  mock.reset();
});
