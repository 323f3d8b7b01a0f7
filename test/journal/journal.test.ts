import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { COLUMN } from "../../src/event/fields.ts";
import { leafOf } from "../../src/evidence/leaves.ts";
import { Frontier } from "../../src/evidence/merkle.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { realFiles } from "../../src/journal/files.ts";
import { segmentPath } from "../../src/journal/segments.ts";
import { chatRow, eventId, T0 } from "../support/facts.ts";
import {
  actionOf,
  codeOf,
  commitsIn,
  eventsIn,
  filesWith,
  idOf,
  NODE,
  openJournal,
  segmentFiles,
  seqOf,
} from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const begin = (n: number): JournalEntry => ["begin", chatRow(n, {}, null)];
const finish = (n: number): JournalEntry => ["finish", chatRow(n)];

test("finished events get contiguous seqs from 1, and each commit the Merkle root of all leaves so far", (_t) => {
  const folder = tempFolder();
  const journal = openJournal(folder);
  assert.deepEqual(journal.commit([finish(1), finish(2)]), {
    firstSeq: 1,
    finished: 2,
    recordedAt: T0,
    lastLsn: 3,
    own: 0,
  });
  assert.equal(journal.commit([begin(3)]).finished, 0);
  assert.equal(journal.commit([finish(3)]).firstSeq, 3);
  assert.deepEqual(eventsIn(folder).map(seqOf), [1, 2, 3]);
  const frontier = new Frontier();
  for (const commit of commitsIn(folder)) {
    for (const event of commit.finishes) frontier.append(leafOf(event));
    assert.equal(commit.root, frontier.root());
  }
});

test("a begin whose finish shares its commit is not written", (_t) => {
  const folder = tempFolder();
  openJournal(folder).commit([begin(1), finish(1), begin(2)]);
  assert.deepEqual(
    commitsIn(folder).map(({ begins, finishes }) => [begins.length, finishes.length]),
    [[1, 1]],
  );
});

test("after a crash every begin without a finish is an interrupted event, once, and the stop names its window", (_t) => {
  const folder = tempFolder();
  const dying = openJournal(folder);
  dying.commit([begin(1), begin(2), begin(3)]);
  dying.commit([finish(2), ["abandon", eventId(3)]]);
  const journal = openJournal(folder, { now: () => T0 + 5 });
  assert.deepEqual(journal.recovered, { interrupted: 1, uncleanStop: true, tornBytes: 0 });
  const [answered, interrupted, stop] = eventsIn(folder);
  assert.ok(answered && interrupted && stop);
  assert.equal(idOf(answered), eventId(2));
  assert.deepEqual([idOf(interrupted), codeOf(interrupted)], [eventId(1), "interrupted"]);
  assert.deepEqual(
    [
      interrupted.row[COLUMN.status],
      interrupted.row[COLUMN.status_code],
      interrupted.row[COLUMN.duration_ms],
    ],
    ["error", null, null],
  );
  assert.equal(interrupted.row[COLUMN.model], "demo");
  assert.equal(actionOf(stop), "unclean_stop");
  assert.equal(
    stop.row[COLUMN.metadata],
    `{"interrupted":1,"last_commit_at":${T0},"restarted_at":${T0 + 5}}`,
  );
  journal.close();
  assert.deepEqual(openJournal(folder).recovered, { interrupted: 0, uncleanStop: false, tornBytes: 0 });
  assert.equal(eventsIn(folder).length, 3);
});

test("a crash during recovery loses no interrupted event", (_t) => {
  const folder = tempFolder();
  openJournal(folder).commit([begin(1)]);
  const dies = filesWith({
    sync() {
      throw new Error("dies before its first commit");
    },
  });
  assert.throws(() => openJournal(folder, { files: dies }));
  assert.throws(() => openJournal(folder, { files: dies }));
  openJournal(folder);
  assert.deepEqual(eventsIn(folder).map(codeOf), ["interrupted", null]);
});

