// The store's thread: opens the store for writing and ships the journal into it. It is handed no events: it tails
// the journal's files, so that recovery is the normal path.
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type MessagePort, workerData } from "node:worker_threads";
import { nativeCode } from "../event/errors.ts";
import { DurableMark } from "../journal/durable.ts";
import { realFiles } from "../journal/files.ts";
import { JournalTail, type Lost } from "../journal/tail.ts";
import { openStore } from "../stores/open-store.ts";
import type { IsMeant, PrunePlan, Subject } from "../stores/removal.ts";
import type { Charges, Store } from "../stores/store.ts";
import { giveWay } from "../threads/give-way.ts";
import { type Erased, eraseAll } from "./erasing.ts";
import { carryOut, type Pruned } from "./pruning.ts";
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
  /** How often what was asked for was called off (`halt`): seen also by a thread that waits for its turn to write. */
  readonly halts: SharedArrayBuffer;
}

export type ToStore =
  | { readonly is: "close" }
  | { readonly is: "lost_recorded" }
  /** What the journal has up to `toldLsn` tells of it. One at a time; answered with `pruned`. */
  | { readonly is: "prune"; readonly plan: PrunePlan; readonly toldLsn: number; readonly halts: number }
  /** One at a time; answered with `erased`. */
  | { readonly is: "erase"; readonly subject: Subject; readonly halts: number }
  /** Pruning and erasing that were asked for before end: no step of theirs begins any more, nor waits. */
  | { readonly is: "halt" };

export type FromStore =
  | { readonly is: "ready" }
  | { readonly is: "refused"; readonly code: string; readonly detail: string }
  | ({ readonly is: "status" } & ShipperStatus)
  /** To be recorded, and answered with `lost_recorded`. */
  | { readonly is: "lost"; readonly lost: Lost }
  | ({ readonly is: "pruned" } & Pruned)
  | ({ readonly is: "erased" } & Erased)
  | { readonly is: "closed" };

const { port, address, folder, nodeId, durable, charges, halts } = workerData as StoreWorkerData;
const halted = new Int32Array(halts);

const NOTHING_SHIPPED = { state: "shipping", shippedSeq: 0, shippedLsn: 0 } as const;

function say(message: FromStore): void {
  port.postMessage(message);
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
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
  let upkeep = Promise.resolve();
  let latest: Pick<ShipperStatus, "state" | "shippedSeq" | "shippedLsn"> = NOTHING_SHIPPED;
  const onStatus = (status: ShipperStatus) => {
    latest = status;
    say({ is: "status", ...status });
  };
  let halt = new AbortController();
  const prune = async (plan: PrunePlan, toldLsn: number, signal: AbortSignal, isMeant: IsMeant) => {
    const status = () => latest;
    const pruned = await carryOut({ store, plan, nodeId, toldLsn, status, signal, isMeant, sleep });
    say({ is: "pruned", ...pruned });
  };
  const erase = async (subject: Subject, isMeant: IsMeant) => {
    say({ is: "erased", ...(await eraseAll({ store, subject, isMeant })) });
  };
  const onLost = (lost: Lost) =>
    new Promise<void>((resolve) => {
      recorded = resolve;
      say({ is: "lost", lost });
    });
  const meantSince = (halts: number) => () => !stop.signal.aborted && Atomics.load(halted, 0) === halts;
  port.on("message", (message: ToStore) => {
    const signal = AbortSignal.any([stop.signal, halt.signal]);
    if (message.is === "close") stop.abort();
    else if (message.is === "prune")
      upkeep = upkeep.then(() => prune(message.plan, message.toldLsn, signal, meantSince(message.halts)));
    else if (message.is === "erase")
      upkeep = upkeep.then(() => erase(message.subject, meantSince(message.halts)));
    else if (message.is === "halt") {
      halt.abort();
      halt = new AbortController();
    } else recorded?.();
  });
  say({ is: "ready" });
  const seals = new SealShipper(store, nodeId, dirname(folder));
  await new Shipper({ store, tail, durable: mark, nodeId, seals, onStatus, onLost, sleep }).run(stop.signal);
  if (!stop.signal.aborted)
    await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
  tail.close();
  await upkeep;
  try {
    await store.checkpoint();
  } finally {
    await store.close();
  }
}

giveWay();
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
