// Stands in for reader-worker.ts: a long call keeps its thread for a while, every other is answered at once. Answers
// with how many calls there were.
import { parentPort } from "node:worker_threads";

const LONG = new Set(["stats", "histogram", "facets", "planPrune"]);
let calls = 0;

parentPort?.on("message", ({ id, name }: { id: number; name: string }) => {
  if (name === "close") return parentPort?.close();
  if (LONG.has(name)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  calls += 1;
  parentPort?.postMessage({ id, ok: true, value: calls });
});
