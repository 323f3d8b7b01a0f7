import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { followKeys, parseKeyChain } from "../../src/evidence/key-chain.ts";
import { parseNote, verifyNote } from "../../src/evidence/note.ts";
import { HASH_BYTES } from "../../src/evidence/proofs.ts";
import { tilesBetween } from "../../src/evidence/tiles.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { realFiles } from "../../src/journal/files.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { leavesAfter } from "../../src/journal/leaves.ts";
import { readKeys, readSealed } from "../../src/journal/sealed.ts";
import { openSealer, Sealer } from "../../src/journal/sealer.ts";
import { nodeSha256 } from "../../src/journal/signing-key.ts";
import { readTile } from "../../src/journal/tile-files.ts";
import { tilesOf } from "../evidence/tree.ts";
import { chatRow, T0 } from "../support/facts.ts";
import { NODE, openJournal } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

const finish = (n: number): JournalEntry => ["finish", chatRow(n)];

function openLog(slotFolder = tempFolder()) {
  mkdirSync(join(slotFolder, "journal"), { recursive: true });
  const journal = openJournal(join(slotFolder, "journal"), { segmentBytes: 40_000 });
  let n = journal.lastSeq;
  const record = (count: number) => {
    for (let done = 0; done < count; done++) journal.commit([finish(++n)]);
  };
  const options = { slotFolder, nodeId: NODE, now: () => T0 + n };
  return { slotFolder, journal, record, options, sealer: () => openSealer(options, journal) };
}

const leavesIn = (slotFolder: string, { lastSeq }: Journal) =>
  [...leavesAfter(realFiles, join(slotFolder, "journal"), 0, lastSeq)].flatMap(({ hashes }) =>
    Array.from({ length: hashes.length / HASH_BYTES }, (_, index) =>
      hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
    ),
  );

/** Every tile of the log is on the disk as it must be. */
function checkTiles(slotFolder: string, journal: Journal): void {
  const tiles = tilesOf(leavesIn(slotFolder, journal));
  for (const name of tilesBetween(0, journal.lastSeq))
    assert.deepEqual(
      readTile(slotFolder, name),
      tiles.get(`${name.level}/${name.index}`),
      JSON.stringify(name),
    );
}

test("a checkpoint has the journal's root, is signed by the slot's key, and its tiles are there", async () => {
  const { slotFolder, journal, record, sealer } = openLog();
  record(300);
  const { note, checkpoint } = sealer().seal();
  assert.deepEqual([checkpoint.origin, checkpoint.size, checkpoint.at], [`daybook/${NODE}`, 300, T0 + 300]);
  assert.equal(Buffer.from(checkpoint.root).toString("hex"), journal.root);
  assert.deepEqual(readSealed(slotFolder), { note, checkpoint });
  const spans = await followKeys(parseKeyChain(readKeys(slotFolder) ?? "") as never, NODE, null, nodeSha256);
  assert.equal((await verifyNote(parseNote(note) as never, spans?.map(({ key }) => key) ?? [])).is, "signed");
  checkTiles(slotFolder, journal);
  for (const name of ["key", "keys", "checkpoint", "tile/0/000", "tile/0/001.p/44"])
    assert.equal(statSync(join(slotFolder, name)).mode & 0o777, 0o600, name);
  assert.equal(statSync(join(slotFolder, "tile/0")).mode & 0o777, 0o700);
});

test("a sealer goes on from the last checkpoint, whatever it was handed since, and twice is as once", () => {
  const { slotFolder, journal, record, sealer } = openLog();
  for (const count of [1, 254, 1, 1, 300, 0, 700]) {
    record(count);
    const next = sealer();
    const [last] = leavesAfter(
      realFiles,
      join(slotFolder, "journal"),
      Math.max(0, journal.lastSeq - 2),
      journal.lastSeq,
    );
    if (last !== undefined) next.add(last.firstSeq, last.hashes, journal.root);
    assert.equal(next.seal().checkpoint.size, journal.lastSeq);
    checkTiles(slotFolder, journal);
  }
  assert.deepEqual(readdirSync(join(slotFolder, "tile/0")).sort(), ["000", "001", "002", "003", "004.p"]);
  assert.deepEqual(readdirSync(join(slotFolder, "tile/0/004.p")), ["233"], "narrower ones are gone");
});

test("a log at rest is sealed again, later", () => {
  const { record, options, journal } = openLog();
  record(3);
  openSealer(options, journal).seal();
  const again = openSealer({ ...options, now: () => T0 + 60_000 }, journal).seal();
  assert.deepEqual([again.checkpoint.size, again.checkpoint.at], [3, T0 + 60_000]);
});

test("nothing is signed of a journal that is behind its checkpoint", () => {
  const { slotFolder, record, sealer, options } = openLog();
  record(10);
  sealer().seal();
  const before = readSealed(slotFolder)?.note;
  assert.throws(() => openSealer(options, { lastSeq: 9, root: "" }), { code: "rolled_back" });
  assert.equal(readSealed(slotFolder)?.note, before);
});

