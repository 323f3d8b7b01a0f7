// Carries erasures out, and finishes what a process that died had begun: whoever opens the data folder goes on with it.
// Each round looks at what is still there, and does what can be done; what is in the way is noted and tried again:
//
//   requested ──store, then journals──► nothing is left ──► finished
//       ▲────────── waits for (why) ◄─────────┘

import { setImmediate as turn } from "node:timers/promises";
import { filtersOf } from "../api/hold-filters.ts";
import type { Jobs } from "../api/jobs.ts";
import type { Erasure } from "../control/erasures.ts";
import type { ControlParts } from "../control/parts.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { realFiles } from "../journal/files.ts";
import { forgetSlot } from "../journal/forget-slot.ts";
import type { JournalClient } from "../journal/journal-client.ts";
import { isNamedIn } from "../journal/naming.ts";
import { seeSlots } from "../journal/seen-slots.ts";
import type { Slot } from "../journal/slot.ts";
import type { Reader } from "../read/reader.ts";
import type { Subject } from "../stores/removal.ts";
import type { Accounts } from "./accounts.ts";
import { removeCopies } from "./made-copies.ts";

interface ErasingOptions {
  readonly home: string;
  readonly own: Pick<Slot, "number">;
  readonly parts: Pick<ControlParts, "control" | "erasures" | "holds" | "policies">;
  readonly reader: Pick<Reader, "traces" | "charges" | "positions">;
  readonly delivery: Pick<Delivery, "caughtUp" | "erase" | "halt" | "status">;
  readonly journal: Pick<JournalClient, "sealed" | "forget">;
  readonly accounts: Pick<Accounts, "rename" | "keep">;
  readonly jobs: Pick<Jobs, "list" | "remove">;
  /** Ships what dead processes have left. */
  readonly adopt: () => Promise<void>;
  /** Told of rounds that failed; the next one goes on. */
  readonly report: (error: unknown) => void;
}

/** What an erasure waits for: a code, shown to those who ask. */
type WaitsFor =
  | "legal_hold"
  /** A policy's text is nobody's but its author's: it must be changed. */
  | "policy"
  /** The store is away, or busy. */
  | "store"
  /** A journal that is not shipped or sealed as far as it must be. */
  | "journal"
  /** Requests of the person that have not ended. */
  | "running_requests"
  /** Another process on the folder has events of the person in its journal. */
  | "another_process";

const SHIP_MS = 10_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 60_000;

export class Erasing {
  readonly #options: ErasingOptions;
  #running: Promise<void> | null = null;
  #again = false;
  #retryMs = RETRY_MIN_MS;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: ErasingOptions) {
    this.#options = options;
  }

  /** Begins what is asked for from now on, and with `resume` goes on with what is pending. */
  start({ resume }: { readonly resume: boolean }): void {
    const { parts } = this.#options;
    parts.erasures.follow(() => this.#wake());
    parts.holds.follow(() => this.#wake());
    if (resume) this.#wake();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#running !== null) this.#options.delivery.halt();
    await this.#running;
  }

  #wake(): void {
    this.#retryMs = RETRY_MIN_MS;
    this.#again = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#running ??= this.#round().finally(() => {
      this.#running = null;
      if (this.#closed) return;
      if (this.#again) this.#wake();
      else if (this.#options.parts.erasures.pending.length > 0) this.#retry();
    });
  }

  #retry(): void {
    this.#timer = setTimeout(() => {
      const waitedMs = this.#retryMs;
      this.#wake();
      this.#retryMs = Math.min(2 * waitedMs, RETRY_MAX_MS);
    }, this.#retryMs).unref();
  }

  async #round(): Promise<void> {
    this.#again = false;
    const { parts, report } = this.#options;
    for (const erasure of parts.erasures.pending) {
      if (this.#closed) return;
      try {
        const waitingFor = await this.#attempt(erasure);
        if (waitingFor !== null && waitingFor !== erasure.waitingFor)
          await parts.erasures.note(erasure.id, { events: 0, waitingFor });
      } catch (error) {
        if (!this.#closed) report(error);
      }
    }
  }

  /** Null: it is finished. */
  async #attempt(erasure: Erasure): Promise<WaitsFor | null> {
    const { home, own, jobs, parts, reader, accounts, adopt } = this.#options;
    const { id, subject: userId } = erasure;
    if (userId === null) return null;
    const subject = (): Subject => ({ userId, pseudonym: id, holds: filtersOf(parts.holds) });
    if ((await reader.traces(subject())).held > 0) return "legal_hold";
    if (parts.policies.naming(userId).length > 0) return "policy";
    if (await parts.erasures.isInOutbox(userId)) return "journal";
    await adopt();
    const waitsFor = (await this.#eraseStored(subject)) ?? (await this.#forgetJournals(userId));
    if (waitsFor !== null) return waitsFor;
    if (!(await removeCopies(home, own.number, jobs))) return "another_process";
    // What came meanwhile is for the next round.
    if ((await reader.traces(subject())).events > 0) return "running_requests";
    accounts.rename(userId, id);
    await parts.erasures.finish(erasure, await reader.charges());
    for (let tries = 0; tries < 50 && !parts.control.leaveNothing(); tries++) await turn();
    return null;
  }

  /** With the holds of the moment it begins: from then on, whoever follows them halts the delivery. */
  async #eraseStored(subjectNow: () => Subject): Promise<WaitsFor | null> {
    const { parts, journal, delivery } = this.#options;
    if (!(await delivery.caughtUp(SHIP_MS))) return "store";
    if (!(await journal.sealed())) return "journal";
    const subject = subjectNow();
    const { events, held, reason } = await delivery.erase(subject);
    if (events > 0) await parts.erasures.note(subject.pseudonym, { events, waitingFor: null });
    if (held > 0) return "legal_hold";
    return reason === null ? null : "store";
  }

  /** The store has all of it, and durably: erasing ends with a checkpoint. */
  async #forgetJournals(userId: string): Promise<WaitsFor | null> {
    const { home, own, reader, journal, delivery, accounts } = this.#options;
    for (const slot of seeSlots(home)) {
      if (!(await isNamedIn(realFiles, slot.journalFolder, userId))) continue;
      if (slot.index === own.number) {
        const stored = Math.min(delivery.status.shippedSeq, await accounts.keep());
        if (!(await journal.forget(stored))) return "journal";
        if (await isNamedIn(realFiles, slot.journalFolder, userId)) return "running_requests";
      } else {
        const { seq = 0 } = (await reader.positions()).find(({ nodeId }) => nodeId === slot.nodeId) ?? {};
        const forgotten = forgetSlot(home, slot.index, seq);
        if (forgotten !== "done") return forgotten === "held" ? "another_process" : "journal";
      }
    }
    return null;
  }
}
