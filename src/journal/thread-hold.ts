// Whether a thread keeps its process running. A thread of a service's own process does not: the process ends when the
// service has nothing left to do.
import type { MessagePort, Worker } from "node:worker_threads";

export type Hold = (isHeld: boolean) => void;

/** Call it once the port has its listener: a listener makes it hold. */
export function holdOf(worker: Worker, port: MessagePort): Hold {
  return (isHeld) => {
    for (const end of [worker, port]) {
      if (isHeld) end.ref();
      else end.unref();
    }
  };
}
