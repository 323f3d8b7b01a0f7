// Carries a plan of retention out: once the store itself has the events that tell of it, under a checkpoint, so that at
// no moment, and after no crash, something is gone from it that nothing in it explains. Then step by step.
import { setImmediate as turn } from "node:timers/promises";
import { nativeCode } from "../event/errors.ts";
import type { IsMeant, PrunePlan, PruneProgress } from "../stores/removal.ts";
import type { Store } from "../stores/store.ts";
import type { ShipperStatus } from "./shipper.ts";

export interface PruningOptions {
  readonly store: Pick<Store, "prune" | "seals">;
  readonly plan: PrunePlan;
  readonly nodeId: string;
  /** The journal's position when what is to go was told there. */
  readonly toldLsn: number;
  /** How far the node's shipper is. */
  readonly status: () => Pick<ShipperStatus, "state" | "shippedSeq" | "shippedLsn">;
  readonly signal: AbortSignal;
  readonly isMeant: IsMeant;
  /** Waits; resolves early when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Pruned {
  readonly events: number;
  /** Null: the plan is carried out. */
  readonly reason: string | null;
}

const LOOK_MS = 100;
/** Shipping takes 100 ms, and the next checkpoint a second. */
const LOOKS = 300;

/** Appends come in between. Never rejects. */
export async function carryOut(options: PruningOptions): Promise<Pruned> {
  const { store, plan, signal, isMeant } = options;
  let events = 0;
  try {
    if (!(await isTold(options))) return { events, reason: signal.aborted ? "closed" : "not_sealed" };
    let progress: PruneProgress | null | undefined;
    while (progress !== null && isMeant()) {
      const step = await store.prune(plan, progress, isMeant);
      events += step.events;
      progress = step.next;
      await turn();
    }
    return { events, reason: progress === null ? null : "closed" };
  } catch (error) {
    return { events, reason: nativeCode(error) };
  }
}

/** Waits until a checkpoint in the store covers what was told. */
async function isTold({ store, nodeId, toldLsn, status, signal, sleep }: PruningOptions): Promise<boolean> {
  let toldSeq: number | null = null;
  for (let look = 0; look < LOOKS && !signal.aborted; look++) {
    const { state, shippedSeq, shippedLsn } = status();
    if (state === "stopped") return false;
    if (shippedLsn >= toldLsn) toldSeq ??= shippedSeq;
    const log = toldSeq === null ? null : (await store.seals()).find((sealed) => sealed.nodeId === nodeId);
    if (toldSeq !== null && (log?.checkpoints.at(-1)?.size ?? 0) >= toldSeq) return true;
    await sleep(LOOK_MS, signal);
  }
  return false;
}
