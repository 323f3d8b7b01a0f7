// The thread that takes events of other processes into the store, so that neither parsing nor the disk delays a
// request. What it answers is durable.
import { parentPort, workerData } from "node:worker_threads";
import { DaybookError, type DaybookErrorCode, nativeCode } from "../event/errors.ts";
import { parseBatch, parseSeal } from "../stores/ingest-lines.ts";
import { openStore } from "../stores/open-store.ts";
import type { Position, Store } from "../stores/store.ts";

export type ToIngest =
  | {
      readonly id: number;
      readonly is: "events";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly payer: string | null;
    }
  | { readonly id: number; readonly is: "seal"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly is: "nodes" }
  | { readonly id: number; readonly is: "close" };

/** Of a node: how far its events are in the store, and how much of its log is sealed there. */
export interface IngestedNode extends Position {
  readonly sealedSize: number;
}

/** `at`: where the node is now. */
export interface Ingested {
  readonly result: "appended" | "conflict";
  readonly at: Position | null;
}

export interface Answers {
  readonly events: Ingested;
  readonly seal: null;
  readonly nodes: IngestedNode[];
  readonly close: null;
}

export type FromIngest =
  | { readonly id: number; readonly ok: true; readonly value: Answers[keyof Answers] }
  | { readonly id: number; readonly ok: false; readonly code: DaybookErrorCode; readonly detail: string };

let opening: Promise<Store> | null = null;

async function store(): Promise<Store> {
  opening ??= openStore(String(workerData), "durable");
  try {
    return await opening;
  } catch (error) {
    opening = null;
    throw error;
  }
}

async function nodes(): Promise<IngestedNode[]> {
  const opened = await store();
  const logs = new Map(
    (await opened.seals()).map(({ nodeId, checkpoints }) => [nodeId, checkpoints.at(-1)?.size]),
  );
  const positions = await opened.positions();
  return positions.map((position) => ({ ...position, sealedSize: logs.get(position.nodeId) ?? 0 }));
}

async function append(bytes: Uint8Array, payer: string | null): Promise<Ingested> {
  const batch = parseBatch(bytes);
  const { to } = batch;
  const appended = await (await store()).append({ ...batch, payer });
  if (appended.result === "appended") return { result: "appended", at: to };
  const { at } = appended;
  // Sent again, because its answer was lost.
  const isThere = at !== null && at.seq === to.seq && at.root === to.root;
  return { result: isThere ? "appended" : "conflict", at };
}

async function done(message: ToIngest): Promise<Answers[keyof Answers]> {
  if (message.is === "nodes") return nodes();
  if (message.is === "events") return append(message.bytes, message.payer);
  if (message.is === "seal") await (await store()).seal(parseSeal(message.bytes));
  else await (await opening)?.close();
  return null;
}

async function answerTo(message: ToIngest): Promise<FromIngest> {
  const { id } = message;
  try {
    return { id, ok: true, value: await done(message) };
  } catch (error) {
    if (error instanceof DaybookError) return { id, ok: false, code: error.code, detail: error.detail };
    // A batch that no shipper would make: the store says so before it is touched.
    if (error instanceof RangeError) return { id, ok: false, code: "bad_event", detail: error.message };
    return { id, ok: false, code: "store_unusable", detail: `for writing (${nativeCode(error)})` };
  }
}

let last: Promise<void> = Promise.resolve();
parentPort?.on("message", (message: ToIngest) => {
  last = last.then(async () => {
    parentPort?.postMessage(await answerTo(message));
    if (message.is === "close") parentPort?.close();
  });
});
