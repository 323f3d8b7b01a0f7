// The sealer's thread: so that neither tiles nor signatures nor their fsyncs ever hold up a commit. It begins at the last
// checkpoint, reads what came since from the journal's files, and is handed the leaf hashes of every later commit.
import { parentPort, workerData } from "node:worker_threads";
import { nativeCode } from "../event/errors.ts";
import { giveWay } from "../threads/give-way.ts";
import { openSealer, type Sealer } from "./sealer.ts";
import { SealingRefused } from "./signing-key.ts";

export interface SealWorkerData {
  readonly slotFolder: string;
  readonly nodeId: string;
  /** Where the journal is; the messages go on from there. */
  readonly lastSeq: number;
  readonly root: string;
}

export type ToSealer =
  | {
      readonly is: "leaves";
      readonly firstSeq: number;
      /** 32 bytes each. */
      readonly hashes: Uint8Array;
      /** Of the log after them. */
      readonly root: string;
    }
  /** A change of key is in the log, up to `seq`. */
  | { readonly is: "announced"; readonly seq: number }
  | { readonly is: "close" };

export type FromSealer =
  | { readonly is: "sealed"; readonly size: number; readonly at: number }
  /** To be recorded, and answered with `announced`. */
  | { readonly is: "announce"; readonly key: string }
  | { readonly is: "failed"; readonly reason: string; readonly isRefused: boolean };

/**
 * While events come, a checkpoint is signed after this many, or after this time; of a log at rest once a minute. In a
 * flood at most four a second: each costs as much as recording dozens of events.
 */
const BUSY_EVENTS = 1000;
const BUSY_MS = 1000;
const FLOOD_MS = 250;
const IDLE_MS = 60_000;
const LOOK_MS = 100;
/** A key signs for this long. */
const KEY_MS = 90 * 24 * 60 * 60 * 1000;

let isAnnounced = false;

const port = parentPort;
const { slotFolder, nodeId, lastSeq, root } = workerData as SealWorkerData;

function say(message: FromSealer): void {
  port?.postMessage(message);
}

function run(sealer: Sealer): void {
  const timer = setInterval(() => attempt(() => sealWhenDue(sealer)), LOOK_MS);
  let isLooking = false;
  const look = () => {
    isLooking = false;
    attempt(() => sealWhenDue(sealer));
  };
  port?.on("message", (message: ToSealer) => {
    if (message.is === "leaves") {
      attempt(() => sealer.add(message.firstSeq, message.hashes, message.root));
      // After all messages that wait.
      if (!isLooking) setImmediate(look);
      isLooking = true;
    } else if (message.is === "announced") {
      sealer.handOverAfter(message.seq);
      isAnnounced = false;
    } else {
      clearInterval(timer);
      attempt(() => seal(sealer));
      port?.close();
    }
  });
  look();
}

function sealWhenDue(sealer: Sealer): void {
  const { checkpoint } = sealer.sealed ?? {};
  const waiting = sealer.size - (checkpoint?.size ?? 0);
  const age = Math.abs(Date.now() - (checkpoint?.at ?? 0));
  const due = waiting >= BUSY_EVENTS ? FLOOD_MS : waiting > 0 ? BUSY_MS : IDLE_MS;
  if (age >= due) seal(sealer);
}

function seal(sealer: Sealer): void {
  const { size, at } = sealer.seal().checkpoint;
  say({ is: "sealed", size, at: at ?? 0 });
  if (isAnnounced || Date.now() - sealer.key.madeAt < KEY_MS) return;
  isAnnounced = true;
  say({ is: "announce", key: sealer.key.announceNext() });
}

/** What fails ends this thread: the next one begins at the last checkpoint. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    say({ is: "failed", reason: nativeCode(error), isRefused: error instanceof SealingRefused });
    process.exit();
  }
}

giveWay();
attempt(() => run(openSealer({ slotFolder, nodeId, now: Date.now }, { lastSeq, root })));
