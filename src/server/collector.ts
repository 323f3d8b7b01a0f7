// V8's collector of the young generation shares its work with helper threads, and waits for them. Here there is little to
// do each time, and what the helpers wait for is a core that other threads have: alone it is done sooner.
import { setFlagsFromString } from "node:v8";

/** For the whole process, from now on. */
export function collectAlone(): void {
  setFlagsFromString("--no-parallel-scavenge");
}
