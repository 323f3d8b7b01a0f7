// Slots whose process is gone: their interrupted requests are recorded in their own logs, and what they had not
// shipped is shipped. One at a time, in threads of its own; a slot that is taken meanwhile is left alone.

import { Delivery } from "../delivery/delivery.ts";
import { type Outbox, OutboxPump } from "../delivery/outbox.ts";
import type { Charges } from "../event/charges.ts";
import type { Kind, Mode } from "../event/fields.ts";
import { DurableMark } from "../journal/durable.ts";
import { realFiles } from "../journal/files.ts";
import { JournalClient, type JournalLimits } from "../journal/journal-client.ts";
import { newestCommit } from "../journal/newest.ts";
import { listSlots, type Slot, trySlot } from "../journal/slot.ts";
import type { Lost } from "../journal/tail.ts";
import { Recorder } from "../recorder/recorder.ts";
import type { Position } from "../stores/store.ts";

export interface AdoptionOptions {
  readonly home: string;
  readonly own: Pick<Slot, "number">;
  readonly address: string;
  readonly limits: JournalLimits;
  readonly modes: Readonly<Record<Kind, Mode>>;
  /** Absent: there is none, or somebody else moves its entries. */
  readonly outbox?: Outbox;
  readonly positions: () => Promise<Position[]>;
  /** The copy of what users were charged, for a store that is behind it. */
  readonly charges?: () => Promise<Charges>;
  /** Told each time events of a slot have come into the store. */
  readonly onShipped?: () => void;
  /** Events of a slot's node cannot be shipped any more; resolves when that is recorded. */
  readonly onLost: (nodeId: string, lost: Lost) => Promise<void>;
}

const EVERY_MS = 10_000;
const SHIP_MS = 60_000;

export class Adoption {
  readonly #options: AdoptionOptions;
  /** Retired slots that were shipped as far as they can be. */
  readonly #done = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** Looks now, and then every ten seconds. */
  start(): void {
    this.#timer = setInterval(() => void this.round(), EVERY_MS).unref();
    void this.round();
  }

  /** Adopts every slot that nobody holds and that has something left to ship. Never rejects. */
  round(): Promise<void> {
    this.#running ??= this.#adoptAll()
      .catch(() => {})
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  async #adoptAll(): Promise<void> {
    const { home, own } = this.#options;
    for (const number of listSlots(home)) {
      if (this.#closed) return;
      if (number === own.number || this.#done.has(number)) continue;
      const slot = trySlot(home, number);
      if (slot === null) continue;
      try {
        if (await this.#hasWork(slot)) await this.#adopt(slot);
        if (slot.retired !== null) this.#done.add(number);
      } finally {
        slot.release();
      }
    }
  }

  async #hasWork({ nodeId, journalFolder }: Slot): Promise<boolean> {
    const newest = newestCommit(realFiles, journalFolder);
    if (newest === null) return false;
    const position = (await this.#options.positions()).find((known) => known.nodeId === nodeId);
    const waiting = (await this.#options.outbox?.outboxAfter(0, 1, nodeId)) ?? [];
    return !newest.closed || newest.lastSeq > (position?.seq ?? 0) || waiting.length > 0;
  }

  async #adopt(slot: Slot): Promise<void> {
    const { address, limits, modes, outbox, charges, onShipped, onLost } = this.#options;
    const durable =
      slot.retired === null ? await this.#finish(slot, limits, modes, outbox) : everything(slot);
    const delivery = await Delivery.open({
      address,
      slot,
      durable,
      ...(charges === undefined ? {} : { charges }),
      onLost: (lost) => onLost(slot.nodeId, lost),
    });
    if (onShipped !== undefined) delivery.onShipped(onShipped);
    try {
      await delivery.caughtUp(SHIP_MS);
    } finally {
      await delivery.close();
    }
  }

  /** Recovers the journal and closes it in order, with the outbox entries of its node. */
  async #finish(
    slot: Slot,
    limits: JournalLimits,
    modes: AdoptionOptions["modes"],
    outbox: Outbox | undefined,
  ): Promise<DurableMark> {
    const journal = await JournalClient.open(slot, limits);
    const recorder = new Recorder({ journal, modes });
    const pump = outbox === undefined ? null : new OutboxPump(outbox, recorder, journal.outboxId);
    try {
      await pump?.pump();
    } finally {
      await pump?.close();
      await recorder.close();
    }
    return journal.durable;
  }
}

/** A retired log has all that it will ever have. */
function everything({ journalFolder }: Slot): DurableMark {
  const mark = new DurableMark();
  mark.publish(newestCommit(realFiles, journalFolder)?.lastLsn ?? 0);
  return mark;
}
