// A log that was sealed, as stores and slots have it: events, tiles, checkpoints and keys, without a server.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SealShipper } from "../../src/delivery/seal-shipper.ts";
import { COLUMN } from "../../src/event/fields.ts";
import type { JournalEvent } from "../../src/event/leaf.ts";
import { realFiles } from "../../src/journal/files.ts";
import { Journal } from "../../src/journal/journal.ts";
import { openSealer } from "../../src/journal/sealer.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { Store } from "../../src/stores/store.ts";
import { type Cells, makeEvents, START_MS } from "../support/events.ts";
import { memoryFolder } from "../support/temp.ts";

/** A data folder with one slot, through which events go as in a server: journal, sealer, store. */
export class SealedLog {
  readonly home: string;
  readonly slotFolder: string;
  readonly nodeId: string;
  readonly journal: Journal;
  readonly #tail: JournalTail;
  #release: () => void;

  constructor(home = memoryFolder()) {
    this.home = home;
    mkdirSync(home, { recursive: true });
    const slot = takeSlot(home);
    this.slotFolder = slot.folder;
    this.nodeId = slot.nodeId;
    this.#release = () => slot.release();
    const folder = slot.journalFolder;
    this.journal = Journal.open({
      files: realFiles,
      folder,
      nodeId: slot.nodeId,
      now: () => START_MS,
      random: randomBytes,
    });
    this.#tail = new JournalTail({
      files: realFiles,
      folder,
      durableLsn: () => this.journal.lastLsn,
      segments: () => 0,
    });
  }

  get store(): string {
    return `sqlite:${join(this.home, "events.db")}`;
  }

  /** Records events of all sorts; `cells` by seq. */
  record(count: number, cells?: (seq: number) => Cells): void {
    const firstSeq = this.journal.lastSeq + 1;
    const made = makeEvents({
      nodeId: this.nodeId,
      count,
      firstSeq,
      ...(cells === undefined ? {} : { cells }),
    });
    for (let at = 0; at < made.length; at += 500)
      this.journal.commit(made.slice(at, at + 500).map(({ row }) => ["finish", row]));
  }

  /** As the sealer's thread does, now. */
  seal(at = START_MS): void {
    const { slotFolder, nodeId, journal } = this;
    openSealer({ slotFolder, nodeId, now: () => at }, journal).seal();
  }

  /** As the shipper does; events alone, or with what is sealed. */
  async ship({ seals = true } = {}): Promise<void> {
    await this.withStore(async (store) => {
      const from = (await store.positions()).find(({ nodeId }) => nodeId === this.nodeId) ?? null;
      this.#tail.seek(from);
      let position = from;
      for (let read = this.#tail.read(1000); read !== null; read = this.#tail.read(1000)) {
        const to = { nodeId: this.nodeId, seq: read.seq, root: read.root };
        if (read.events.length > 0)
          await store.append({ nodeId: this.nodeId, events: read.events, from: position, to });
        if (read.events.length > 0) position = to;
      }
      if (seals) await new SealShipper(store, this.nodeId, this.slotFolder).ship(position?.seq ?? 0);
      await store.checkpoint();
    });
  }

  async withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const store = await openStore(this.store, "write");
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  close(): void {
    this.journal.close();
    this.#tail.close();
    this.#release();
  }
}

export const seqOf = ({ row }: JournalEvent): number => Number(row[COLUMN.seq]);
