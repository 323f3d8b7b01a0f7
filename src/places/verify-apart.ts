// Verifies a store or a data folder in threads of its own, as many as the machine runs at a time.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { DaybookError } from "../event/errors.ts";
import type { LogReport } from "../evidence/report.ts";
import type { Question } from "./look.ts";
import { SMALL_HEAP, thrownOf } from "./small-thread.ts";
import type { FromVerifier, VerifyWorkerData } from "./verify-worker.ts";

/** Each has a heap of its own (`npm run bench -- evidence`), and a machine with many cores has other things to do. */
const MOST_HELPERS = 3;

/** Threads that read a large store beside the one that verifies it. */
export function helpersHere(): number {
  return Math.min(availableParallelism() - 1, MOST_HELPERS);
}

/** Rejects as opening and reading the store does. */
export async function verifyApart(
  { home, store }: Pick<VerifyWorkerData, "home" | "store">,
  { counting, ...known }: Omit<Question, "helpers">,
): Promise<readonly LogReport[]> {
  const workerData: VerifyWorkerData = { ...known, helpers: helpersHere(), home, store };
  const name = import.meta.url.endsWith(".ts") ? "./verify-worker.ts" : "./verify-worker.js";
  const worker = new Worker(new URL(name, import.meta.url), {
    workerData,
    name: "verify",
    resourceLimits: SMALL_HEAP,
  });
  const { promise, resolve, reject } = Promise.withResolvers<readonly LogReport[]>();
  let counter: ReturnType<Question["counting"]> | null = null;
  worker.on("message", (message: FromVerifier) => {
    if (message.is === "place") counter = counting(message.total);
    else if (message.is === "counted") counter?.add(message.count);
    else if (message.is === "stopped") counter?.stop();
    else if (message.is === "done") resolve(message.reports);
    else reject(thrownOf(message));
  });
  worker.on("error", reject);
  worker.once("exit", () => reject(new DaybookError("worker_failed", "verifying ended")));
  try {
    return await promise;
  } finally {
    await worker.terminate();
  }
}
