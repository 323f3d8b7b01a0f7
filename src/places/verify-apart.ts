// Verifies a store or a data folder in a thread of its own, whose heap is kept small: events are garbage as soon as they
// are looked at, and V8 would rather let much of it lie.
import { Worker } from "node:worker_threads";
import { DaybookError, type DaybookErrorCode, ERRORS } from "../event/errors.ts";
import type { LogReport } from "../evidence/report.ts";
import type { Question } from "./look.ts";
import type { FromVerifier, VerifyWorkerData } from "./verify-worker.ts";

/** A few MiB of semi-space: smaller is no better, and larger only lets more garbage lie (`npm run bench -- evidence`). */
export const SMALL_HEAP = { maxYoungGenerationSizeMb: 24 } as const;

/** Rejects as opening and reading the store does. */
export async function verifyApart(
  { home, store }: Pick<VerifyWorkerData, "home" | "store">,
  { counting, ...known }: Question,
): Promise<readonly LogReport[]> {
  const workerData: VerifyWorkerData = { ...known, home, store };
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
    else reject(failure(message));
  });
  worker.on("error", reject);
  worker.once("exit", () => reject(new DaybookError("worker_failed", "verifying ended")));
  try {
    return await promise;
  } finally {
    await worker.terminate();
  }
}

function failure({ code, detail }: Extract<FromVerifier, { is: "failed" }>): Error {
  return detail !== null && Object.hasOwn(ERRORS, code)
    ? new DaybookError(code as DaybookErrorCode, detail)
    : Object.assign(new Error(`The store cannot be read (${code}).`), { code });
}
