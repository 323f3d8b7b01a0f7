// Money in a small world whose every step a test decides: real ledger, admission, accounts, journal files, store and
// control.db, beside a naive account of all that ever happened. What the process would do by itself (writing, shipping,
// dying) are steps.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ChargesCopy } from "../../src/control/charges.ts";
import { openControl } from "../../src/control/control.ts";
import { COLUMN, KINDS, type Kind, type Row } from "../../src/event/fields.ts";
import { answered } from "../../src/event/outcomes.ts";
import { DurableMark } from "../../src/journal/durable.ts";
import { realFiles } from "../../src/journal/files.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import { type Let, LimitsAdmission } from "../../src/limits/admission.ts";
import { Ledger } from "../../src/limits/ledger.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import { Accounts } from "../../src/server/accounts.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { PruneProgress } from "../../src/stores/removal.ts";
import type { Batch, Position, Store } from "../../src/stores/store.ts";
import { NodeLog } from "../support/events.ts";
import { chatRow, eventId, T0 } from "../support/facts.ts";
import { filesWith, NODE, openJournal } from "../support/journal.ts";
import { tempFolder } from "../support/temp.ts";

/** One micro for each token of the prompt, ten for each of the completion. */
export const PRICE = { promptMicros: 1_000_000, cachedPromptMicros: 1_000_000, completionMicros: 10_000_000 };
const SEGMENT_BYTES = 6000;
/** No power is lost here. */
const UNSYNCED = filesWith({ sync: () => {}, syncFolder: () => {} });

interface Running {
  readonly n: number;
  readonly userId: string;
  readonly held: number;
  readonly lease: Let;
}

interface Ended {
  readonly n: number;
  readonly userId: string;
  readonly cost: number;
}

export class World {
  readonly #folder = tempFolder();
  readonly #control = openControl({ path: join(this.#folder, "control.db"), clock: () => T0 });
  readonly #copy = new ChargesCopy(this.#control);
  #stores = 0;
  #store!: Store;
  #journal!: Journal;
  #mark!: DurableMark;
  #ledger!: Ledger;
  #accounts!: Accounts;
  #admission!: LimitsAdmission;
  #followers = new Set<(row: Row) => void>();
  #requests = 0;
  // The naive account.
  readonly #granted = new Map<string, number>();
  readonly #charged = new Map<string, number>();
  #running: Running[] = [];
  #waiting: Ended[] = [];
  #drained = Promise.withResolvers<void>();
  /** By how much requests went beyond what they held since the last of the user's was let in. */
  readonly #beyond = new Map<string, number>();
  readonly #other = new NodeLog("00000000000000b2");
  readonly #otherBatches: Batch[] = [];

