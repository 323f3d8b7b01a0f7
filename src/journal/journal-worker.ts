// The journal's thread: takes messages of entries, makes one commit of all that wait, and answers with how far
// it is durable. Runs nothing else, so that an fsync delays nobody but those who wait for it.
import { join } from "node:path";
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { nativeCode } from "../event/errors.ts";
import { DurableMark } from "./durable.ts";
import type { CommitResult, JournalEntry, Settled } from "./entries.ts";
import { realFiles } from "./files.ts";
import { Forgetting } from "./forgetting.ts";
import { Journal } from "./journal.ts";
import type { Told } from "./records.ts";
import { Room } from "./room.ts";
import { Sealing, type SealStatus } from "./sealing.ts";
import { SEGMENT_BYTES } from "./segments.ts";

export interface JournalWorkerData {
  readonly port: MessagePort;
  /** The slot's folder: `journal/`, the reserve, tiles and checkpoint are in it. */
  readonly slotFolder: string;
  readonly nodeId: string;
  readonly durable: SharedArrayBuffer;
  readonly maxBytes: number;
  readonly reserveBytes: number;
  /** See JournalOptions; null: a start. */
  readonly resumeAfter: number | null;
}

export type ToJournal =
  | {
      readonly is: "commit";
      readonly id: number;
      readonly entries: JournalEntry[];
      /** They may use the reserve. */
      readonly critical: boolean;
    }
  | {
      readonly is: "retire";
      readonly storedSeq: number;
      readonly keepBytes: number;
      readonly notBefore: number;
    }
  /** Answered with `forgotten`. */
  | { readonly is: "forget"; readonly storedSeq: number }
  | { readonly is: "close" };

export type FromJournal =
  | {
      readonly is: "ready";
      readonly outboxId: number;
      readonly told: Told;
      readonly recovered: number;
      readonly lastSeq: number;
      readonly resumed: readonly Settled[];
    }
  | { readonly is: "refused"; readonly code: string; readonly detail: string }
  | ({ readonly is: "durable"; readonly id: number; readonly bytes: number } & CommitResult)
  | { readonly is: "failed"; readonly id: number; readonly reason: string }
  | { readonly is: "forgotten"; readonly done: boolean }
  | { readonly is: "sealing"; readonly status: SealStatus }
  | { readonly is: "closed" };

const data = workerData as JournalWorkerData;
const { port } = data;
const mark = new DurableMark(data.durable);
let sealing: Sealing | null = null;
let forgetting: Forgetting | null = null;
/** The log's next key is to be told by the next commit. */
let isAnnouncing = false;

function say(message: FromJournal): void {
  port.postMessage(message);
}

function open(): Journal | null {
  try {
    const { slotFolder, nodeId, maxBytes, reserveBytes, resumeAfter } = data;
    const reserve = { path: join(slotFolder, "reserve"), folder: slotFolder, reserveBytes, maxBytes };
    const journal = Journal.open({
      files: realFiles,
      folder: join(slotFolder, "journal"),
      nodeId,
      now: Date.now,
      segmentBytes: Math.min(SEGMENT_BYTES, Math.ceil(maxBytes / 8)),
      room: new Room({ files: realFiles, ...reserve }),
      ...(resumeAfter === null ? {} : { resumeAfter }),
      onDurable: (lsn) => mark.publish(lsn),
      onSegment: () => mark.segmentBegun(),
      onLeaves: (firstSeq, leaves, root) => sealing?.add(firstSeq, leaves, root),
    });
    const { interrupted, uncleanStop } = journal.recovered;
    mark.publish(journal.lastLsn);
    const { outboxId, told, lastSeq, resumed } = journal;
    say({ is: "ready", outboxId, told, lastSeq, resumed, recovered: interrupted + (uncleanStop ? 1 : 0) });
    return journal;
  } catch (error) {
    const { code, detail } = error as { code?: string; detail?: string };
    say({ is: "refused", code: code ?? "unknown", detail: detail ?? nativeCode(error) });
    port.close();
    return null;
  }
}

type CommitMessage = Extract<ToJournal, { is: "commit" }>;

/** One commit of the message and all like it that wait behind it. */
function commit(journal: Journal, first: CommitMessage): void {
  const { critical } = first;
  let { id, entries } = first;
  let next: ToJournal | null = null;
  for (let more = receiveMessageOnPort(port); more !== undefined; more = receiveMessageOnPort(port)) {
    next = more.message as ToJournal;
    if (next.is !== "commit" || next.critical !== critical) break;
    id = next.id;
    entries = entries.concat(next.entries);
    next = null;
  }
  say(outcomeOf(journal, id, entries, critical));
  if (next !== null) receive(journal, next);
}

function outcomeOf(journal: Journal, id: number, entries: JournalEntry[], critical: boolean): FromJournal {
  try {
    const result = journal.commit(entries, { critical });
    if (isAnnouncing) sealing?.announced(result.firstSeq - 1);
    isAnnouncing = false;
    return { is: "durable", id, bytes: journal.bytes, ...result };
  } catch (error) {
    return { is: "failed", id, reason: nativeCode(error) };
  }
}

function receive(journal: Journal, message: ToJournal): void {
  if (message.is === "commit") commit(journal, message);
  else if (message.is === "retire") retire(journal, message);
  else if (message.is === "forget") say({ is: "forgotten", done: forget(journal, message.storedSeq) });
  else void close(journal);
}

async function close(journal: Journal): Promise<void> {
  try {
    journal.close();
  } catch {
    // What it could not say, the next start will: an unclean stop.
  }
  await sealing?.close();
  say({ is: "closed" });
  port.close();
}

function retire(
  journal: Journal,
  { storedSeq, keepBytes, notBefore }: Extract<ToJournal, { is: "retire" }>,
): void {
  try {
    journal.retire({ storedSeq, sealedSeq: sealing?.sealedSeq ?? 0, keepBytes, notBefore });
  } catch {
    // Old segments stay a while longer; the next round tries again.
  }
}

function forget(journal: Journal, storedSeq: number): boolean {
  try {
    forgetting ??= new Forgetting(journal);
    return forgetting.forget({ storedSeq, sealedSeq: sealing?.sealedSeq ?? 0 });
  } catch {
    // The next round tries again.
    return false;
  }
}

function sealingOf(journal: Journal): Sealing {
  const { slotFolder, nodeId } = data;
  return new Sealing({
    slotFolder,
    nodeId,
    at: () => ({ lastSeq: journal.lastSeq, root: journal.root }),
    onStatus: (status) => {
      say({ is: "sealing", status });
      // Whoever ships events ships the checkpoint too.
      mark.wake();
    },
    onAnnounce: (key) => {
      journal.tell("key_announced", { verifier_key: key });
      isAnnouncing = true;
    },
  });
}

const journal = open();
if (journal !== null) {
  sealing = sealingOf(journal);
  port.on("message", (message: ToJournal) => receive(journal, message));
}
