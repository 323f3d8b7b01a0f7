// The files whose bits are flipped: of the slot, and of the store.
import { statSync } from "node:fs";
import { join } from "node:path";
import { slotTargets } from "./slot-targets.ts";
import { storeTarget } from "./store-target.ts";
import type { Target } from "./tampering.ts";

/** Everything that the log in a data folder is kept in, each file with the ways to look at it. */
export async function targetsOf(home: string): Promise<Target[]> {
  return [...(await slotTargets(home)), await storeTarget(join(home, "events.db"))];
}

/** How many bits each of these files has. Touches none. */
export async function sizesOf(home: string): Promise<Map<string, number>> {
  const inSlot = (await slotTargets(home)).map(({ name, bits }): [string, number] => [name, bits]);
  return new Map([...inSlot, ["events.db", statSync(join(home, "events.db")).size * 8]]);
}
