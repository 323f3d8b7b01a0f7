// Waits for a condition, looking often, and not for ever.
import { setTimeout as wait } from "node:timers/promises";

export async function until(is: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await is())) {
    if (performance.now() > end) throw new Error(`Still not so after ${deadlineMs} ms.`);
    await wait(5);
  }
}
