import assert from "node:assert/strict";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { realFiles } from "../../src/journal/files.ts";
import { encodeFrame, FRAME_HEAD } from "../../src/journal/frame.ts";
import {
  inspectJournal,
  inspectSegment,
  isDamaged,
  type RecordSeen,
  type SegmentReport,
} from "../../src/journal/inspect.ts";
import { listSegments, segmentPath } from "../../src/journal/segments.ts";
import { chatRow, eventId, T0 } from "../support/facts.ts";
import { filesWith, NODE, openJournal } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const begin = (n: number): JournalEntry => ["begin", chatRow(n, {}, null)];
const finish = (n: number): JournalEntry => ["finish", chatRow(n)];
const verify = { verifyRoots: true };

/** Commits: LSN 1–2 (one begin), 3–6 (seq 1–2, one abandon), 7–8 (seq 3), 9 (closes). */
function madeJournal(): string {
  const folder = tempFolder();
  const journal = openJournal(folder);
  journal.commit([begin(1)]);
  journal.commit([finish(2), finish(3), ["abandon", eventId(1)]]);
  journal.commit([finish(4)]);
  journal.close();
  return folder;
}

/** One commit a segment. */
function manySegments(commits: number): string {
  const folder = tempFolder();
  const journal = openJournal(folder, { segmentBytes: 1 });
  for (let n = 1; n <= commits; n++) journal.commit([finish(n)]);
  journal.close();
  return folder;
}

function inspect(folder: string): SegmentReport[] {
  return [...inspectJournal(realFiles, folder, verify)];
}

function only(folder: string): SegmentReport {
  const [report, ...others] = inspect(folder);
  assert.ok(report !== undefined && others.length === 0);
  return report;
}

/** Where each frame of a file begins, header first. */
function offsets(bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_HEAD + bytes.readUInt32LE(at + 8)) found.push(at);
  return found;
}

