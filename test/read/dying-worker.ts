// Stands in for reader-worker.ts: answers `positions` at once and `get` later, ends without a word on `health`,
// throws on `stats`, never answers `query`.
import { parentPort } from "node:worker_threads";

parentPort?.on("message", ({ id, name }: { id: number; name: string }) => {
  if (name === "health") process.exit(3);
  if (name === "stats") throw Object.assign(new Error("worn out"), { code: "EWORN" });
  if (name === "close") return parentPort?.close();
  if (name === "get") setImmediate(() => parentPort?.postMessage({ id, ok: true, value: null }));
  if (name === "positions") parentPort?.postMessage({ id, ok: true, value: [] });
});
