// Retention and erasure, step by step: each step is a transaction of its own, and the last ones leave nothing of what
// went in the file or its WAL.
import type { DatabaseSync } from "node:sqlite";
import type {
  EraseProgress,
  EraseStep,
  IsMeant,
  PrunePlan,
  PruneProgress,
  PruneStep,
  Subject,
} from "../removal.ts";
import type { Source } from "./collect.ts";
import { eraseStep } from "./erasure.ts";
import { countForgotten } from "./forgotten.ts";
import { giveBack, pruneStep } from "./retention.ts";
import { Sweep } from "./sweep.ts";

interface UpkeepOptions {
  readonly db: DatabaseSync;
  readonly file: string;
  readonly source: () => Source;
  /** Runs `work` in a transaction that takes the write lock at once. */
  readonly transaction: <T>(work: () => T) => T;
}

const ALWAYS: IsMeant = () => true;
const ERASE_FIRST: EraseProgress = { part: "events", from: 0, isHeld: false };

export class Upkeep {
  readonly #options: UpkeepOptions;
  /** What is under way; after a step that failed it begins again. */
  #sweep: Sweep | null = null;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  prune(plan: PrunePlan, progress: PruneProgress | undefined, isMeant: IsMeant = ALWAYS): PruneStep {
    const { db, source, transaction } = this.#options;
    if (progress?.part === "words") return { events: 0, next: this.#sweepOn(progress, goneBefore(plan)) };
    if (progress?.part === "space") return { events: 0, next: giveBack(db) ? progress : null };
    return transaction(() => {
      refuseUnmeant(isMeant);
      return pruneStep(source(), plan, progress);
    });
  }

  erase(subject: Subject, progress: EraseProgress = ERASE_FIRST, isMeant: IsMeant = ALWAYS): EraseStep {
    const { db, source, transaction } = this.#options;
    if (progress.part === "words") return { events: 0, held: 0, next: this.#sweepOn(progress, null) };
    if (progress.part !== "space")
      return transaction(() => {
        refuseUnmeant(isMeant);
        // Sums are given to somebody else.
        if (progress.part === "sums") countForgotten(db);
        return eraseStep(source(), subject, progress);
      });
    const isMore = giveBack(db);
    if (!isMore) this.#emptyWal();
    return { events: 0, held: 0, next: isMore ? progress : null };
  }

  /** A sweep that somebody else began, and left, is not gone on with: it looks for other words. */
  #sweepOn<P extends PruneProgress | EraseProgress>(progress: P, endMs: number | null): P {
    const { db, source, transaction } = this.#options;
    const sweep = progress.from === 0 ? null : this.#sweep;
    this.#sweep = null;
    const [next, isMore] = transaction(() => {
      const swept = sweep ?? new Sweep(source(), endMs);
      return [swept, swept.step(source(), () => countForgotten(db))] as const;
    });
    if (isMore) this.#sweep = next;
    return isMore ? { ...progress, from: 1 } : { ...progress, part: "space", from: 0 };
  }

  /** What was overwritten is in the WAL still. Waits (busy_timeout) for readers of older snapshots. */
  #emptyWal(): void {
    const { db, file } = this.#options;
    const { busy } = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() ?? {};
    if (busy === 0) return;
    throw Object.assign(new Error(`Cannot empty the WAL of ${file}: it is being read.`), {
      code: "SQLITE_BUSY",
    });
  }
}

function refuseUnmeant(isMeant: IsMeant): void {
  if (!isMeant()) throw Object.assign(new Error("the step was called off"), { code: "closed" });
}

/** Whatever a plan removes was recorded before (UTC ms). */
function goneBefore({ before }: PrunePlan): number {
  return Math.max(...Object.values(before));
}
