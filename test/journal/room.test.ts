import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { realFiles } from "../../src/journal/files.ts";
import { Room } from "../../src/journal/room.ts";
import { chatRow } from "../support/facts.ts";
import { eventsIn, filesWith, openJournal, segmentFiles, seqOf } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const finish = (n: number): JournalEntry => ["finish", chatRow(n)];
const MIB = 2 ** 20;

/** A journal on a disk of `bytes`, of which something else may take a part. */
function onDisk(bytes: number, reserveBytes: number, maxBytes = 2 ** 40) {
  const slot = tempFolder();
  const folder = join(slot, "journal");
  const sizes = new Map<number, number>();
  const disk = { used: 0, taken: 0 };
  const paths = new Map<string, number>();
  const files = filesWith({
    create(path) {
      const descriptor = realFiles.create(path);
      paths.set(path, descriptor);
      sizes.set(descriptor, 0);
      return descriptor;
    },
    append(descriptor, data) {
      const room = bytes - disk.used - disk.taken;
      const fits = data.subarray(0, Math.max(0, room));
      realFiles.append(descriptor, fits);
      disk.used += fits.length;
      sizes.set(descriptor, (sizes.get(descriptor) ?? 0) + fits.length);
      if (fits.length < data.length) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    },
    remove(path) {
      disk.used -= statSync(path).size;
      realFiles.remove(path);
    },
  });
  realFiles.syncFolder(slot);
  return {
    slot,
    folder,
    files,
    disk,
    room: () => new Room({ files, folder: slot, path: join(slot, "reserve"), reserveBytes, maxBytes }),
  };
}

test("on a full disk only what is critical is recorded, from the reserve; with room again, everything", () => {
  const { slot, files, disk, room } = onDisk(8 * MIB, 4 * MIB);
  const folder = tempFolder();
  const journal = openJournal(folder, { files, room: room() });
  assert.equal(statSync(join(slot, "reserve")).size, 4 * MIB);
  journal.commit([finish(1)]);
  disk.taken = 8 * MIB - disk.used;
  for (let attempt = 0; attempt < 3; attempt++) assert.throws(() => journal.commit([finish(2)]));
  assert.equal(existsSync(join(slot, "reserve")), false);
  journal.commit([finish(3)], { critical: true });
  assert.throws(() => journal.commit([finish(4)]), { code: "JOURNAL_FULL" });
  disk.taken = 0;
  journal.commit([finish(5)]);
  assert.equal(statSync(join(slot, "reserve")).size, 4 * MIB);
  assert.deepEqual(eventsIn(folder).map(seqOf), [1, 2, 3]);
  assert.equal(openJournal(folder).lastSeq, 4);
});

test("the journal's own limit is as a full disk: critical records may pass it by the reserve", () => {
  const { files, room } = onDisk(2 ** 40, MIB, 20_000);
  const folder = tempFolder();
  const journal = openJournal(folder, { files, room: room(), segmentBytes: 4000 });
  let n = 0;
  assert.throws(
    () => {
      for (;;) journal.commit([finish(++n)]);
    },
    { code: "JOURNAL_FULL" },
  );
  assert.ok(journal.bytes <= 20_000 && journal.bytes > 15_000);
  journal.commit([finish(++n)], { critical: true });
  assert.throws(() => journal.commit([finish(++n)]), { code: "JOURNAL_FULL" });
});

test("segments go when the store has them durably, oldest first, so long as enough stay; the newest never", () => {
  const folder = tempFolder();
  let now = 1_000_000;
  const journal = openJournal(folder, { segmentBytes: 4000, now: () => now });
  for (let n = 1; n <= 60; n++) {
    journal.commit([finish(n)]);
    now += 1000;
  }
  const files = segmentFiles(folder);
  const retire = (storedSeq: number, keepBytes: number, notBefore = 0) =>
    journal.retire({ storedSeq, sealedSeq: 60, keepBytes, notBefore });
  assert.equal(retire(0, 0), 0, "nothing is stored");
  assert.equal(
    journal.retire({ storedSeq: 60, sealedSeq: 0, keepBytes: 0, notBefore: 0 }),
    0,
    "nothing is sealed",
  );
  assert.equal(retire(60, 2 ** 30), 0, "enough room");
  assert.equal(retire(60, 10_000) > 0, true);
  const kept = segmentFiles(folder);
  assert.deepEqual(kept, files.slice(-kept.length));
  assert.ok(journal.bytes >= 10_000 - 4000);
  retire(60, 0);
  assert.deepEqual(segmentFiles(folder), files.slice(-2));
  assert.equal(openJournal(folder).lastSeq, 61);
});

test("no segment stays past the retention of its events, however much room there is", () => {
  const folder = tempFolder();
  let now = 1_000_000;
  const journal = openJournal(folder, { segmentBytes: 4000, now: () => now });
  for (let n = 1; n <= 60; n++) {
    journal.commit([finish(n)]);
    now += 1000;
  }
  const before = segmentFiles(folder).length;
  const gone = journal.retire({ storedSeq: 60, sealedSeq: 60, keepBytes: 2 ** 30, notBefore: 1_030_000 });
  assert.ok(gone > 0 && gone < before - 2);
  assert.ok(eventsIn(folder).every((event) => Number(event.row[8]) >= 1_030_000 - 10_000));
});

test("a long stream survives the removal of the segment that it began in", () => {
  const folder = tempFolder();
  const journal = openJournal(folder, { segmentBytes: 4000 });
  journal.commit([["begin", chatRow(1, {}, null)]]);
  for (let n = 2; n <= 60; n++) journal.commit([finish(n)]);
  assert.ok(journal.retire({ storedSeq: 60, sealedSeq: 60, keepBytes: 0, notBefore: 0 }) > 3);
  assert.equal(openJournal(folder).recovered.interrupted, 1);
});
