// Honest histories by the thousand, for `npm test` and for scripts/honest-histories.ts.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { State } from "../../src/evidence/report.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { histories, live } from "./honest-history.ts";

/** What a disk does is simulated where it matters; where stores are, an fsync shows nothing and costs milliseconds. */
const MEMORY = "/dev/shm";

export interface Lived {
  /** What was said of how many. */
  readonly told: Readonly<{ [state in State]?: number }>;
  /** The alarm that was raised, and the shortest history that was found to raise it; null: none. */
  readonly failure: string | null;
}

export async function manyHistories({ runs, seed }: { runs: number; seed?: number }): Promise<Lived> {
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "daybook-histories-"));
  try {
    const empty = join(folder, "empty.db");
    await (await openStore(`sqlite:${empty}`, "write")).close();
    const told: { [state in State]?: number } = {};
    const property = fc.asyncProperty(histories, async (history) => {
      const own = mkdtempSync(join(folder, "one-"));
      try {
        const { state } = await live(history, own, empty);
        told[state] = (told[state] ?? 0) + 1;
      } finally {
        rmSync(own, { recursive: true });
      }
    });
    const found = await fc.check(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) });
    const { failed, counterexample, errorInstance, seed: used } = found;
    const failure = failed ? `${errorInstance} (seed ${used}): ${JSON.stringify(counterexample?.[0])}` : null;
    return { told, failure };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
