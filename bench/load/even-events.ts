// Events of a server's own recorder, begun and finished at an even rate.
import { setTimeout as delay } from "node:timers/promises";
import { answered } from "../../src/event/outcomes.ts";
import type { Server } from "../../src/server/server.ts";

const STEP_MS = 10;

/** How many they were. */
export async function recordEvenly(
  { recorder }: Pick<Server, "recorder">,
  rate: number,
  seconds: number,
): Promise<number> {
  const began = performance.now();
  const all = rate * seconds;
  for (let made = 0; made < all; ) {
    const due = Math.min(all, Math.ceil(((performance.now() - began) / 1000) * rate));
    for (; made < due; made++) {
      const event = recorder.begin({
        kind: "inference",
        action: "chat",
        model: "gpt-4o-mini",
        userId: "ann",
      });
      event.finish(answered());
    }
    await delay(STEP_MS);
  }
  return all;
}