function spoil(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

test("a whole segment tells what it holds, and its roots verify", () => {
  const folder = madeJournal();
  const { path, bytes, end, ...report } = only(folder);
  assert.deepEqual(report, {
    nodeId: NODE,
    isNewer: false,
    lsns: { first: 1, last: 9 },
    seqs: { first: 1, last: 3 },
    commits: 4,
    begins: 1,
    finishes: 3,
    abandons: 1,
    open: 0,
    at: { first: T0, last: T0 },
    isClosed: true,
    roots: "verified",
    tornBytes: 0,
    deadBytes: 0,
    damage: [],
  });
  assert.deepEqual([path, bytes], [segmentPath(folder, 1), readFileSync(path).length]);
  assert.equal(end?.seq, 3);
});

test("begins without an end are counted, those of the header too", () => {
  const folder = tempFolder();
  const journal = openJournal(folder, { segmentBytes: 1 });
  journal.commit([begin(1)]);
  journal.commit([begin(2)]);
  journal.commit([finish(1)]);
  assert.deepEqual(
    inspect(folder).map(({ open }) => open),
    [1, 2, 1],
  );
});

test("a bad frame is named by its bytes and by what is missing, and what follows is read", () => {
  const folder = madeJournal();
  const path = segmentPath(folder, 1);
  const [, , second = 0, third = 0] = offsets(readFileSync(path));
  spoil(path, second + 40);
  const report = only(folder);
  assert.deepEqual(report.damage, [
    { offset: second, bytes: third - second, lsns: { first: 3, last: 6 }, seqs: { first: 1, last: 2 } },
  ]);
  assert.deepEqual(
    [report.commits, report.lsns, report.seqs],
    [3, { first: 1, last: 9 }, { first: 3, last: 3 }],
  );
  assert.equal(report.roots, "unverifiable");
  assert.ok(isDamaged(report));
});

test("without its header a segment is still read", () => {
  const folder = madeJournal();
  const path = segmentPath(folder, 1);
  const [, first = 0] = offsets(readFileSync(path));
  spoil(path, 20);
  const report = only(folder);
  assert.deepEqual(report.damage, [{ offset: 0, bytes: first, lsns: null, seqs: null }]);
  assert.deepEqual(
    [report.nodeId, report.commits, report.finishes, report.roots],
    [null, 4, 3, "unverifiable"],
  );
});

test("a torn tail is no damage", () => {
  const folder = madeJournal();
  const path = segmentPath(folder, 1);
  const last = offsets(readFileSync(path)).at(-1) ?? 0;
  truncateSync(path, last + 10);
  const report = only(folder);
  assert.deepEqual([report.tornBytes, report.commits, isDamaged(report)], [10, 3, false]);
});

test("what a failed sync left behind is dead, not torn and not damaged", () => {
  const folder = tempFolder();
  let fails = false;
  const files = filesWith({
    sync(descriptor) {
      if (fails) throw Object.assign(new Error("EIO"), { code: "EIO" });
      realFiles.sync(descriptor);
    },
    create(path) {
      fails = false;
      return realFiles.create(path);
    },
  });
  const journal = openJournal(folder, { files });
  journal.commit([finish(1)]);
  fails = true;
  journal.commit([finish(2)]);
  const [first, second] = inspect(folder);
  assert.ok(first && second);
  assert.ok(first.deadBytes > 0);
  assert.deepEqual(
    [first.seqs, second.seqs],
    [
      { first: 1, last: 1 },
      { first: 2, last: 2 },
    ],
  );
  assert.deepEqual([first, second].map(isDamaged), [false, false]);
});

test("a bad end before the next segment is damage, and so is a segment that is gone from between", () => {
  const cut = manySegments(3);
  const second = listSegments(realFiles, cut)[1]?.path ?? "";
  const start = offsets(readFileSync(second))[1] ?? 0;
  truncateSync(second, start + 5);
  assert.deepEqual(inspect(cut)[1]?.damage, [
    { offset: start, bytes: 5, lsns: { first: 3, last: 4 }, seqs: { first: 2, last: 2 } },
  ]);

  const gone = manySegments(3);
  realFiles.remove(listSegments(realFiles, gone)[1]?.path ?? "");
  const [first, ...others] = inspect(gone);
  assert.deepEqual(first?.damage, [
    { offset: first?.bytes, bytes: 0, lsns: { first: 3, last: 4 }, seqs: { first: 2, last: 2 } },
  ]);
  assert.ok(others.every((report) => !isDamaged(report)));
});

test("the oldest segments may be gone: retention takes them", () => {
  const folder = manySegments(3);
  realFiles.remove(listSegments(realFiles, folder)[0]?.path ?? "");
  assert.deepEqual(
    inspect(folder).map((report) => [report.roots, isDamaged(report)]),
    [
      ["verified", false],
      ["verified", false],
      ["verified", false],
    ],
  );
});

test("events that are not those of the roots are damage, within a segment and from one to the next", () => {
  const folder = manySegments(2);
  const [, second] = listSegments(realFiles, folder);
  const other = tempFolder();
  const journal = openJournal(other, { segmentBytes: 1 });
  journal.commit([finish(7)]);
  journal.commit([finish(2)]);
  copyFileSync(listSegments(realFiles, other)[1]?.path ?? "", second?.path ?? "");
  assert.deepEqual(
    inspect(folder).map(({ roots }) => roots),
    ["verified", "differ", "differ"],
  );
});

test("an event that was changed, checksum and all, does not fit its root", () => {
  const folder = madeJournal();
  const path = segmentPath(folder, 1);
  const bytes = readFileSync(path);
  const [, , second = 0, third = 0] = offsets(bytes);
  const payload = bytes.subarray(second + FRAME_HEAD, third).toString();
  assert.ok(payload.includes('"demo"'));
  const forged = encodeFrame([payload.replace('"demo"', '"omed"')]);
  writeFileSync(path, Buffer.concat([bytes.subarray(0, second), forged, bytes.subarray(third)]));
  const report = only(folder);
  assert.deepEqual([report.roots, report.damage, isDamaged(report)], ["differ", [], true]);
});

test("records show public fields and no others", () => {
  const folder = madeJournal();
  const records: RecordSeen[] = [];
  const path = segmentPath(folder, 1);
  inspectSegment(realFiles, path, { verifyRoots: false, onRecord: (record) => records.push(record) });
  assert.deepEqual(
    records.map(({ record, lsn, seq }) => [record, lsn, seq]),
    [
      ["begin", 1, null],
      ["commit", 2, 0],
      ["finish", 3, 1],
      ["finish", 4, 2],
      ["abandon", 5, null],
      ["commit", 6, 2],
      ["finish", 7, 3],
      ["commit", 8, 3],
      ["commit", 9, 3],
    ],
  );
  assert.deepEqual(records[2], {
    record: "finish",
    lsn: 3,
    seq: 1,
    eventId: eventId(2),
    kind: "inference",
    action: "chat",
    status: "success",
    timestamp: T0 + 2,
    recordedAt: T0,
  });
  assert.ok(!JSON.stringify(records).includes("user-"));
});

test("whatever byte is spoilt, the rest is read, and what is missing is told", () => {
  const source = madeJournal();
  const whole = readFileSync(segmentPath(source, 1));
  const frames = offsets(whole);
  const last = frames.at(-1) ?? 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: whole.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      (at, flip) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const report = inspectSegment(filesWith({ read: () => bytes }), segmentPath("/", 1), verify);
        const spoilt = frames.findLastIndex((offset) => offset <= at);
        assert.equal(report.commits, spoilt === 0 ? 4 : 3);
        const said = report.damage.map(({ offset }) => offset);
        assert.deepEqual(said, at >= last ? [] : [frames[spoilt]]);
        assert.equal(report.tornBytes, at >= last ? whole.length - last : 0);
      },
    ),
    { numRuns: 200 },
  );
});

test("a file that is no segment is torn from its first byte", () => {
  const path = join(tempFolder(), "notes.txt");
  writeFileSync(path, "DAYB is how a frame begins");
  const report = inspectSegment(realFiles, path, verify);
  assert.deepEqual([report.nodeId, report.commits, report.tornBytes, report.lsns], [null, 0, 26, null]);
});
