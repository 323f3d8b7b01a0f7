// Verifies a store in a process of its own, as `daybook verify` does: what memory that takes is not hidden in what another
// process had already. Told the store's address, it answers with how long it took and what it found.
import type { LogReport } from "../../src/evidence/report.ts";
import { ALL_TIME } from "../../src/places/found-event.ts";
import type { Question } from "../../src/places/look.ts";
import { helpersHere, verifyApart } from "../../src/places/verify-apart.ts";

export interface Verified {
  readonly report: LogReport | undefined;
  readonly ms: number;
  /** That read events. */
  readonly threads: number;
  /** Bytes of memory, before it was begun and then after each `STEP` of leaves and events. */
  readonly rss: readonly number[];
}

/** Leaves and events, the leaves first. */
export const STEP = 10_000;

export function question(onCount: (count: number) => void = () => undefined): Question {
  const counting = () => ({ add: onCount, stop: () => undefined });
  return { range: ALL_TIME, trusted: null, anchors: new Map(), counting };
}

async function verified(address: string): Promise<Verified> {
  const rss = [process.memoryUsage.rss()];
  let read = 0;
  const startedAt = performance.now();
  const asked = question((count) => {
    read += count;
    while (read >= STEP * rss.length) rss.push(process.memoryUsage.rss());
  });
  const [report] = await verifyApart({ home: null, store: address }, asked);
  return { report, ms: performance.now() - startedAt, threads: 1 + helpersHere(), rss };
}

const [address] = process.argv.slice(2);
if (process.send !== undefined && address !== undefined) {
  process.send(await verified(address));
  process.disconnect();
}
