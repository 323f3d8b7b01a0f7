// Verifies a data folder or a store: what `daybook verify` and the API's jobs do.
import { existsSync } from "node:fs";
import { parseCheckpoint } from "../evidence/checkpoint.ts";
import type { Anchored } from "../evidence/log-check.ts";
import { parseNote } from "../evidence/note.ts";
import type { LogReport } from "../evidence/report.ts";
import { type Place, verifyPlace } from "../evidence/verify.ts";
import { readSealed } from "../journal/sealed.ts";
import { seeSlots } from "../journal/seen-slots.ts";
import { nodeSha256 } from "../journal/signing-key.ts";
import { openStore } from "../stores/open-store.ts";
import type { TimeRange } from "./found-event.ts";
import { PartReader } from "./part-reader.ts";
import { isUnused, type Slot, type Stored, slotPlace } from "./slot-place.ts";
import { storePlace } from "./store-place.ts";

/** What is known from elsewhere, and what is to be looked at. */
export interface Question {
  readonly range: TimeRange;
  readonly trusted: readonly string[] | null;
  readonly anchors: ReadonlyMap<string, readonly Anchored[]>;
  /** Told before each place how many leaves and events it may have (0: nobody knows); answers with who counts them. */
  readonly counting: (total: number) => { add(count: number): void; stop(): void };
  /** Threads that read a large store beside this one; none unless given. */
  readonly helpers?: number;
}

/** Events of a store: for fewer a thread costs more than it helps. */
const HELP_FROM = 10_000;

export function verifyFolder(home: string, store: string, question: Question): Promise<LogReport[]> {
  const slots = seeSlots(home).flatMap(({ folder, nodeId }) => (nodeId === null ? [] : [{ folder, nodeId }]));
  return verifySlots(slots, store, question);
}

/**
 * The store first: what its checkpoints say, the slots' tiles must bear out. One of them may be behind, while it is away
 * or after it was restored: what was anchored since is held against the one that says that it goes so far.
 */
export async function verifySlots(
  slots: readonly Slot[],
  store: string,
  question: Question,
): Promise<LogReport[]> {
  const isThere = !store.startsWith("sqlite:") || existsSync(store.slice("sqlite:".length));
  const stored = new Map<string, Stored>();
  const nothing = { notes: [], seq: isThere ? 0 : Number.POSITIVE_INFINITY };
  const sealed = new Map(
    slots.map(({ nodeId, folder, files }) => [nodeId, readSealed(folder, files)?.checkpoint.size ?? 0]),
  );
  const reports = isThere
    ? await verifyStore(store, question, stored, sealed)
    : await verify(nowhere(store), without(question, sealed.keys()), 0);
  for (const slot of slots) {
    const known = stored.get(slot.nodeId) ?? nothing;
    const anchors = question.anchors.get(slot.nodeId) ?? [];
    // A process took it and ended before it had anything to record.
    if (isUnused(slot) && !stored.has(slot.nodeId) && anchors.length === 0) continue;
    const due = anchorsDue(anchors, sealed.get(slot.nodeId) ?? 0, sizeOf(known.notes));
    const own = { ...question, anchors: new Map(due.length === 0 ? [] : [[slot.nodeId, due]]) };
    const look = () => verify(slotPlace(slot.folder, slot, known, question.range), own, 0);
    reports.push(...(await twiceIfMissing(look)));
  }
  return reports;
}

/** What somewhere that is sealed up to `own` must answer for, when elsewhere the log is said to go up to `other`. */
function anchorsDue(anchors: readonly Anchored[], own: number, other: number): readonly Anchored[] {
  return anchors.filter(({ size }) => size <= own || size > other);
}

/** By their own word, the size of the log at the newest of them. */
function sizeOf(notes: readonly string[]): number {
  return Math.max(0, ...notes.map((note) => parseCheckpoint(parseNote(note)?.text ?? "")?.size ?? 0));
}

function without(question: Question, nodes: Iterable<string>): Question {
  const anchors = new Map(question.anchors);
  for (const nodeId of nodes) anchors.delete(nodeId);
  return { ...question, anchors };
}

/** Where a store is to be and is not: logs that were anchored are nowhere then, but for those of slots. */
function nowhere(name: string): Place {
  return { name, logs: [], async *events() {} };
}

/**
 * What is in use changes while it is looked at: retention begins, segments and partial tiles are replaced. What explains
 * it was sealed before, but after the look began; so what is missing is missing only when a second look misses it too.
 */
export async function twiceIfMissing(look: () => Promise<LogReport[]>): Promise<LogReport[]> {
  const reports = await look();
  return reports.some(({ findings }) => findings.some(({ state }) => state === "MISSING")) ? look() : reports;
}

export async function verifyStore(
  address: string,
  question: Question,
  stored = new Map<string, Stored>(),
  elsewhere: ReadonlyMap<string, number> = new Map(),
): Promise<LogReport[]> {
  const store = await openStore(address, "read");
  const helpers: PartReader[] = [];
  try {
    const size = (await store.positions()).reduce((sum, { seq }) => sum + seq, 0);
    const wanted = size >= HELP_FROM ? (question.helpers ?? 0) : 0;
    helpers.push(...Array.from({ length: wanted }, () => new PartReader(address, question.range)));
    return await twiceIfMissing(async () => {
      const place = await storePlace(address.replace(/^sqlite:/, ""), store, question.range, helpers);
      for (const { nodeId, checkpoints, end } of place.logs)
        stored.set(nodeId, { notes: checkpoints, seq: end?.seq ?? 0 });
      const events = place.logs.reduce((sum, { end }) => sum + (end?.seq ?? 0), 0);
      const due = [...question.anchors].map(([nodeId, anchors]) => {
        const own = sizeOf(stored.get(nodeId)?.notes ?? []);
        return [nodeId, anchorsDue(anchors, own, elsewhere.get(nodeId) ?? own)] as const;
      });
      const anchors = new Map(due.filter(([, list]) => list.length > 0));
      return verify(place, { ...question, anchors }, 2 * events);
    });
  } finally {
    for (const helper of helpers) await helper.close();
    await store.close();
  }
}

export async function verify(place: Place, question: Question, total: number): Promise<LogReport[]> {
  const { trusted, anchors, counting } = question;
  const counter = counting(total);
  try {
    const onProgress = (count: number) => counter.add(count);
    return await verifyPlace(place, { sha256: nodeSha256, trusted, anchors, onProgress });
  } finally {
    counter.stop();
  }
}
