// What can wait gives way to what cannot: the threads of the store, the sealer, readers and exports run at a lower
// priority, so that on a busy machine no request, and no commit of the journal, waits for a core that they have.
import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";

/** Lowers the priority of the calling thread. Elsewhere than on Linux, where priorities are of processes, nothing changes. */
export function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // No /proc, or not allowed: as it was.
  }
}