test("a torn tail is cut and what was whole before it stays, wherever it is torn", (_t) => {
  const whole = readFileSync(new URL("../fixtures/segments/whole.journal", import.meta.url));
  const ends: number[] = [];
  for (let offset = 0; offset < whole.length; offset += 16 + whole.readUInt32LE(offset + 8))
    ends.push(offset);
  const lastFrame = ends.at(-1) ?? 0;
  fc.assert(
    fc.property(fc.integer({ min: lastFrame, max: whole.length - 1 }), fc.boolean(), (cut, garbage) => {
      const folder = tempFolder();
      writeFileSync(segmentPath(folder, 1), whole.subarray(0, cut));
      if (garbage) appendFileSync(segmentPath(folder, 1), Buffer.alloc(cut - lastFrame + 1, 0x44));
      const journal = openJournal(folder);
      assert.deepEqual(eventsIn(folder).map(codeOf), [null, "interrupted", null]);
      assert.equal(journal.lastSeq, 3);
      assert.equal(statSync(segmentPath(folder, 1)).size, lastFrame);
    }),
    { numRuns: 60 },
  );
});

test("golden segment, whole: its records mean what they meant when it was written", (_t) => {
  const folder = tempFolder();
  copyFileSync(new URL("../fixtures/segments/whole.journal", import.meta.url), segmentPath(folder, 1));
  const commits = commitsIn(folder);
  assert.deepEqual(
    commits.map(({ firstLsn, lastLsn, lastSeq, outboxId }) => [firstLsn, lastLsn, lastSeq, outboxId]),
    [
      [1, 2, 0, 0],
      [3, 5, 1, 0],
      [6, 9, 3, 7],
    ],
  );
  assert.equal(commits.at(-1)?.root, "e3c3ee65602a75a1f195313b0ae8fd3a3ad1a51943c227b89aa43418c27a9d4b");
  const journal = openJournal(folder);
  assert.deepEqual([journal.outboxId, journal.recovered.interrupted], [7, 2]);
});

test("golden segment, torn: the last commit was never acknowledged and is gone", (_t) => {
  const folder = tempFolder();
  copyFileSync(new URL("../fixtures/segments/torn.journal", import.meta.url), segmentPath(folder, 1));
  const journal = openJournal(folder);
  assert.ok(journal.recovered.tornBytes > 0);
  assert.deepEqual(eventsIn(folder).map(idOf).slice(0, 2), [eventId(1), eventId(2)]);
});

test("golden segment, corrupt: a changed bit is never read as an event", (_t) => {
  const folder = tempFolder();
  copyFileSync(new URL("../fixtures/segments/corrupt.journal", import.meta.url), segmentPath(folder, 1));
  assert.deepEqual(
    commitsIn(folder).map((commit) => commit.lastLsn),
    [2],
  );
});

test("damage before the tail is no torn tail: nothing is cut, and the journal is refused", (_t) => {
  const folder = tempFolder();
  const path = segmentPath(folder, 1);
  copyFileSync(new URL("../fixtures/segments/corrupt.journal", import.meta.url), path);
  const before = readFileSync(path);
  assert.throws(() => openJournal(folder), { code: "journal_corrupt" });
  assert.deepEqual(readFileSync(path), before);
});

test("a segment is rolled before it passes its size, and its header is enough to start from", (_t) => {
  const folder = tempFolder();
  const journal = openJournal(folder, { segmentBytes: 6000 });
  journal.commit([begin(1)]);
  for (let n = 2; n <= 40; n++) journal.commit([finish(n)]);
  const files = segmentFiles(folder);
  assert.ok(files.length > 3);
  for (const file of files) assert.ok(statSync(join(folder, file)).size <= 6000);
  for (const file of files.slice(0, -1)) realFiles.remove(join(folder, file));
  const reopened = openJournal(folder);
  assert.deepEqual([reopened.lastSeq, reopened.recovered.interrupted], [41, 1]);
});

