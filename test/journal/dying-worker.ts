// The journal's thread, but it dies when it is handed a request named "poison": before its commit, or after.
import { type MessagePort, workerData } from "node:worker_threads";
import { COLUMN } from "../../src/event/fields.ts";
import type { FromJournal, ToJournal } from "../../src/journal/journal-worker.ts";

const { port } = workerData as { port: MessagePort };
const requests = (message: ToJournal) =>
  message.is === "commit"
    ? message.entries.map((entry) => (entry[0] === "abandon" ? null : entry[1][COLUMN.request_id]))
    : [];

let dying = false;
const post = port.postMessage.bind(port);
port.postMessage = (message: FromJournal) => {
  // The commit is durable, and nobody will hear of it.
  if (dying && message.is === "durable") throw new Error("dies after its commit");
  post(message);
};
port.on("message", (message: ToJournal) => {
  const named = requests(message);
  if (named.includes("poison-before")) throw new Error("dies before its commit");
  dying = named.includes("poison-after");
});
await import("../../src/journal/journal-worker.ts");
