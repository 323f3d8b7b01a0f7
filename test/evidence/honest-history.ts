// Generated histories in which nobody does anything wrong: processes that record, seal, ship, crash, lose their power
// and are followed by other versions, clocks that step, disks that fail, stores and folders that are restored, retention,
// holds, erasure, changes of key, anchors. Whatever happened, a verification raises no alarm, at any moment; and in the
// end it says of each log what its history implies.
import { copyFileSync, existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { carryOut } from "../../src/delivery/pruning.ts";
import { COLUMN, KINDS, type Kind } from "../../src/event/fields.ts";
import { isErased, type JournalEvent } from "../../src/event/leaf.ts";
import { accountedFor, parsePruned, type Told } from "../../src/event/pruned.ts";
import type { Anchored } from "../../src/evidence/log-check.ts";
import { type LogReport, type State, worstOf } from "../../src/evidence/report.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import { ALL_TIME } from "../../src/places/found-event.ts";
import { verifySlots } from "../../src/places/look.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { tellingsOf } from "../../src/server/retention.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { EraseProgress } from "../../src/stores/removal.ts";
import type { Store } from "../../src/stores/store.ts";
import type { Fault, OperationKind } from "../faults/simulated-disk.ts";
import { chatRow, eventId, T0 } from "../support/facts.ts";
import { HonestSlot, positionIn } from "./honest-slot.ts";

export type Step =
  | { readonly is: "record"; readonly slot: number; readonly events: number; readonly begins: number }
  | { readonly is: "seal"; readonly slot: number; readonly changesKey: boolean }
  | { readonly is: "ship"; readonly slot: number }
  /** With a seed the power goes too. */
  | { readonly is: "crash"; readonly slot: number; readonly seed: number | null }
  | { readonly is: "upgrade"; readonly slot: number }
  | { readonly is: "retire"; readonly slot: number }
  | { readonly is: "fault"; readonly slot: number; readonly fault: Fault }
  | { readonly is: "start another" }
  | { readonly is: "clock"; readonly ms: number }
  /** Retention, of events older than so many; the store may lag behind what was sealed, or it may all die meanwhile. */
  | {
      readonly is: "prune";
      readonly slot: number;
      readonly ms: number;
      readonly lags: boolean;
      readonly stops: boolean;
    }
  | { readonly is: "hold"; readonly user: number }
  | { readonly is: "erase"; readonly user: number; readonly stops: boolean }
  | { readonly is: "back up" | "restore" | "move" | "anchor" | "look" }
  /** A slot's folder is found as it was some events ago. */
  | { readonly is: "relapse"; readonly slot: number; readonly events: number };

export type History = readonly Step[];

const HOUR_MS = 3_600_000;
const USERS = 3;
const MAX_SLOTS = 3;

const upTo = (max: number, min = 0) => fc.integer({ min, max });
const slot = upTo(MAX_SLOTS - 1);
const step = <Is extends Step["is"]>(is: Is, more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ is: fc.constant(is), ...more }) as unknown as fc.Arbitrary<Step>;

const OPERATIONS: readonly OperationKind[] = [
  "append",
  "sync",
  "create",
  "rename",
  "remove",
  "syncFolder",
  "read",
];
const fault = fc.record({
  fault: fc.constantFrom("EIO", "ENOSPC", "short", "kill", "torn"),
  at: upTo(9, 1),
  of: fc.constantFrom(...OPERATIONS),
});

