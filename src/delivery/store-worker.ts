// The store's thread: opens the store for writing and ships the journal into it. It is handed no events: it tails
// the journal's files, so that recovery is the normal path.
import { dirname } from "node:path";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { type MessagePort, workerData } from "node:worker_threads";
import { nativeCode } from "../event/errors.ts";
import { DurableMark } from "../journal/durable.ts";
import { realFiles } from "../journal/files.ts";
import { JournalTail, type Lost } from "../journal/tail.ts";
import { openStore } from "../stores/open-store.ts";
import type { Charges, PrunePlan, PruneProgress, Store } from "../stores/store.ts";
import { SealShipper } from "./seal-shipper.ts";
import { Shipper, type ShipperStatus } from "./shipper.ts";

export interface StoreWorkerData {
  readonly port: MessagePort;
  readonly address: string;
  /** The journal's, in the slot's. */
  readonly folder: string;
  readonly nodeId: string;
  readonly durable: SharedArrayBuffer;
  readonly charges: Charges | null;
}

export type ToStore =
  | { readonly is: "close" }
  | { readonly is: "lost_recorded" }
  /** One at a time; answered with `pruned`. */
  | { readonly is: "prune"; readonly plan: PrunePlan };

export type FromStore =
  | { readonly is: "ready" }
  | { readonly is: "refused"; readonly code: string; readonly detail: string }
  | ({ readonly is: "status" } & ShipperStatus)
  /** To be recorded, and answered with `lost_recorded`. */
  | { readonly is: "lost"; readonly lost: Lost }
  /** `reason` null: the plan is carried out. */
  | { readonly is: "pruned"; readonly events: number; readonly reason: string | null }
  | { readonly is: "closed" };

const { port, address, folder, nodeId, durable, charges } = workerData as StoreWorkerData;

function say(message: FromStore): void {
  port.postMessage(message);
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** Step by step; appends come in between. Never rejects. */
async function prune(
  store: Store,
  plan: PrunePlan,
  signal: AbortSignal,
): Promise<Extract<FromStore, { is: "pruned" }>> {
  let events = 0;
  try {
    let progress: PruneProgress | null | undefined;
    while (progress !== null && !signal.aborted) {
      const step = await store.prune(plan, progress);
      events += step.events;
      progress = step.next;
      await turn();
    }
    return { is: "pruned", events, reason: progress === null ? null : "closed" };
  } catch (error) {
    return { is: "pruned", events, reason: nativeCode(error) };
  }
}

async function run(store: Store): Promise<void> {
  const stop = new AbortController();
  const mark = new DurableMark(durable);
  const tail = new JournalTail({
    files: realFiles,
    folder,
    durableLsn: () => mark.lsn,
    segments: () => mark.segments,
  });
  let recorded: (() => void) | null = null;
  let pruning: Promise<void> | null = null;
  const onStatus = (status: ShipperStatus) => say({ is: "status", ...status });
  const onLost = (lost: Lost) =>
    new Promise<void>((resolve) => {
      recorded = resolve;
      say({ is: "lost", lost });
    });
  port.on("message", (message: ToStore) => {
    if (message.is === "close") stop.abort();
    else if (message.is === "prune") pruning = prune(store, message.plan, stop.signal).then(say);
    else recorded?.();
  });
  say({ is: "ready" });
  const seals = new SealShipper(store, nodeId, dirname(folder));
  await new Shipper({ store, tail, durable: mark, nodeId, seals, onStatus, onLost, sleep }).run(stop.signal);
  if (!stop.signal.aborted)
    await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
  tail.close();
  await pruning;
  try {
    await store.checkpoint();
  } finally {
    await store.close();
  }
}

try {
  const store = await openStore(address, "write");
  if (charges !== null) await store.restoreCharges(charges);
  await run(store);
  say({ is: "closed" });
} catch (error) {
  const { code, detail } = error as { code?: string; detail?: string };
  say({ is: "refused", code: code ?? "unknown", detail: detail ?? nativeCode(error) });
}
port.close();
