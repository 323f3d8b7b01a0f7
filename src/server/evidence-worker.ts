// The thread of a verification or of a bundle: as `daybook verify` and `daybook proof --all` do it, while requests go on.
import { createWriteStream, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { parentPort, workerData } from "node:worker_threads";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { anchorsIn } from "../evidence/anchors.ts";
import { type LogReport, STATES, worstOf } from "../evidence/report.ts";
import { verifyFolder } from "../places/look.ts";
import { bundleOf } from "../places/make-proof.ts";
import { snakeReport } from "../places/report-json.ts";
import { openStore } from "../stores/open-store.ts";

export interface EvidenceWorkerData {
  readonly task: "verify" | "bundle";
  readonly home: string;
  readonly store: string;
  /** Files of anchor lines. */
  readonly anchors: readonly string[];
  readonly since: number;
  readonly until: number;
  /** Where the reports, or the bundle, go. */
  readonly path: string;
  readonly now: number;
}

export type FromEvidence =
  | { readonly is: "progress"; readonly done: number; readonly total: number | null }
  | { readonly is: "done"; readonly result: Readonly<Record<string, string | number | boolean>> }
  | { readonly is: "failed"; readonly code: string; readonly detail: string };

const data = workerData as EvidenceWorkerData;
const SAY_EVERY_MS = 200;

function say(message: FromEvidence): void {
  parentPort?.postMessage(message);
}

async function verifyAll() {
  const lines = data.anchors.flatMap((path) => readFileSync(path, "utf8").split("\n"));
  const anchors = anchorsIn(lines).byNode;
  let [done, expected, saidAt] = [0, 0, 0];
  const counting = (total: number) => {
    expected += total;
    const add = (count: number) => {
      done += count;
      if (performance.now() - saidAt < SAY_EVERY_MS) return;
      saidAt = performance.now();
      say({ is: "progress", done, total: expected === 0 ? null : Math.max(done, expected) });
    };
    return { add, stop: () => {} };
  };
  const range = { since: data.since, until: data.until };
  const reports = await verifyFolder(data.home, data.store, { range, trusted: null, anchors, counting });
  await writeFile(data.path, JSON.stringify(reports.map(snakeReport)), { mode: 0o600 });
  say({ is: "progress", done, total: done });
  return factsOf(reports, anchors.size > 0);
}

function factsOf(reports: readonly LogReport[], anchored: boolean) {
  const state = reports.length === 0 ? "NOT_SEALED" : worstOf(reports.map((report) => report.state));
  const sum = (of: (report: LogReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  return {
    state,
    exit_code: STATES[state],
    places: reports.length,
    events: sum(({ events }) => events),
    erased: sum(({ erased }) => erased),
    pruned: sum(({ pruned }) => pruned),
    tail: sum(({ tail }) => tail),
    anchored,
  };
}

async function makeBundle() {
  const store = await openStore(data.store, "read");
  let lines = 0;
  try {
    await pipeline(
      async function* () {
        for await (const line of bundleOf(store, data.now)) {
          if (++lines % 5000 === 0) say({ is: "progress", done: lines, total: null });
          yield line;
        }
      },
      createWriteStream(data.path, { mode: 0o600 }),
    );
  } finally {
    await store.close();
  }
  return { lines };
}

try {
  say({ is: "done", result: await (data.task === "verify" ? verifyAll() : makeBundle()) });
} catch (error) {
  const isOurs = error instanceof DaybookError;
  say({
    is: "failed",
    code: isOurs ? error.code : "worker_failed",
    detail: isOurs ? error.detail : nativeCode(error),
  });
}
