// The thread of `verify-apart.ts`: verifies a store, or a data folder with its store, and tells how far it is.
import { parentPort, workerData } from "node:worker_threads";
import type { LogReport } from "../evidence/report.ts";
import { type Question, verifyFolder, verifyStore } from "./look.ts";
import { type Failed, failedBy } from "./small-thread.ts";

export interface VerifyWorkerData extends Omit<Question, "counting"> {
  /** Null: the store alone. */
  readonly home: string | null;
  readonly store: string;
}

export type FromVerifier =
  | { readonly is: "place"; readonly total: number }
  | { readonly is: "counted"; readonly count: number }
  | { readonly is: "stopped" }
  | { readonly is: "done"; readonly reports: readonly LogReport[] }
  | Failed;

/** Leaves and events between two messages. */
const TELL_EVERY = 10_000;

function say(message: FromVerifier): void {
  parentPort?.postMessage(message);
}

function counting(total: number) {
  say({ is: "place", total });
  let untold = 0;
  const tell = () => {
    if (untold > 0) say({ is: "counted", count: untold });
    untold = 0;
  };
  return {
    add(count: number) {
      untold += count;
      if (untold >= TELL_EVERY) tell();
    },
    stop() {
      tell();
      say({ is: "stopped" });
    },
  };
}

const { home, store, ...known } = workerData as VerifyWorkerData;
const question: Question = { ...known, counting };
try {
  const reports = await (home === null ? verifyStore(store, question) : verifyFolder(home, store, question));
  say({ is: "done", reports });
} catch (error) {
  say(failedBy(error));
}
