// A slot of a data folder on a simulated disk: journal, sealer and shipper as a server's threads use them, without the
// threads. Its process may be killed, lose its power, or be told by its disk that something failed, at any operation.

import { SealShipper } from "../../src/delivery/seal-shipper.ts";
import { COLUMN, FIELDS, type Row } from "../../src/event/fields.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { Forgetting } from "../../src/journal/forgetting.ts";
import { encodeFrame, readFrame } from "../../src/journal/frame.ts";
import { Journal } from "../../src/journal/journal.ts";
import { newestCommit } from "../../src/journal/newest.ts";
import type { SegmentHeader } from "../../src/journal/records.ts";
import { readSealed } from "../../src/journal/sealed.ts";
import { openSealer } from "../../src/journal/sealer.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import type { Slot } from "../../src/places/slot-place.ts";
import type { Position, Store } from "../../src/stores/store.ts";
import { sampledChoices, seededRandom } from "../faults/choices.ts";
import { type Fault, KilledError, SimulatedDisk } from "../faults/simulated-disk.ts";

const FOLDER = "/";
const JOURNAL = "/journal";
/** Small, so that there are several. */
const SEGMENT_BYTES = 9000;

export class HonestSlot {
  readonly nodeId: string;
  readonly #now: () => number;
  #disk = new SimulatedDisk();
  /** Null: its log has ended. */
  #journal: Journal | null = null;
  #isEnded = false;
  #durableLsn = 0;
  #segments = 0;
  #forgetting: Forgetting | null = null;

  constructor(nodeId: string, now: () => number) {
    this.nodeId = nodeId;
    this.#now = now;
    this.start();
  }

  /** As `daybook verify` finds it. */
  get found(): Slot {
    return { folder: FOLDER, nodeId: this.nodeId, files: healthy(this.#disk) };
  }

  get lastSeq(): number {
    return this.#journal?.lastSeq ?? 0;
  }

  get sealed(): { readonly size: number; readonly root: string } | null {
    const checkpoint = this.#disk.quietly(() => readSealed(FOLDER, this.#disk)?.checkpoint);
    return checkpoint === undefined
      ? null
      : { size: checkpoint.size, root: Buffer.from(checkpoint.root).toString("hex") };
  }

  /** Starts the process; one that its disk kills is started again, and faults end. */
  start(): void {
    while (!this.#isEnded) {
      try {
        this.#journal = Journal.open({
          files: this.#disk,
          folder: JOURNAL,
          nodeId: this.nodeId,
          now: this.#now,
          segmentBytes: SEGMENT_BYTES,
          onDurable: (lsn) => (this.#durableLsn = lsn),
          onSegment: () => this.#segments++,
        });
        this.#durableLsn = this.#journal.lastLsn;
        this.#forgetting = new Forgetting(this.#journal);
        return;
      } catch (error) {
        if (!isOfDisk(error)) throw error;
        this.#disk.restart();
      }
    }
  }

  /** False: a fault kept it from being recorded, or its acknowledgement from being heard. */
  record(entries: readonly JournalEntry[]): boolean {
    return this.#does(() => void this.#journal?.commit(entries));
  }

  /** An event of Daybook's own. */
  tell(...told: Parameters<Journal["tell"]>): boolean {
    return this.#does(() => {
      this.#journal?.tell(...told);
      this.#journal?.commit([], { critical: true });
    });
  }

  /** As the sealer's thread: from the last checkpoint, with what the journal has. */
  seal({ changesKey = false } = {}): boolean {
    return this.#does(() => {
      const journal = this.#journal;
      if (journal === null) return;
      const options = { slotFolder: FOLDER, nodeId: this.nodeId, now: this.#now, files: this.#disk };
      if (changesKey) {
        const { key } = openSealer(options, journal);
        journal.tell("key_announced", { verifier_key: key.announceNext() });
        journal.commit([]);
      }
      const sealer = openSealer(options, journal);
      if (changesKey) sealer.handOverAfter(journal.lastSeq);
      sealer.seal();
    });
  }

  /** As the shipper: events from the store's position on, then the newest checkpoint. Whoever is dead is shipped too. */
  async ship(store: Store): Promise<void> {
    if (this.#isEnded) return;
    const { nodeId } = this;
    const disk = this.#disk;
    const tail = new JournalTail({
      files: disk,
      folder: JOURNAL,
      durableLsn: () => this.#durableLsn,
      segments: () => this.#segments,
    });
    let at = await positionIn(store, nodeId);
    const found = disk.quietly(() => tail.seek(at));
    if (found !== "found") throw new Error(`the store's position ${at?.seq} is ${found} in the journal`);
    for (;;) {
      const read = disk.quietly(() => tail.read(30));
      if (read === null) break;
      if (read.lost !== null) throw new Error(`events ${read.lost.fromSeq} to ${read.lost.toSeq} are lost`);
      if (read.events.length === 0) continue;
      const to: Position = { nodeId, seq: read.seq, root: read.root };
      const { result } = await store.append({ nodeId, events: read.events, from: at, to });
      if (result !== "appended") throw new Error("the store is somewhere else");
      at = to;
    }
    disk.quietly(() => tail.close());
    await new SealShipper(store, nodeId, FOLDER, healthy(disk)).ship(at?.seq ?? 0);
  }

  /** Lets go of segments that the store has. */
  retire(stored: number): void {
    const sealedSeq = this.sealed?.size ?? 0;
    const kept = { keepBytes: 0, notBefore: Number.POSITIVE_INFINITY };
    this.#does(() => void this.#journal?.retire({ storedSeq: stored, sealedSeq, ...kept }));
  }

  /** As an erasure does once the store has nothing left: no event of before stays. */
  forget(stored: number): void {
    const storedSeq = stored;
    this.#does(() => void this.#forgetting?.forget({ storedSeq, sealedSeq: this.sealed?.size ?? 0 }));
  }

  /** kill -9, and with a seed the power goes too; the next process starts. */
  crash(seed: number | null): void {
    if (seed === null) this.#disk.restart();
    else this.#disk = this.#disk.afterPowerLoss(sampledChoices(seededRandom(seed)));
    this.start();
  }

  /** Ends in order, and another version goes on: what this one wrote is as an older one would have written it. */
  upgrade(): void {
    this.#does(() => this.#journal?.close());
    this.#disk = new SimulatedDisk(asOlder(this.#disk.contents()));
    this.start();
  }

  /** All files of the folder at this moment, the process at rest. */
  copy(): ReadonlyMap<string, Buffer> {
    this.#does(() => this.#journal?.close());
    const contents = this.#disk.contents();
    this.#disk.restart();
    this.start();
    return contents;
  }

  /** The folder is one that was copied before. False: it is behind the store, and its log has ended. */
  restore(contents: ReadonlyMap<string, Buffer>, stored: number): boolean {
    this.#disk = new SimulatedDisk(contents);
    this.#journal = null;
    this.#isEnded = (newestCommit(this.#disk, JOURNAL)?.lastSeq ?? 0) < stored;
    this.start();
    return !this.#isEnded;
  }

  inject(fault: Fault): void {
    this.#disk.inject(fault);
  }

  /** Faults that did not happen yet never will. */
  heal(): void {
    this.#disk.restart();
    this.start();
  }

  /** Whether it was done: errors of the disk end with the next process. */
  #does(work: () => void): boolean {
    if (this.#isEnded) return false;
    try {
      work();
      return true;
    } catch (error) {
      if (!isOfDisk(error)) throw error;
      if (error instanceof KilledError) this.crash(null);
      return false;
    }
  }
}

