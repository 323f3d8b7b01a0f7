// A journal, its shipper and a store under random commands, held to a model of plain arrays: the ledger of what was
// acknowledged, and the store's events, which the shipper advances by compare-and-swap of positions.
import fc from "fast-check";
import { COLUMN } from "../../src/event/fields.ts";
import type { JournalEntry } from "../../src/journal/entries.ts";
import type { JournalTail, LogPoint } from "../../src/journal/tail.ts";
import { sampledChoices, seededRandom } from "./choices.ts";
import { JournalProcess } from "./journal-process.ts";
import { BrokenPromise } from "./ledger.ts";
import { type Fault, KilledError, SimulatedDisk } from "./simulated-disk.ts";

export type Command =
  /** One batch: begins, finishes of what is open (oldest first), finishes without a begin, abandons. */
  | { is: "append"; begins: number; finishes: number; single: number; abandons: number }
  | { is: "crash"; evictFailed: boolean }
  | { is: "power loss"; seed: number }
  | { is: "reopen" }
  | { is: "ship"; enough: number }
  /** The store loses its newest events, as when it is restored from a backup. */
  | { is: "store cut"; events: number }
  | { is: "retire"; keepBytes: number }
  | { is: "clock step"; ms: number }
  /** So many operations in a row, from the `at`-th of its kind. */
  | { is: "fault next"; fault: Fault; times: number };

export interface Life {
  readonly segmentBytes: number;
  readonly commands: readonly Command[];
}

const count = (max: number) => fc.integer({ min: 0, max });

const append: fc.Arbitrary<Command> = fc.record({
  is: fc.constant("append"),
  begins: count(3),
  finishes: count(3),
  single: count(3),
  abandons: count(1),
});

const faultNext: fc.Arbitrary<Command> = fc.record({
  is: fc.constant("fault next"),
  fault: fc.record(
    {
      fault: fc.constantFrom("EIO", "ENOSPC", "short", "kill", "torn"),
      at: fc.integer({ min: 1, max: 6 }),
      of: fc.constantFrom("append", "sync", "create", "remove", "syncFolder", "close", "rename"),
    },
    { requiredKeys: ["fault", "at"] },
  ),
  times: fc.integer({ min: 1, max: 3 }),
});

