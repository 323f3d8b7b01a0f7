// Retention: what is too old, or too much, goes. Each run plans, says in the trail what will go, and only then removes
// it: whatever is missing from the trail is told by it. A dry run ends after the plan.
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/config.ts";
import { DaybookError } from "../event/errors.ts";
import { KINDS, type Kind } from "../event/fields.ts";
import { accountedFor, beforeOf, prunedFacts } from "../event/pruned.ts";
import type { SystemAction } from "../event/system.ts";
import type { PrunePlan, PruneRules, ToldSoFar } from "../stores/removal.ts";
import type { Store } from "../stores/store.ts";

export interface RetentionOptions {
  readonly rules: () => PruneRules;
  readonly reader: Pick<Store, "planPrune">;
  readonly recorder: {
    system(action: SystemAction, metadata: Record<string, number | string>): Promise<boolean>;
  };
  readonly delivery: {
    prune(plan: PrunePlan): Promise<number>;
    caughtUp(deadlineMs: number): Promise<boolean>;
  };
  /** Resolves true when a checkpoint covers all that is recorded now. */
  readonly sealed: () => Promise<boolean>;
  /** Told of runs that failed; the next one has the rest. */
  readonly report: (error: unknown) => void;
}

const EVERY_MS = 3_600_000;
/** Not in the way of a start. */
const FIRST_MS = 60_000;
const SHIP_MS = 10_000;
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
    // What was said before is to be known to the plan: where it is not in the store yet, both count.
    await delivery.caughtUp(SHIP_MS);
    const plan = await reader.planPrune(rules());
    const told = await Promise.all(tellingsOf(plan).map((facts) => recorder.system("pruned", facts)));
    if (!told.every(Boolean)) throw new DaybookError("audit_unavailable", "retention removed nothing");
    if (told.length > 0 && !(await sealed()))
      throw new DaybookError("audit_unavailable", "what was to go could not be sealed first");
    if (plan.ranges.length === 0) return plan;
    const areHoldsAsPlanned = () => isDeepStrictEqual(rules().holds, plan.holds);
    try {
      // What was planned may be held now; what changes from here on halts the delivery.
      if (areHoldsAsPlanned()) {
        await delivery.prune(plan);
        return plan;
      }
    } catch (error) {
      if (areHoldsAsPlanned()) throw error;
    }
    // Too much was said: the next plan takes it back.
    return this.run();
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

/** As many as the metadata of an event has room for; what others say stays in force beside it. */
const MAX_LOGS = 64;

/**
 * What is to be said before a plan is carried out: of each log what is to go, and of what was said before how much is gone;
 * also where nothing is to go, and more is there than was said.
 */
export function tellingsOf({ ranges, told, capped, before }: PrunePlan): Record<string, number | string>[] {
  const wrong = told.filter(
    ({ nodeId, left }) => left > 0 && !ranges.some((range) => range.nodeId === nodeId),
  );
  const corrected = [...Map.groupBy(wrong, ({ nodeId }) => nodeId)].map(([nodeId, [first]]) => ({
    nodeId,
    fromSeq: first?.from ?? 0,
    toSeq: first?.to ?? 0,
    kinds: {},
    held: 0,
  }));
  return [...ranges, ...corrected].map(({ nodeId, fromSeq: from, toSeq: to, kinds, held }) => {
    const after = new Map<string, number>();
    const known: ToldSoFar[] = [];
    for (const each of told) {
      if (each.nodeId !== nodeId || (after.size === MAX_LOGS && !after.has(each.by))) continue;
      after.set(each.by, Math.max(each.seq, after.get(each.by) ?? 0));
      known.push(each);
    }
    const left = known.reduce((sum, each) => sum + each.left, 0);
    const gone = Math.max(0, accountedFor(known) - left);
    const because = capped ? "size" : "age";
    return prunedFacts(because, {
      nodeId,
      from,
      to,
      kinds,
      before: beforeOf(before, kinds),
      held,
      gone,
      after,
    });
  });
}
