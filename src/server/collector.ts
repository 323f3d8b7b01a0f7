// How V8's collector is set for a process that serves requests.
//
// Of the young generation it shares the work with helper threads, and waits for them. Here there is little to do each
// time, and what the helpers wait for is a core that other threads have: alone it is done sooner.
//
// Objects of a place in the code whose objects lived long at first (while the process started, with the young generation
// still small) are made in the old generation from then on. Requests are over in a moment; made there they are garbage
// that keeps alive whatever else of their request they point to, until the old generation is collected. That can cost
// much of the time of the thread that serves them.
import { setFlagsFromString } from "node:v8";

/** For the whole process, from now on. */
export function tuneCollector(): void {
  setFlagsFromString("--no-parallel-scavenge");
  setFlagsFromString("--no-allocation-site-pretenuring");
}