export async function positionIn(store: Store, nodeId: string): Promise<Position | null> {
  return (await store.positions()).find((position) => position.nodeId === nodeId) ?? null;
}

/** Those who only look are not whom the faults are for. */
function healthy(disk: SimulatedDisk): SimulatedDisk {
  const read = <T>(work: () => T) => disk.quietly(work);
  return new Proxy(disk, {
    get: (files, name) => {
      const member = Reflect.get(files, name) as unknown;
      return typeof member === "function"
        ? (...args: unknown[]) => read(() => (member as (...given: unknown[]) => unknown).apply(files, args))
        : member;
    },
  });
}

function isOfDisk(error: unknown): boolean {
  return error instanceof KilledError || (error instanceof Error && /\(simulated\)$/.test(error.message));
}

/** Segments as a version wrote them that knew one field less, where no event in them has it. */
function asOlder(contents: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  return new Map(
    [...contents].map(([path, bytes]) => [path, path.endsWith(".journal") ? olderSegment(bytes) : bytes]),
  );
}

function olderSegment(bytes: Buffer): Buffer {
  const lines: unknown[][] = [];
  for (let frame = readFrame(bytes, 0); frame.is === "frame"; frame = readFrame(bytes, frame.next))
    lines.push(frame.payload.split("\n").map((line) => JSON.parse(line) as unknown));
  const [[header] = [], ...commits] = lines as [[SegmentHeader], ...unknown[][]];
  if (header === undefined) return bytes;
  const known = FIELDS.length - 1;
  const rows = commits.flat().filter((line) => ["b", "f"].includes((line as unknown[])[0] as string));
  const rowOf = (line: unknown) => (line as unknown[]).at(-1) as Row;
  const isNeeded = [...rows.map(rowOf), ...header.open].some((row) => (row[known] ?? null) !== null);
  if (isNeeded || rows.some((line) => rowOf(line)[COLUMN.node_id] === undefined)) return bytes;
  const older = {
    ...header,
    fields: header.fields.slice(0, known),
    open: header.open.map((row) => row.slice(0, known)),
  };
  const shorter = commits.map((commit) =>
    commit.map((line) =>
      rows.includes(line as unknown[])
        ? [...(line as unknown[]).slice(0, -1), rowOf(line).slice(0, known)]
        : line,
    ),
  );
  const frames = [[older], ...shorter].map((frame) => encodeFrame(frame.map((line) => JSON.stringify(line))));
  return Buffer.concat(frames);
}