  static async open(): Promise<World> {
    const world = new World();
    mkdirSync(join(world.#folder, "journal"));
    await world.#openStore();
    await world.#start();
    return world;
  }

  grant(userId: string, micros: number): void {
    // Until the first grant nothing was held against anybody.
    if (!this.#granted.has(userId)) this.#beyond.set(userId, this.#held(userId) - this.#available(userId));
    const granted = (this.#granted.get(userId) ?? 0) + micros;
    this.#granted.set(userId, granted);
    this.#ledger.grant(userId, granted);
    if (micros < 0) this.#beyond.set(userId, (this.#beyond.get(userId) ?? 0) - micros);
  }

  /** A request with a prompt of `promptTokens` as its bytes say. */
  admit(userId: string, promptTokens: number, maxTokens: number): void {
    const n = ++this.#requests;
    const held = promptTokens + 10 * maxTokens;
    const granted = this.#granted.get(userId);
    const fits = granted === undefined || held === 0 || this.#available(userId) >= held;
    const answer = this.#admission.admit({
      eventId: eventId(n),
      keyId: "key",
      userId,
      action: "chat",
      price: PRICE,
      requestBytes: promptTokens * 4,
      maxTokens,
    });
    assert.equal(answer.ok, fits, `a request for ${held} with ${this.#available(userId)} left`);
    if (!answer.ok) return;
    this.#running.push({ n, userId, held, lease: answer });
    if (held > 0) this.#beyond.set(userId, 0);
  }

  /** Ends a running request; its event waits to be written. */
  settle(pick: number, promptTokens: number, completionTokens: number, charged: boolean): void {
    const [one] = this.#running.splice(pick % Math.max(1, this.#running.length), 1);
    if (one === undefined) return;
    const usage = { promptTokens, completionTokens, totalTokens: null, cachedTokens: null };
    const { costMicros } = one.lease.settle({ usage, charged });
    one.lease.settle({ usage, charged });
    const cost = charged ? promptTokens + 10 * completionTokens : 0;
    assert.equal(costMicros ?? 0, cost);
    this.#waiting.push({ n: one.n, userId: one.userId, cost });
    const beyond = (this.#beyond.get(one.userId) ?? 0) + Math.max(0, cost - one.held);
    this.#beyond.set(one.userId, beyond);
  }

  /** The oldest `count` events that wait become durable. */
  write(count: number): void {
    const events = this.#waiting.splice(0, count);
    const rows = events.map(({ n, userId, cost }) =>
      chatRow(n, { userId, costMicros: cost === 0 ? null : cost }, answered(200)),
    );
    const { firstSeq } = this.#journal.commit(rows.map((row) => ["finish", row] as const));
    for (const [index, row] of rows.entries()) {
      row[COLUMN.seq] = firstSeq + index;
      for (const follower of this.#followers) follower(row);
    }
    for (const { userId, cost } of events) this.#charged.set(userId, (this.#charged.get(userId) ?? 0) + cost);
    if (this.#waiting.length > 0) return;
    this.#drained.resolve();
    this.#drained = Promise.withResolvers();
  }

  /** The newest event that waits is dropped: it will never be. */
  async drop(): Promise<void> {
    if (this.#waiting.pop() === undefined) return;
    this.write(this.#waiting.length);
    await this.#accounts.look(this.#store);
  }

  /** What is durable goes to the store, at most so many commits. */
  async ship(batches: number): Promise<void> {
    const tail = this.#tail();
    try {
      let from = await this.#position();
      assert.equal(tail.seek(from), "found");
      for (let batch = 0; batch < batches; batch++) {
        const read = tail.read(1);
        if (read === null) return;
        const { events, seq, root, lost } = read;
        if (events.length === 0) continue;
        const to = { nodeId: NODE, seq, root };
        assert.deepEqual(await this.#store.append({ nodeId: NODE, events, from, to, lost }), {
          result: "appended",
        });
        from = to;
      }
    } finally {
      tail.close();
    }
  }

  /** Another node charges `userId`, and has shipped it. */
  async elsewhere(userId: string, cost: number): Promise<void> {
    const batch = this.#other.next(1, () => ({ user_id: userId, cost_micros: cost }));
    this.#otherBatches.push(batch);
    assert.deepEqual(await this.#store.append(batch), { result: "appended" });
    this.#charged.set(userId, (this.#charged.get(userId) ?? 0) + cost);
    this.#beyond.set(userId, (this.#beyond.get(userId) ?? 0) + cost);
    await this.#accounts.look(this.#store);
  }

  /** Retention removes every event that the store has. */
  async prune(): Promise<void> {
    const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
    const plan = await this.#store.planPrune({ now: T0 * 2, keepMs, maxBytes: 0, holds: [] });
    for (let progress: PruneProgress | undefined; ; ) {
      const step = await this.#store.prune(plan, progress);
      if (step.next === null) return;
      progress = step.next;
    }
  }

  /** What was charged is copied, and segments that the store and the copy have go. */
  async copy(): Promise<void> {
    const copiedSeq = await this.#accounts.keep();
    const stored = (await this.#position())?.seq ?? 0;
    const storedSeq = Math.min(stored, copiedSeq);
    this.#journal.retire({ storedSeq, sealedSeq: this.#journal.lastSeq, keepBytes: 0, notBefore: 0 });
  }

  /** The process dies: what runs and what waits is lost. */
  async crash(): Promise<void> {
    this.#followers = new Set();
    this.#running = [];
    this.#waiting = [];
    await this.#start();
  }

  /** The process dies, and the store is gone; a new one is filled from the copy and what is left of the journal. */
  async loseStore(): Promise<void> {
    await this.#store.close();
    await this.#openStore();
    for (const batch of this.#otherBatches) await this.#store.append(batch);
    await this.crash();
  }

  check(): void {
    for (const userId of new Set([...this.#granted.keys(), ...this.#charged.keys()])) {
      const { balance, reserved } = this.#ledger.balance(userId);
      const held = this.#held(userId);
      assert.deepEqual([balance, reserved], [this.#available(userId) + held, held], `of ${userId}`);
      if (!this.#granted.has(userId)) continue;
      const beyond = this.#beyond.get(userId) ?? 0;
      assert.ok(balance - held >= -beyond, `${balance} with ${held} held is below -${beyond}`);
    }
  }

  /** Everything written and shipped: the store's sums are the naive ones. */
  async close(): Promise<void> {
    this.write(this.#waiting.length);
    await this.ship(Number.POSITIVE_INFINITY);
    const { sums } = await this.#store.charges();
    const summed = new Map<string, number>();
    for (const { userId, costMicros } of sums) summed.set(userId, (summed.get(userId) ?? 0) + costMicros);
    assert.deepEqual([...summed].sort(), [...this.#charged].filter(([, cost]) => cost > 0).sort());
    await this.#accounts.close();
    await this.#store.close();
    await this.#control.close();
  }

  #available(userId: string): number {
    const waiting = this.#waiting.reduce((sum, one) => sum + (one.userId === userId ? one.cost : 0), 0);
    const balance = (this.#granted.get(userId) ?? 0) - (this.#charged.get(userId) ?? 0) - waiting;
    return balance - this.#held(userId);
  }

  #held(userId: string): number {
    return this.#running.reduce((sum, one) => sum + (one.userId === userId ? one.held : 0), 0);
  }

  async #openStore(): Promise<void> {
    this.#store = await openStore(`sqlite:${join(this.#folder, `events-${++this.#stores}.db`)}`, "write");
    await this.#store.restoreCharges(await this.#copy.read());
  }

  async #start(): Promise<void> {
    const mark = new DurableMark();
    const journalFolder = join(this.#folder, "journal");
    this.#mark = mark;
    this.#journal = openJournal(journalFolder, {
      files: UNSYNCED,
      segmentBytes: SEGMENT_BYTES,
      onDurable: (lsn) => mark.publish(lsn),
      onSegment: () => mark.segmentBegun(),
    });
    mark.publish(this.#journal.lastLsn);
    this.#ledger = new Ledger(false);
    for (const [userId, granted] of this.#granted) this.#ledger.grant(userId, granted);
    this.#admission = new LimitsAdmission({
      limiter: new Limiter(() => {}),
      ledger: this.#ledger,
      clock: () => T0,
      assumedTokens: () => 0,
    });
    this.#accounts = new Accounts({
      ledger: this.#ledger,
      copy: this.#copy,
      recorder: {
        follow: (follower) => {
          this.#followers.add(follower);
          return () => this.#followers.delete(follower);
        },
        // As the recorder's: done when nothing waits.
        drain: () => (this.#waiting.length === 0 ? Promise.resolve() : this.#drained.promise),
      },
      slot: { nodeId: NODE, journalFolder },
      durable: mark,
    });
    await this.#accounts.start(this.#store, await this.#position(), () => {});
  }

  async #position(): Promise<Position | null> {
    return (await this.#store.positions()).find(({ nodeId }) => nodeId === NODE) ?? null;
  }

  #tail(): JournalTail {
    return new JournalTail({
      files: realFiles,
      folder: join(this.#folder, "journal"),
      durableLsn: () => this.#mark.lsn,
      segments: () => this.#mark.segments,
    });
  }
}