export const lives: fc.Arbitrary<Life> = fc.record({
  segmentBytes: fc.integer({ min: 2500, max: 9000 }),
  commands: fc.array(
    fc.oneof(
      { weight: 10, arbitrary: append },
      { weight: 2, arbitrary: fc.record({ is: fc.constant("crash"), evictFailed: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ is: fc.constant("power loss"), seed: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ is: fc.constant("reopen") }) },
      {
        weight: 4,
        arbitrary: fc.record({ is: fc.constant("ship"), enough: fc.integer({ min: 1, max: 20 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ is: fc.constant("store cut"), events: fc.integer({ min: 1, max: 9 }) }),
      },
      { weight: 1, arbitrary: fc.record({ is: fc.constant("retire"), keepBytes: fc.nat({ max: 20_000 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({ is: fc.constant("clock step"), ms: fc.integer({ min: -9999, max: 9999 }) }),
      },
      { weight: 4, arbitrary: faultNext },
    ),
    { maxLength: 64, size: "max" },
  ),
});

/** A store's events, and the positions that it had after each batch. */
class ModelStore {
  #batches: { readonly events: readonly string[]; readonly to: LogPoint }[] = [];

  get events(): string[] {
    return this.#batches.flatMap(({ events }) => events);
  }

  get position(): LogPoint | null {
    return this.#batches.at(-1)?.to ?? null;
  }

  /** False when the store is not at `from`. */
  append(from: LogPoint | null, events: readonly string[], to: LogPoint): boolean {
    if (this.position?.root !== from?.root) return false;
    this.#batches.push({ events, to });
    return true;
  }

  cut(events: number, leastSeq: number): void {
    const { length } = this.events;
    while (this.#batches.length > 0 && this.events.length > length - events) {
      if ((this.#batches.at(-2)?.to.seq ?? 0) < leastSeq) return;
      this.#batches.pop();
    }
  }
}

/** Lives it; throws a BrokenPromise when the journal or the store is not what the model says. */
export function live({ segmentBytes, commands }: Life): void {
  const world = new World(segmentBytes);
  for (const command of commands) world.does(command);
  world.ends();
}

class World {
  #process: JournalProcess;
  readonly #store = new ModelStore();
  #tail: JournalTail | null = null;
  #retiredSeq = 0;

  constructor(segmentBytes: number) {
    this.#process = new JournalProcess(new SimulatedDisk(), segmentBytes);
    this.#start();
  }

  does(command: Command): void {
    try {
      this.#do(command);
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      this.#restart(false);
    }
  }

  /** On a healthy disk all that was acknowledged comes into the store, once. */
  ends(): void {
    this.#restart(false);
    this.#process.commit(this.#process.ledger.openIds.map((id) => this.#process.finish(id)));
    while (this.#ship(5));
    const { events } = this.#store;
    if (events.length !== this.#process.ledger.lastSeq)
      throw new BrokenPromise(
        "lost",
        `${this.#process.ledger.lastSeq} events, ${events.length} in the store`,
      );
    this.#process.ledger.compare(events);
  }

  #do(command: Command): void {
    const process = this.#process;
    switch (command.is) {
      case "append":
        process.commit(this.#batch(command));
        break;
      case "crash":
        this.#restart(command.evictFailed);
        break;
      case "power loss": {
        const disk = process.disk.afterPowerLoss(sampledChoices(seededRandom(command.seed)));
        this.#process = process.afterPowerLoss(disk);
        this.#start();
        break;
      }
      case "reopen":
        process.close();
        this.#restart(false);
        break;
      case "ship":
        this.#ship(command.enough);
        break;
      case "store cut":
        this.#store.cut(command.events, this.#retiredSeq);
        this.#tail = null;
        break;
      case "retire":
        this.#retiredSeq = this.#store.position?.seq ?? 0;
        process.retire(this.#retiredSeq, command.keepBytes);
        break;
      case "clock step":
        process.now += command.ms;
        break;
      case "fault next":
        for (let nth = 0; nth < command.times; nth++)
          process.disk.inject({ ...command.fault, at: command.fault.at + nth });
        break;
    }
  }

  #batch({ begins, finishes, single, abandons }: Command & { is: "append" }): JournalEntry[] {
    const { openIds } = this.#process.ledger;
    const make = (length: number, entry: () => JournalEntry) => Array.from({ length }, entry);
    return [
      ...openIds.slice(0, finishes).map((id) => this.#process.finish(id)),
      ...openIds.slice(finishes, finishes + abandons).map((id): JournalEntry => ["abandon", id]),
      ...make(begins, () => this.#process.begin()),
      ...make(single, () => this.#process.finish()),
    ];
  }

  /** Whether there was something to ship. */
  #ship(enough: number): boolean {
    const { disk } = this.#process;
    return disk.quietly(() => {
      this.#tail ??= this.#seek();
      const from = this.#store.position;
      const read = this.#tail.read(enough);
      if (read === null) return false;
      if (read.lost !== null)
        throw new BrokenPromise("lost", `the tail misses events ${read.lost.fromSeq} to ${read.lost.toSeq}`);
      if (read.events.length === 0) return true;
      const rows = read.events.map(({ row }) => JSON.stringify(row));
      if (read.events[0]?.row[COLUMN.seq] !== (from?.seq ?? 0) + 1)
        throw new BrokenPromise("corrupt", `the tail reads on after event ${from?.seq ?? 0} elsewhere`);
      return this.#store.append(from, rows, { seq: read.seq, root: read.root });
    });
  }

  #seek(): JournalTail {
    const tail = this.#process.tail();
    const found = tail.seek(this.#store.position);
    if (found !== "found")
      throw new BrokenPromise("lost", `the store's position ${this.#store.position?.seq ?? 0} is ${found}`);
    return tail;
  }

  #restart(evictFailed: boolean): void {
    this.#process.kill({ evictFailed });
    this.#start();
  }

  /** Faults may kill the start itself: then another is made. */
  #start(): void {
    this.#tail = null;
    for (;;) {
      try {
        this.#process.start();
        return;
      } catch (error) {
        if (!(error instanceof KilledError)) throw error;
        this.#process.kill();
      }
    }
  }
}
