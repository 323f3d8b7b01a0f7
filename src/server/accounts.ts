// What limits and balances need to know of the trail: what this node's events have cost, from the store, from the
// journal beyond it, and from then on as each becomes durable; what other nodes' have cost, from the store. And the
// copy of this in control.db that a rebuilt store starts from: journal segments beyond it stay.
import type { ChargesCopy } from "../control/charges.ts";
import { unshippedEvents } from "../delivery/unshipped.ts";
import type { Charges } from "../event/charges.ts";
import { COLUMN, type Row } from "../event/fields.ts";
import type { DurableMark } from "../journal/durable.ts";
import type { Slot } from "../journal/slot.ts";
import type { Ledger } from "../limits/ledger.ts";
import type { Reader } from "../read/reader.ts";
import type { Recorder } from "../recorder/recorder.ts";
import type { Position } from "../stores/store.ts";

export interface AccountsOptions {
  readonly ledger: Ledger;
  readonly copy: ChargesCopy;
  readonly recorder: Pick<Recorder, "follow" | "drain">;
  readonly slot: Pick<Slot, "nodeId" | "journalFolder">;
  readonly durable: DurableMark;
}

type Sources = Pick<Reader, "positions" | "charges">;

/** How often other nodes are looked at, and costs whose event was dropped are forgotten. */
const LOOK_MS = 1000;

export class Accounts {
  readonly #options: AccountsOptions;
  /** This node's events up to here are counted. */
  #seq = 0;
  #copiedSeq = 0;
  /** Other nodes and how far their charges are counted. */
  #elsewhere: Readonly<Record<string, number>> = {};
  #elsewhereSums: Charges = { upTo: {}, sums: [] };
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  /** Events that had ended when last looked at: durable when nothing waits any more, or dropped. */
  #ended: string[] = [];
  #draining = false;
  #copying: Promise<void> = Promise.resolve();
  #unfollow: () => void = () => {};

  constructor(options: AccountsOptions) {
    this.#options = options;
  }

  /**
   * Counts what there is, and follows from then on. Call it before anything is charged. `from`: where the store was, or
   * earlier; what is read of the journal beyond it is told to `onUnshipped` too.
   */
  async start(reader: Sources, from: Position | null, onUnshipped: (row: Row) => void): Promise<void> {
    const { recorder, copy } = this.#options;
    const copied = await copy.read();
    this.#takeStored(await reader.charges(), copied);
    this.#takeUnshipped(from, onUnshipped);
    this.#unfollow = recorder.follow((row) => this.#follow(row));
    this.#timer = setInterval(() => void this.look(reader), LOOK_MS).unref();
  }

  /** Counts what other nodes have charged meanwhile, and forgets what no event will charge. Never rejects. */
  look(reader: Sources): Promise<void> {
    this.#looking ??= this.#look(reader)
      .catch(() => {
        // The store cannot be read just now; what is known stands.
      })
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  /**
   * Copies what has changed into control.db. Answers how far the copy goes: journal segments beyond may not go yet.
   * What cannot be written now is written the next time.
   */
  async keep(): Promise<number> {
    this.#copying = this.#copying.then(() => this.#keep()).catch(() => {});
    await this.#copying;
    return this.#copiedSeq;
  }

  /** What somebody was charged is under another id from now on, wherever it is in memory. */
  rename(userId: string, other: string): void {
    this.#options.ledger.rename(userId, other);
    const { upTo, sums } = this.#elsewhereSums;
    this.#elsewhereSums = { upTo, sums: sums.filter((sum) => sum.userId !== userId) };
  }

  /** The last copy. Call it when the recorder is closed. */
  async close(): Promise<void> {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#unfollow();
    await this.keep();
  }

  #takeStored(charges: Charges, copied: Charges): void {
    const { ledger, slot } = this.#options;
    const known = new Map(copied.sums.map((sum) => [`${sum.nodeId} ${sum.userId}`, sum.costMicros]));
    const others: string[] = [];
    for (const { nodeId, userId, costMicros } of charges.sums) {
      if (nodeId !== slot.nodeId) continue;
      ledger.charge(userId, costMicros);
      if (known.get(`${nodeId} ${userId}`) !== costMicros) others.push(userId);
    }
    // What the copy has already need not be written again.
    ledger.takeChanged();
    ledger.putBack(others);
    this.#seq = charges.upTo[slot.nodeId] ?? 0;
    this.#copiedSeq = copied.upTo[slot.nodeId] ?? 0;
    this.#takeElsewhere(charges);
  }

  #takeElsewhere({ upTo, sums }: Charges): void {
    const { ledger, slot } = this.#options;
    const byUser = new Map<string, number>();
    const elsewhere = sums.filter(({ nodeId }) => nodeId !== slot.nodeId);
    for (const { userId, costMicros } of elsewhere)
      byUser.set(userId, (byUser.get(userId) ?? 0) + costMicros);
    const { [slot.nodeId]: _, ...others } = upTo;
    ledger.setElsewhere(byUser);
    this.#elsewhere = others;
    this.#elsewhereSums = { upTo: others, sums: elsewhere };
  }

  #takeUnshipped(position: Position | null, onUnshipped: (row: Row) => void): void {
    const { slot, durable } = this.#options;
    for (const { row } of unshippedEvents({ journalFolder: slot.journalFolder, durable, position })) {
      this.#follow(row);
      onUnshipped(row);
    }
  }

  /** Each event of this node once, in order. */
  #follow(row: Row): void {
    const { ledger } = this.#options;
    const seq = Number(row[COLUMN.seq]);
    if (seq <= this.#seq) return;
    this.#seq = seq;
    const userId = row[COLUMN.user_id];
    const cost = row[COLUMN.cost_micros];
    ledger.forget(String(row[COLUMN.event_id]));
    if (typeof userId === "string" && typeof cost === "number" && cost > 0) ledger.charge(userId, cost);
  }

  async #look(reader: Sources): Promise<void> {
    const { slot } = this.#options;
    this.#forgetDropped();
    const positions = await reader.positions();
    const isNews = positions.some(
      ({ nodeId, seq }) => nodeId !== slot.nodeId && seq > (this.#elsewhere[nodeId] ?? 0),
    );
    if (isNews) this.#takeElsewhere(await reader.charges());
  }

  /** Under load something may wait for hours: one wait at a time, for what is known then. */
  #forgetDropped(): void {
    const { recorder, ledger } = this.#options;
    this.#ended = ledger.pendingIds();
    if (this.#ended.length === 0 || this.#draining) return;
    this.#draining = true;
    void recorder.drain().then(() => {
      this.#draining = false;
      for (const eventId of this.#ended) ledger.forget(eventId);
    });
  }

  async #keep(): Promise<void> {
    const { ledger, copy, slot } = this.#options;
    const seq = this.#seq;
    const changed = ledger.takeChanged();
    const own = [...changed].map(([userId, costMicros]) => ({ nodeId: slot.nodeId, userId, costMicros }));
    const elsewhere = this.#elsewhereSums;
    try {
      await copy.keep({
        upTo: { ...elsewhere.upTo, [slot.nodeId]: seq },
        sums: [...elsewhere.sums, ...own],
      });
      this.#copiedSeq = seq;
      if (this.#elsewhereSums === elsewhere) this.#elsewhereSums = { upTo: {}, sums: [] };
    } catch (error) {
      ledger.putBack(changed.keys());
      throw error;
    }
  }
}