export const histories: fc.Arbitrary<History> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: step("record", { slot, events: upTo(12), begins: upTo(2) }) },
    {
      weight: 1,
      arbitrary: step("record", { slot, events: fc.constantFrom(30, 260), begins: fc.constant(0) }),
    },
    { weight: 8, arbitrary: step("seal", { slot, changesKey: fc.constantFrom(false, false, false, true) }) },
    { weight: 8, arbitrary: step("ship", { slot }) },
    { weight: 2, arbitrary: step("crash", { slot, seed: fc.option(fc.nat()) }) },
    { weight: 1, arbitrary: step("upgrade", { slot }) },
    { weight: 1, arbitrary: step("retire", { slot }) },
    { weight: 2, arbitrary: step("fault", { slot, fault }) },
    { weight: 1, arbitrary: step("start another") },
    { weight: 2, arbitrary: step("clock", { ms: upTo(2 * HOUR_MS, -2 * HOUR_MS) }) },
    {
      weight: 3,
      arbitrary: step("prune", {
        slot,
        ms: upTo(HOUR_MS, -HOUR_MS),
        lags: fc.boolean(),
        stops: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: step("hold", { user: upTo(USERS - 1) }) },
    { weight: 2, arbitrary: step("erase", { user: upTo(USERS - 1), stops: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constantFrom<Step[]>({ is: "back up" }, { is: "restore" }, { is: "move" }) },
    { weight: 1, arbitrary: fc.constant<Step>({ is: "anchor" }) },
    { weight: 1, arbitrary: fc.constant<Step>({ is: "look" }) },
    { weight: 1, arbitrary: step("relapse", { slot, events: upTo(9) }) },
  ),
  { minLength: 4, maxLength: 18, size: "max" },
);

/** Raised of an honest history. */
export class FalseAlarm extends Error {
  override readonly name = "FalseAlarm";
}

/** What a verification may say at any moment, and nothing else. */
const CALM: ReadonlySet<State> = new Set(["VALID", "VALID_ERASED", "PRUNED", "UNSEALED_TAIL", "NOT_SEALED"]);

/** What was said of all logs together, in the end. */
export interface Outcome {
  readonly state: State;
}

/** Lives it in a folder, from a store that is new; throws a FalseAlarm. */
export async function live(history: History, folder: string, emptyStore: string): Promise<Outcome> {
  const world = new World(folder);
  await world.open(emptyStore);
  try {
    for (const each of history) await world.does(each);
    return await world.ends();
  } finally {
    await world.close();
  }
}

class World {
  readonly #folder: string;
  readonly #slots: HonestSlot[] = [];
  readonly #anchors = new Map<string, Anchored[]>();
  readonly #holds: EventFilter[] = [];
  #path: string;
  #store: Store | null = null;
  #now = T0;
  #events = 0;
  #nodes = 0;
  /** Since the last backup segments went: what it lacks, no journal has. */
  #isBackupOfUse = false;
  /** Events that were gone are there again, or retention did not know all that it had said: it says rather too much. */
  #isRough = false;
  readonly #toldTo = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, "events.db");
  }

  get #open(): Store {
    if (this.#store === null) throw new Error("the store is closed");
    return this.#store;
  }

  async open(emptyStore: string): Promise<void> {
    copyFileSync(emptyStore, this.#path);
    this.#store = await openStore(`sqlite:${this.#path}`, "write");
    this.#start();
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }

  #start(): HonestSlot {
    const nodeId = (0xa0 + this.#nodes++).toString(16).padStart(16, "0");
    const started = new HonestSlot(nodeId, () => this.#now);
    this.#slots.push(started);
    return started;
  }

  #at(index: number): HonestSlot {
    return this.#slots[index % this.#slots.length] as HonestSlot;
  }

  async does(step: Step): Promise<void> {
    this.#now += 1000;
    switch (step.is) {
      case "record":
        this.#record(this.#at(step.slot), step);
        break;
      case "seal":
        this.#at(step.slot).seal(step);
        break;
      case "ship":
        await this.#at(step.slot).ship(this.#open);
        break;
      case "crash":
        this.#at(step.slot).crash(step.seed);
        break;
      case "upgrade":
        this.#at(step.slot).upgrade();
        break;
      case "retire":
        this.#at(step.slot).retire((await positionIn(this.#open, this.#at(step.slot).nodeId))?.seq ?? 0);
        this.#isBackupOfUse = false;
        break;
      case "fault":
        this.#at(step.slot).inject(step.fault);
        break;
      case "start another":
        if (this.#slots.length < MAX_SLOTS) this.#start();
        break;
      case "clock":
        this.#now += step.ms;
        break;
      case "prune":
        await this.#prune(this.#at(step.slot), step);
        break;
      case "hold":
        this.#holds.push({ where: { user_id: [`user-${step.user}`] } });
        break;
      case "erase":
        await this.#erase(`user-${step.user}`, step.stops);
        break;
      default:
        await this.#doesWithCopies(step);
    }
  }

  async #doesWithCopies(step: Step): Promise<void> {
    switch (step.is) {
      case "back up":
        await this.#swapped(() => copyFileSync(this.#path, join(this.#folder, "backup.db")));
        this.#isBackupOfUse = true;
        break;
      case "restore":
        if (!this.#isBackupOfUse) break;
        this.#isRough = true;
        await this.#swapped(() => copyFileSync(join(this.#folder, "backup.db"), this.#path));
        break;
      case "move":
        await this.#swapped(() => {
          const elsewhere = join(this.#folder, `moved-${this.#now}.db`);
          if (!existsSync(elsewhere)) renameSync(this.#path, elsewhere);
          this.#path = elsewhere;
        });
        break;
      case "anchor":
        this.#anchor();
        break;
      case "look":
        await this.#look();
        break;
      case "relapse":
        await this.#relapse(this.#at(step.slot), step);
        break;
    }
  }

  #record(slot: HonestSlot, { events, begins }: { readonly events: number; readonly begins: number }): void {
    const make = (length: number, entry: (n: number) => JournalEntry) =>
      Array.from({ length }, () => entry(++this.#events));
    const kind = (n: number) => ({
      kind: KINDS[n % 5] as Kind,
      entityId: n % 7 === 0 ? `user-${n % USERS}` : null,
    });
    slot.record([
      ...make(begins, (n) => ["begin", chatRow(n, kind(n), null)]),
      ...make(events, (n) => ["finish", chatRow(n, kind(n))]),
    ]);
  }

  /** As the server's retention: plan, tell, seal, and only then remove. */
  async #prune(teller: HonestSlot, { ms, lags, stops }: Step & { is: "prune" }): Promise<void> {
    const store = this.#open;
    await teller.ship(store);
    for (const [nodeId, seq] of this.#toldTo)
      if (((await positionIn(store, nodeId))?.seq ?? 0) < seq) this.#isRough = true;
    const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, Math.max(0, ms)])) as Record<Kind, number>;
    const plan = await store.planPrune({ now: this.#now, keepMs, maxBytes: 0, holds: this.#holds });
    const tellings = tellingsOf(plan);
    for (const told of tellings) {
      this.#toldTo.set(teller.nodeId, teller.lastSeq + 1);
      if (!teller.tell("pruned", told)) return;
    }
    if (plan.ranges.length === 0) return;
    const toldSeq = teller.lastSeq;
    if (!teller.seal()) return;
    if (!lags) await teller.ship(store);
    const controller = new AbortController();
    let steps = 0;
    const stopping = {
      seals: () => store.seals(),
      prune: async (...given: Parameters<Store["prune"]>) => {
        if (stops && ++steps > 1) controller.abort();
        return store.prune(...given);
      },
    };
    const pruned = await carryOut({
      store: stopping,
      plan,
      nodeId: teller.nodeId,
      toldLsn: 1,
      status: () => ({ state: "shipping", shippedSeq: toldSeq, shippedLsn: 1 }),
      signal: controller.signal,
      isMeant: () => !controller.signal.aborted,
      // Looked for in the store, and not there yet.
      sleep: async () => (stops ? controller.abort() : teller.ship(store)),
    });
    if (pruned.reason !== null && pruned.reason !== "closed") throw new Error(`pruning: ${pruned.reason}`);
    if (stops) await this.#look();
  }

  /** As the server's erasure: the store first, then the journals. */
  async #erase(userId: string, stops: boolean): Promise<void> {
    const store = this.#open;
    const subject = { userId, pseudonym: eventId(999), holds: this.#holds };
    for (let progress: EraseProgress | null | undefined; progress !== null; ) {
      const { next }: { next: EraseProgress | null } = await store.erase(subject, progress);
      if (stops) {
        await this.#look();
        return;
      }
      progress = next;
    }
    this.#isBackupOfUse = false;
    for (const each of this.#slots) each.forget((await positionIn(store, each.nodeId))?.seq ?? 0);
  }

  /** What retention said, and did not do, it takes back before it does more. */
  async #takeBack(): Promise<void> {
    const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, this.#now])) as Record<Kind, number>;
    const plan = await this.#open.planPrune({ now: this.#now, keepMs, maxBytes: 0, holds: [] });
    const tellings = tellingsOf(plan);
    if (tellings.length === 0) return;
    const teller = this.#start();
    for (const told of tellings) teller.tell("pruned", told);
    teller.seal();
    await teller.ship(this.#open);
  }

  async #swapped(work: () => void): Promise<void> {
    await this.#open.checkpoint();
    await this.#open.close();
    work();
    this.#store = await openStore(`sqlite:${this.#path}`, "write");
  }

  /** As the server: a line with every log, to places outside. */
  #anchor(): void {
    for (const each of this.#slots) {
      const { sealed } = each;
      if (sealed !== null)
        this.#anchors.set(each.nodeId, [...(this.#anchors.get(each.nodeId) ?? []), sealed]);
    }
  }

  /** A folder from before: a log that is behind the store has ended, and another goes on from it. */
  async #relapse(slot: HonestSlot, { events }: Step & { is: "relapse" }): Promise<void> {
    // A folder has its key since its first second.
    if (!slot.seal()) return;
    const copy = slot.copy();
    this.#record(slot, { events, begins: 0 });
    // What the store does not have is gone with the disk: that is a loss, and no honest history.
    if (!slot.seal()) return;
    await slot.ship(this.#open);
    const stored = (await positionIn(this.#open, slot.nodeId))?.seq ?? 0;
    const tells = { predecessor: slot.nodeId, because: "older_than_store" };
    if (!slot.restore(copy, stored)) this.#start().tell("node_succeeded", tells);
    await this.#look();
  }

  async #look(): Promise<LogReport[]> {
    const slots = this.#slots.map(({ found }) => found);
    const counting = () => ({ add() {}, stop() {} });
    const range = ALL_TIME;
    const question = { range, trusted: null, anchors: this.#anchors, counting };
    const reports = await verifySlots(slots, `sqlite:${this.#path}`, question);
    for (const report of reports)
      if (!CALM.has(report.state))
        throw new FalseAlarm(`${report.place} ${report.nodeId}: ${JSON.stringify(report.findings)}`);
    return reports;
  }

  /** Disks work, everybody seals and ships; then each log is what its events say, sealed to its end. */
  async ends(): Promise<Outcome> {
    for (const each of this.#slots) {
      each.heal();
      each.seal();
      await each.ship(this.#open);
    }
    await this.#takeBack();
    const reports = (await this.#look()).filter(({ place }) => place === this.#path);
    const { events } = await this.#open.scan(null, 100_000);
    for (const { nodeId, state, pruned, erased, tail, size } of reports) {
      const own = events.filter(({ row }) => row[COLUMN.node_id] === nodeId);
      const gone = size - own.length;
      const told = toldOf(events, nodeId);
      if (!this.#isRough && told !== gone)
        throw new FalseAlarm(`${nodeId}: retention accounts for ${told} events, and ${gone} are gone`);
      const expected = {
        pruned: gone,
        erased: own.filter(isErased).length,
        tail: 0,
        size: (await positionIn(this.#open, nodeId))?.seq,
      };
      const implied: State = gone > 0 ? "PRUNED" : expected.erased > 0 ? "VALID_ERASED" : "VALID";
      if (JSON.stringify([state, { pruned, erased, tail, size }]) !== JSON.stringify([implied, expected]))
        throw new FalseAlarm(
          `${nodeId}: ${state}, and its history implies ${implied} ${JSON.stringify(expected)}`,
        );
    }
    return { state: worstOf(reports.map(({ state }) => state)) };
  }
}

/** How many events of a log may be gone by what the store's events say. */
function toldOf(events: readonly JournalEvent[], nodeId: string): number {
  const told = events.flatMap(({ row }): Told[] => {
    if (row[COLUMN.action] !== "pruned") return [];
    const said = parsePruned(String(row[COLUMN.metadata]));
    if (said?.nodeId !== nodeId) return [];
    return [{ ...said, by: String(row[COLUMN.node_id]), seq: Number(row[COLUMN.seq]) }];
  });
  return accountedFor(told);
}
