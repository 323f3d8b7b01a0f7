// Carries an erasure out in the store, step by step between appends. What is broken off is begun again by the next.
import { setImmediate as turn } from "node:timers/promises";
import { nativeCode } from "../event/errors.ts";
import type { EraseProgress, IsMeant, Subject } from "../stores/removal.ts";
import type { Store } from "../stores/store.ts";

export interface Erased {
  /** Events that were erased, and that a hold kept. */
  readonly events: number;
  readonly held: number;
  /** Null: the erasure is carried out. */
  readonly reason: string | null;
}

interface ErasingOptions {
  readonly store: Pick<Store, "erase">;
  readonly subject: Subject;
  readonly isMeant: IsMeant;
}

/** Never rejects. */
export async function eraseAll({ store, subject, isMeant }: ErasingOptions): Promise<Erased> {
  let [events, held] = [0, 0];
  try {
    for (let progress: EraseProgress | null | undefined; progress !== null; ) {
      if (!isMeant()) return { events, held, reason: "closed" };
      const step: Awaited<ReturnType<Store["erase"]>> = await store.erase(subject, progress, isMeant);
      events += step.events;
      held += step.held;
      progress = step.next;
      await turn();
    }
    return { events, held, reason: null };
  } catch (error) {
    return { events, held, reason: nativeCode(error) };
  }
}
