// The files whose bits are flipped: of the slot, and of the store.
import { join } from "node:path";
import { slotTargets } from "./slot-targets.ts";
import { storeTarget } from "./store-target.ts";
import type { Target } from "./tampering.ts";

/** Everything that the log in a data folder is kept in, each file with the ways to look at it. */
export async function targetsOf(home: string): Promise<Target[]> {
  return [...(await slotTargets(home)), await storeTarget(join(home, "events.db"))];
}

/** How many bits each of these files has. */
export async function sizesOf(home: string): Promise<Map<string, number>> {
  const targets = await targetsOf(home);
  for (const { end } of targets) end();
  return new Map(targets.map(({ name, bits }) => [name, bits]));
}
