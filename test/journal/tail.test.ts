import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { realFiles } from "../../src/journal/files.ts";
import { readFrame } from "../../src/journal/frame.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { parseCommit } from "../../src/journal/records.ts";
import { listSegments } from "../../src/journal/segments.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import { chatRow } from "../support/facts.ts";
import { eventsIn, openJournal, seqOf } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const finish = (n: number): JournalEntry => ["finish", chatRow(n)];

function tailing(folder: string, segmentBytes = 3000) {
  const mark = { lsn: 0, segments: 0 };
  const journal = openJournal(folder, {
    segmentBytes,
    onDurable: (lsn) => (mark.lsn = lsn),
    onSegment: () => mark.segments++,
  });
  const open = () =>
    new JournalTail({ files: realFiles, folder, durableLsn: () => mark.lsn, segments: () => mark.segments });
  return { journal, mark, open };
}

/** Everything the tail has now, in reads of at least `enough`. */
function readAll(tail: JournalTail, enough: number) {
  const seqs: unknown[] = [];
  for (let read = tail.read(enough); read !== null; read = tail.read(enough))
    seqs.push(...read.events.map(seqOf));
  return seqs;
}

test("a tail reads every event once and in order, through segments, as they come", (_t) => {
  const { journal, open } = tailing(tempFolder());
  const tail = open();
  assert.equal(tail.seek(null), "found");
  const seqs: unknown[] = [];
  for (let n = 1; n <= 60; n++) {
    journal.commit([finish(n)]);
    if (n % 7 === 0) seqs.push(...readAll(tail, 3));
  }
  seqs.push(...readAll(tail, 1000));
  assert.deepEqual(
    seqs,
    Array.from({ length: 60 }, (_, index) => index + 1),
  );
});

test("nothing beyond the durable mark is read", (_t) => {
  const { journal, mark, open } = tailing(tempFolder());
  journal.commit([finish(1)]);
  const durable = mark.lsn;
  journal.commit([finish(2)]);
  mark.lsn = durable;
  const tail = open();
  tail.seek(null);
  assert.deepEqual(readAll(tail, 10), [1]);
  assert.equal(tail.read(10), null);
});

test("a tail starts after any point that the journal knows, and tells another history from its own", (_t) => {
  const folder = tempFolder();
  const { journal, open } = tailing(folder);
  const points: { seq: number; root: string }[] = [];
  for (let n = 1; n <= 30; n++) {
    journal.commit([finish(n)]);
    points.push({ seq: n, root: journal.root });
  }
  for (const point of points) {
    const tail = open();
    assert.equal(tail.seek(point), "found");
    assert.deepEqual(
      readAll(tail, 10),
      Array.from({ length: 30 - point.seq }, (_, index) => point.seq + 1 + index),
    );
    assert.equal(
      open().seek({
        ...point,
        root: points[0]?.root === point.root ? (points[1]?.root ?? "") : (points[0]?.root ?? ""),
      }),
      "differs",
    );
  }
  assert.equal(open().seek({ seq: 31, root: points[0]?.root ?? "" }), "ahead");
});

/** Ranges that reads told as missing, and the seqs that they gave. */
function readWithLosses(tail: JournalTail) {
  const seqs: unknown[] = [];
  const lost: unknown[] = [];
  for (let read = tail.read(1); read !== null; read = tail.read(1)) {
    if (read.lost !== null) lost.push([read.lost.fromSeq, read.lost.toSeq, read.lost.why]);
    seqs.push(...read.events.map(seqOf));
  }
  return { seqs, lost };
}

/** Changes a bit in the frame that holds the event with this seq. */
function damage(folder: string, seq: number): void {
  for (const { path } of listSegments(realFiles, folder)) {
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) {
      const frame = readFrame(bytes, at);
      if (
        frame.is !== "frame" ||
        at === 0 ||
        !parseCommit(frame.payload).finishes.some((event) => seqOf(event) === seq)
      )
        continue;
      bytes[at + 40] = (bytes[at + 40] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      return;
    }
  }
}

test("what cannot be read is told as missing, exactly, and what follows it is read", () => {
  const lastOfSegment = [10, 20];
  for (const damaged of [[5], [1], [5, 6], [5, 9], lastOfSegment]) {
    const folder = tempFolder();
    const { journal, open } = tailing(folder, 8000);
    for (let n = 1; n <= 30; n++) journal.commit([finish(n)]);
    for (const seq of damaged) damage(folder, seq);
    const tail = open();
    assert.equal(tail.seek(null), "found");
    const { seqs, lost } = readWithLosses(tail);
    assert.deepEqual(
      seqs,
      Array.from({ length: 30 }, (_, index) => index + 1).filter((seq) => !damaged.includes(seq)),
    );
    const told = lost.flatMap((range) => {
      const [from, to] = range as [number, number];
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    });
    assert.deepEqual(told, damaged);
  }
});

test("a point that itself cannot be read any more is still one to go on from", () => {
  const folder = tempFolder();
  const { journal, open } = tailing(folder, 8000);
  const points: { seq: number; root: string }[] = [];
  for (let n = 1; n <= 12; n++) {
    journal.commit([finish(n)]);
    points.push({ seq: n, root: journal.root });
  }
  for (const seq of [4, 5, 6]) damage(folder, seq);
  const tail = open();
  assert.equal(tail.seek(points[4] ?? null), "found");
  assert.deepEqual(readWithLosses(tail), { seqs: [7, 8, 9, 10, 11, 12], lost: [[6, 6, "damaged"]] });
});

test("a start that was removed is told as missing from where the reader is", () => {
  const folder = tempFolder();
  const { journal, open } = tailing(folder, 3000);
  const points: { seq: number; root: string }[] = [];
  for (let n = 1; n <= 30; n++) {
    journal.commit([finish(n)]);
    points.push({ seq: n, root: journal.root });
  }
  const [first, second] = listSegments(realFiles, folder);
  realFiles.remove(first?.path ?? "");
  realFiles.remove(second?.path ?? "");
  for (const from of [null, points[0] ?? null]) {
    const tail = open();
    assert.equal(tail.seek(from), "found");
    const { seqs, lost } = readWithLosses(tail);
    assert.deepEqual(lost, [[(from?.seq ?? 0) + 1, Number(seqs[0]) - 1, "gone"]]);
    assert.equal(seqs.at(-1), 30);
  }
});

test("whatever the pattern of commits and reads, what is read is what the journal holds", (_t) => {
  const step = fc.oneof(
    fc.integer({ min: 1, max: 8 }).map((events) => (journal: Journal, next: number) => {
      journal.commit(Array.from({ length: events }, (_, index) => finish(next + index)));
      return events;
    }),
    fc.constant((journal: Journal, next: number) => {
      journal.commit([["begin", chatRow(100_000 + next, {}, null)]]);
      return 0;
    }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, fc.boolean()), { maxLength: 30 }),
      fc.integer({ min: 2500, max: 9000 }),
      (steps, bytes) => {
        const folder = tempFolder();
        const { journal, open } = tailing(folder, bytes);
        const tail = open();
        tail.seek(null);
        const seqs: unknown[] = [];
        let next = 1;
        for (const [run, reads] of steps) {
          next += run(journal, next);
          if (reads) seqs.push(...readAll(tail, 2));
        }
        seqs.push(...readAll(tail, 2));
        assert.deepEqual(seqs, eventsIn(folder).map(seqOf));
      },
    ),
    { numRuns: 60 },
  );
});
