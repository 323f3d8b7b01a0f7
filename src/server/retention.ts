// Retention: what is too old, or too much, goes. Each run plans, says in the trail what will go, and only then removes
// it: whatever is missing from the trail is told by it. A dry run ends after the plan.
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/config.ts";
import { DaybookError } from "../event/errors.ts";
import { KINDS, type Kind } from "../event/fields.ts";
import type { SystemAction } from "../event/system.ts";
import type { PrunePlan, PruneRange, PruneRules, Store } from "../stores/store.ts";

export interface RetentionOptions {
  readonly rules: () => PruneRules;
  readonly reader: Pick<Store, "planPrune">;
  readonly recorder: {
    system(action: SystemAction, metadata: Record<string, number | string>): Promise<boolean>;
  };
  readonly delivery: { prune(plan: PrunePlan): Promise<number> };
  /** Resolves true when a checkpoint covers all that is recorded now. */
  readonly sealed: () => Promise<boolean>;
  /** Told of runs that failed; the next one has the rest. */
  readonly report: (error: unknown) => void;
}

const EVERY_MS = 3_600_000;
/** Not in the way of a start. */
const FIRST_MS = 60_000;
const DAY_MS = 86_400_000;
const MIB = 2 ** 20;

/** What the configuration says is to be kept, as of `now`. */
export function rulesOf(
  { retentionDays, maxMb }: Config["audit"],
  now: number,
  holds: PruneRules["holds"],
): PruneRules {
  const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, retentionDays[kind] * DAY_MS]));
  return { now, keepMs: keepMs as Record<Kind, number>, maxBytes: maxMb * MIB, holds };
}

export class Retention {
  readonly #options: RetentionOptions;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #failures = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Runs that failed, of those that nobody waited for. */
  get failures(): number {
    return this.#failures;
  }

  /** A minute from now, and every hour. */
  start(): void {
    this.#arm(FIRST_MS);
  }

  /**
   * One run; answers with what it removed. Rejects with `audit_unavailable` when that could not be recorded, and nothing
   * was removed; with `worker_failed` when the store failed meanwhile.
   */
  async run(): Promise<PrunePlan> {
    const { rules, reader, recorder, delivery, sealed } = this.#options;
    const plan = await reader.planPrune(rules());
    if (plan.ranges.length === 0) return plan;
    const told = await Promise.all(
      plan.ranges.map((range) => recorder.system("pruned", factsOf(plan, range))),
    );
    if (!told.every(Boolean)) throw new DaybookError("audit_unavailable", "retention removed nothing");
    if (!(await sealed()))
      throw new DaybookError("audit_unavailable", "what was to go could not be sealed first");
    // What was planned may be held now; what changes from here on halts the delivery.
    if (!isDeepStrictEqual(rules().holds, plan.holds)) return this.run();
    await delivery.prune(plan);
    return plan;
  }

  /** No more runs; one that is under way ends with the store's thread. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.run()
        .catch((error: unknown) => {
          if (this.#closed) return;
          this.#failures++;
          this.#options.report(error);
        })
        .finally(() => {
          if (!this.#closed) this.#arm(EVERY_MS);
        });
    }, ms).unref();
  }
}

/** Every event of the node between the two seqs that is missing is among these counts, by kind. */
function factsOf({ capped }: PrunePlan, { nodeId, fromSeq, toSeq, kinds }: PruneRange) {
  return { node: nodeId, from_seq: fromSeq, to_seq: toSeq, because: capped ? "size" : "age", ...kinds };
}
