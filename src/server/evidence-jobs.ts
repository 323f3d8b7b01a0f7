// Verification and bundles as jobs: each in a thread of its own, which ends with the job.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Config } from "../config/config.ts";
import { DaybookError, type DaybookErrorCode, ERRORS } from "../event/errors.ts";
import { ALL_TIME } from "../places/found-event.ts";
import { SMALL_HEAP } from "../places/small-thread.ts";
import type { EvidenceWorkerData, FromEvidence } from "./evidence-worker.ts";
import type { JobContext, JobKind } from "./jobs.ts";

interface Range {
  readonly since?: number;
  readonly until?: number;
}

/** Names of the files that they make. */
const FILES = { verify: "reports.json", bundle: "bundle.jsonl" } as const;

export function evidenceJobs(config: Pick<Config, "home" | "store" | "anchors">): Record<string, JobKind> {
  const kind = (task: keyof typeof FILES): JobKind => ({
    grant: "audit:read",
    run: (input, context) => run(config, task, (input ?? {}) as Range, context),
  });
  return { verify: kind("verify"), bundle: kind("bundle") };
}

async function run(
  { home, store, anchors }: Pick<Config, "home" | "store" | "anchors">,
  task: keyof typeof FILES,
  { since = ALL_TIME.since, until = ALL_TIME.until }: Range,
  { folder, signal, progress }: JobContext,
) {
  const files = anchors.filter((anchor) => anchor.kind === "file").map(({ to }) => to);
  const path = join(folder, FILES[task]);
  const workerData: EvidenceWorkerData = {
    task,
    home,
    store,
    anchors: files,
    since,
    until,
    path,
    now: Date.now(),
  };
  const name = import.meta.url.endsWith(".ts") ? "./evidence-worker.ts" : "./evidence-worker.js";
  const worker = new Worker(new URL(name, import.meta.url), {
    workerData,
    name: task,
    resourceLimits: SMALL_HEAP,
  });
  const { promise, resolve, reject } =
    Promise.withResolvers<Extract<FromEvidence, { is: "done" }>["result"]>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop);
  worker.on("message", (message: FromEvidence) => {
    if (message.is === "progress") progress(message.done, message.total);
    else if (message.is === "done") resolve(message.result);
    else reject(failure(message));
  });
  worker.on("error", reject);
  worker.once("exit", () => reject(new DaybookError("worker_failed", `${task} ended`)));
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

function failure({ code, detail }: { readonly code: string; readonly detail: string }): DaybookError {
  return Object.hasOwn(ERRORS, code)
    ? new DaybookError(code as DaybookErrorCode, detail)
    : new DaybookError("worker_failed", detail);
}
