// A process that seals a log on a simulated disk, and is killed and started again as a test wants. The journal is there
// from the beginning, and durable: what is looked at is what the sealer does. Whatever it ever showed as a checkpoint is
// remembered, and each look is held to it.

import { hexOf } from "../../src/evidence/bytes.ts";
import { parseCheckpoint } from "../../src/evidence/checkpoint.ts";
import { parseNote } from "../../src/evidence/note.ts";
import type { State } from "../../src/evidence/report.ts";
import { verifyPlace } from "../../src/evidence/verify.ts";
import { Journal } from "../../src/journal/journal.ts";
import { leavesAfter } from "../../src/journal/leaves.ts";
import { openSealer, type Sealer } from "../../src/journal/sealer.ts";
import { nodeSha256 } from "../../src/journal/signing-key.ts";
import { slotPlace } from "../../src/places/slot-place.ts";
import { chatRow, T0 } from "../support/facts.ts";
import { NODE } from "../support/journal.ts";
import { KilledError, SimulatedDisk } from "./simulated-disk.ts";

const SLOT = "/";
const ALWAYS = { since: 0, until: Number.POSITIVE_INFINITY };
const COMMIT_EVENTS = 20;

/** A journal of `events` events, as files: what each process finds. */
export class SealedJournal {
  readonly contents = new Map<string, Buffer>();
  /** By size of the log after each commit. */
  readonly #roots = new Map<number, string>();
  readonly #hashes: Buffer;

  constructor(events: number) {
    const disk = new SimulatedDisk();
    const journal = Journal.open({ files: disk, folder: "/journal", nodeId: NODE, now: () => T0 });
    for (let done = 0; done < events; done += COMMIT_EVENTS) {
      journal.commit(
        Array.from({ length: COMMIT_EVENTS }, (_, index) => ["finish", chatRow(done + index + 1)]),
      );
      this.#roots.set(journal.lastSeq, journal.root);
    }
    for (const name of disk.list("/journal"))
      this.contents.set(`/journal/${name}`, disk.read(`/journal/${name}`));
    this.#hashes = Buffer.concat([...leavesAfter(disk, "/journal", 0, events)].map(({ hashes }) => hashes));
  }

  rootAt(size: number): string {
    const root = this.#roots.get(size);
    if (root === undefined) throw new RangeError(`no commit ends at ${size}`);
    return root;
  }

  leaves(from: number, to: number): Uint8Array {
    return this.#hashes.subarray(from * 32, to * 32);
  }
}

export class SealingProcess {
  readonly disk: SimulatedDisk;
  readonly #journal: SealedJournal;
  /** Every root that was ever signed of a size, whether or not its checkpoint came to be. */
  readonly #signed: Map<number, Set<string>>;
  #sealer: Sealer | null = null;
  /** Events that are durable in the journal. */
  #lastSeq: number;
  #now = T0;

  constructor(journal: SealedJournal, from?: { disk: SimulatedDisk; process: SealingProcess }) {
    this.#journal = journal;
    const { disk, process } = from ?? { disk: new SimulatedDisk(journal.contents), process: null };
    this.disk = disk;
    this.#signed = process === null ? new Map() : process.#signed;
    this.#lastSeq = process === null ? 0 : process.#lastSeq;
    this.#now = process === null ? T0 : process.#now;
  }

  /** The next process, on the disk that a power loss left. */
  afterPowerLoss(disk: SimulatedDisk): SealingProcess {
    return new SealingProcess(this.#journal, { disk, process: this });
  }

  /** As the sealer's thread at its start; a thread that ended is followed by another. */
  start(): void {
    this.#attempt(() => {
      const at = {
        lastSeq: this.#lastSeq,
        root: this.#lastSeq === 0 ? "" : this.#journal.rootAt(this.#lastSeq),
      };
      this.#sealer = openSealer(this.#options(), at);
    });
  }

  /** The journal has so many events now, and says so. */
  record(count: number): void {
    const from = this.#lastSeq;
    this.#lastSeq += count;
    const leaves = this.#journal.leaves(from, this.#lastSeq);
    this.#attempt(() => this.#sealer?.add(from + 1, leaves, this.#journal.rootAt(this.#lastSeq)));
  }

  seal(): void {
    this.#now += 1000;
    this.#attempt(() => this.#sealer?.seal());
  }

  /** The next key is announced, and takes over with the next checkpoint. */
  changeKey(): void {
    this.#attempt(() => {
      this.#sealer?.key.announceNext();
      this.#sealer?.handOverAfter(this.#lastSeq);
    });
  }

  kill(): void {
    this.#sealer = null;
    this.disk.restart();
  }

  /** Whether the newest checkpoint covers all that is recorded. */
  get isLevel(): boolean {
    return this.#sealer?.sealed?.checkpoint.size === this.#lastSeq;
  }

  /** What `daybook verify` says of the slot as it is on the disk now. */
  async verdict(): Promise<State> {
    const quietly = this.disk.quietly.bind(this.disk);
    const place = quietly(() =>
      slotPlace(
        "slot",
        { folder: SLOT, nodeId: NODE, files: this.disk },
        { notes: [], seq: this.#lastSeq },
        ALWAYS,
      ),
    );
    const logs = place.logs.map((log) => ({
      ...log,
      // The journal has all events from the beginning; those that are not recorded yet are not looked at.
      firstSeq: Number.POSITIVE_INFINITY,
      tile: async (level: number, index: number) => quietly(() => log.tile(level, index)),
    }));
    const tiles = { ...place, logs, async *events() {} };
    const [report] = await verifyPlace(tiles, { sha256: nodeSha256, trusted: null, anchors: new Map() });
    return report?.state ?? "MISSING";
  }

  /** Sizes of which two roots were signed. */
  get signedTwice(): number[] {
    return [...this.#signed].filter(([, roots]) => roots.size > 1).map(([size]) => size);
  }

  #options() {
    const sealed = { slotFolder: SLOT, nodeId: NODE, now: () => this.#now };
    return { ...sealed, files: this.disk };
  }

  /** An error of the disk ends the sealer, as it ends its thread; the next one begins at the last checkpoint. */
  #attempt(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#sealer = null;
      if (error instanceof KilledError || !/\(simulated\)$/.test((error as Error).message)) throw error;
      this.#look();
      this.start();
    }
    this.#look();
  }

  #look(): void {
    this.disk.quietly(() => {
      for (const name of ["checkpoint", "checkpoint.new"]) {
        const note = this.disk.list(SLOT).includes(name) ? this.disk.read(`${SLOT}${name}`).toString() : "";
        const checkpoint = parseCheckpoint(parseNote(note)?.text ?? "");
        if (checkpoint === null) continue;
        const roots = this.#signed.get(checkpoint.size) ?? new Set();
        this.#signed.set(checkpoint.size, roots.add(hexOf(checkpoint.root)));
      }
    });
  }
}