test("nothing is signed of another history of the same length, nor of one that goes on from it", () => {
  const { slotFolder, record, sealer, journal } = openLog();
  record(10);
  sealer().seal();
  const other = openLog();
  other.record(3);
  other.journal.commit([finish(99)]);
  other.record(6);
  for (const name of ["key", "keys", "checkpoint", "tile"])
    renameSync(join(slotFolder, name), join(other.slotFolder, name));
  assert.throws(() => other.sealer().seal(), { code: "roots_differ" });
  other.record(20);
  assert.throws(() => other.sealer().seal(), { code: "roots_differ" });
  assert.equal(readSealed(other.slotFolder)?.checkpoint.size, 10);
  assert.equal(journal.lastSeq, 10);
});

test("nothing is signed when the last checkpoint is not of this log, although tiles and journal agree", () => {
  const { slotFolder, record, sealer, options, journal } = openLog();
  record(10);
  const mine = sealer();
  const { note } = mine.seal();
  const root = /\n(\S{44})\n/.exec(note)?.[1] ?? "";
  const text = (parseNote(note)?.text ?? "").replace(root, Buffer.alloc(32, 7).toString("base64"));
  writeFileSync(join(slotFolder, "checkpoint"), mine.key.sign(text));
  record(5);
  assert.throws(() => openSealer(options, journal).seal(), { code: "rolled_back" });
});

test("a damaged or missing tile is found before anything is signed over it", () => {
  const { slotFolder, record, sealer } = openLog();
  record(300);
  sealer().seal();
  const path = join(slotFolder, "tile/0/001.p/44");
  const bytes = readFileSync(path);
  record(1);
  writeFileSync(path, bytes.with(5, (bytes[5] ?? 0) ^ 1));
  assert.throws(() => sealer().seal(), { code: "roots_differ" });
  assert.equal(readSealed(slotFolder)?.checkpoint.size, 300);
});

test("a log whose key is gone is not signed with another", () => {
  const { slotFolder, record, sealer } = openLog();
  record(2);
  sealer().seal();
  renameSync(join(slotFolder, "key"), join(slotFolder, "away"));
  assert.throws(() => sealer(), { code: "key_missing" });
  assert.equal(existsSync(join(slotFolder, "key")), false);
});

test("leaves that are nowhere any more are not made up", () => {
  const { record, journal, options } = openLog();
  record(200);
  assert.ok(journal.retire({ storedSeq: 200, sealedSeq: 200, keepBytes: 0, notBefore: 0 }) > 0);
  assert.throws(() => openSealer(options, journal), { code: "leaves_missing" });
});

test("a new key takes over when the event that names it is sealed, and the chain says from where", async () => {
  const { slotFolder, record, sealer, journal, options } = openLog();
  record(4);
  const first = sealer();
  first.seal();
  const announced = first.key.announceNext();
  assert.equal(first.key.announceNext(), announced);
  journal.tell("key_announced", { verifier_key: announced });
  record(1);
  first.handOverAfter(6);
  const old = openSealer(options, journal);
  old.handOverAfter(journal.lastSeq);
  assert.equal(journal.lastSeq, 6, "the event that names it was recorded too");
  const last = old.seal();
  record(1);
  const next = openSealer(options, journal).seal();
  const chain = parseKeyChain(readKeys(slotFolder) ?? "");
  assert.equal(chain?.keys.at(-1), announced);
  const spans = (await followKeys(chain as never, NODE, null, nodeSha256)) ?? [];
  assert.deepEqual(
    spans.map(({ from, to }) => [from, to]),
    [
      [0, 6],
      [6, Number.POSITIVE_INFINITY],
    ],
  );
  const verdict = async (note: string, index: number) =>
    (await verifyNote(parseNote(note) as never, [spans[index]?.key as never])).is;
  assert.deepEqual(await Promise.all([verdict(last.note, 0), verdict(next.note, 1), verdict(next.note, 0)]), [
    "signed",
    "signed",
    "unknown",
  ]);
  assert.equal(existsSync(join(slotFolder, "key.next")), false);
  const trusted = await followKeys(chain as never, NODE, [announced], nodeSha256);
  assert.equal(trusted?.length, 1, "from the trusted key on");
  const forged = { ...chain, handovers: [chain?.handovers[0]?.replace("from 6", "from 5")] };
  assert.equal(await followKeys(forged as never, NODE, null, nodeSha256), null);
});

test("a process that died between the handover and its end finishes it", () => {
  const { slotFolder, record, sealer } = openLog();
  record(4);
  const first = sealer();
  first.seal();
  first.key.announceNext();
  const [old, next] = [readFileSync(join(slotFolder, "key")), readFileSync(join(slotFolder, "key.next"))];
  first.key.handOver(4);
  writeFileSync(join(slotFolder, "key"), old);
  writeFileSync(join(slotFolder, "key.next"), next);
  assert.equal(sealer().seal().checkpoint.size, 4);
  assert.deepEqual(readFileSync(join(slotFolder, "key")), next);
});

test("leaves are taken in order", () => {
  const { options } = openLog();
  const sealer = new Sealer(options);
  assert.throws(() => sealer.add(2, new Uint8Array(32), ""), RangeError);
});