test("a failed sync poisons the segment: it is never synced again, and everything unacknowledged is written anew", (_t) => {
  const folder = tempFolder();
  const synced: number[] = [];
  let failing: number | null = null;
  const files = filesWith({
    sync(descriptor) {
      assert.notEqual(descriptor, failing, "the poisoned file is synced again");
      if (synced.push(descriptor) === 3) {
        failing = descriptor;
        throw Object.assign(new Error("EIO"), { code: "EIO" });
      }
      realFiles.sync(descriptor);
    },
    close() {},
  });
  const journal = openJournal(folder, { files });
  journal.commit([finish(1)]);
  journal.commit([finish(2)]);
  journal.commit([finish(3)]);
  assert.deepEqual(eventsIn(folder).map(seqOf), [1, 2, 3]);
  assert.equal(segmentFiles(folder).length, 2);
  assert.deepEqual([openJournal(folder).lastSeq, openJournal(folder).lastSeq], [4, 5]);
});

test("a disk that stays broken loses the commit as a whole, and the journal goes on when it works again", (_t) => {
  const folder = tempFolder();
  let broken = false;
  const files = filesWith({
    append(descriptor, data) {
      if (!broken) return realFiles.append(descriptor, data);
      realFiles.append(descriptor, data.subarray(0, data.length / 2));
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    },
  });
  const journal = openJournal(folder, { files });
  journal.commit([finish(1)]);
  broken = true;
  for (let attempt = 0; attempt < 3; attempt++)
    assert.throws(() => journal.commit([finish(2)]), { code: "ENOSPC" });
  assert.equal(journal.lastSeq, 1);
  broken = false;
  assert.equal(journal.commit([finish(2), finish(3)]).firstSeq, 2);
  assert.deepEqual(eventsIn(folder).map(idOf), [eventId(1), eventId(2), eventId(3)]);
  assert.equal(openJournal(folder).lastSeq, 4);
});

test("a wall clock that goes back leaves a clock_step event, and recorded_at is never bent", (_t) => {
  const folder = tempFolder();
  let now = T0;
  const journal = openJournal(folder, { now: () => now });
  journal.commit([finish(1)]);
  now = T0 - 3_600_000;
  assert.deepEqual(journal.commit([finish(2)]), {
    firstSeq: 3,
    finished: 1,
    recordedAt: now,
    lastLsn: 5,
    own: 1,
  });
  now -= 500;
  journal.commit([finish(3)]);
  assert.deepEqual(eventsIn(folder).map(actionOf), ["chat", "clock_step", "chat", "chat"]);
  assert.equal(eventsIn(folder)[2]?.row[COLUMN.recorded_at], T0 - 3_600_000);
});

test("a journal of another node, or of a newer version, is refused and left as it is", (_t) => {
  const folder = tempFolder();
  openJournal(folder).close();
  assert.throws(() => openJournal(folder, { nodeId: NODE.replace("0", "f") }), { code: "journal_corrupt" });
  const path = segmentPath(folder, 1);
  const bytes = statSync(path).size;
  truncateSync(path, bytes);
  assert.equal(statSync(path).size, bytes);
});

test("whatever is committed and wherever the process dies, what was acknowledged is there, in order, once", (_t) => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant("begin" as const) },
    { weight: 5, arbitrary: fc.constant("finish" as const) },
    { weight: 1, arbitrary: fc.constant("crash" as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const folder = tempFolder();
      let journal = openJournal(folder, { segmentBytes: 4000 });
      const expected: unknown[] = [];
      const open: number[] = [];
      let next = 1;
      for (const what of steps) {
        if (what === "begin") {
          journal.commit([begin(next)]);
          open.push(next++);
        } else if (what === "finish" && open.length > 0) {
          const n = open.shift() ?? 0;
          journal.commit([finish(n)]);
          expected.push(eventId(n));
        } else if (what === "crash") {
          journal = openJournal(folder, { segmentBytes: 4000 });
          expected.push(...open.splice(0).map(eventId), "unclean_stop");
        }
      }
      const found = eventsIn(folder).map((event) =>
        actionOf(event) === "chat" ? idOf(event) : actionOf(event),
      );
      assert.deepEqual(found, expected);
      assert.deepEqual(
        eventsIn(folder).map(seqOf),
        expected.map((_, index) => index + 1),
      );
    }),
    { numRuns: 80 },
  );
});
