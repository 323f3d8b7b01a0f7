// The thread of `part-reader.ts`.
import { parentPort, workerData } from "node:worker_threads";
import { openStore } from "../stores/open-store.ts";
import { type Rows, readPart } from "./found-part.ts";
import type { FromPartWorker, PartWorkerData } from "./part-reader.ts";
import { failedBy } from "./small-thread.ts";

const { store: address, range } = workerData as PartWorkerData;
const opening = openStore(address, "read");
// Who asks for a part is told.
opening.catch(() => undefined);
let before: Promise<void> = Promise.resolve();

/** One after the other: answers come in the order of asking. */
parentPort?.on("message", (rows: Rows) => {
  before = before.then(() => answer(rows));
});

async function answer(rows: Rows): Promise<void> {
  try {
    const part = await readPart(await opening, rows, range);
    const { node, seq, is, leaves } = part;
    const message: FromPartWorker = { is: "part", part };
    parentPort?.postMessage(message, [node.buffer, seq.buffer, is.buffer, leaves.buffer]);
  } catch (error) {
    parentPort?.postMessage(failedBy(error) satisfies FromPartWorker);
  }
}
