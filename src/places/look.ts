// Verifies a data folder or a store: what `daybook verify` and the API's jobs do.
import { existsSync } from "node:fs";
import type { Anchored } from "../evidence/log-check.ts";
import type { LogReport } from "../evidence/report.ts";
import { type Place, verifyPlace } from "../evidence/verify.ts";
import { seeSlots } from "../journal/seen-slots.ts";
import { nodeSha256 } from "../journal/signing-key.ts";
import { openStore } from "../stores/open-store.ts";
import { type Stored, slotPlace } from "./slot-place.ts";
import { storePlace, type TimeRange } from "./store-place.ts";

/** What is known from elsewhere, and what is to be looked at. */
export interface Question {
  readonly range: TimeRange;
  readonly trusted: readonly string[] | null;
  readonly anchors: ReadonlyMap<string, readonly Anchored[]>;
  /** Told before each place how many leaves and events it may have (0: nobody knows); answers with who counts them. */
  readonly counting: (total: number) => { add(count: number): void; stop(): void };
}

/** The store first: what its checkpoints say, the slots' tiles must bear out. */
export async function verifyFolder(home: string, store: string, question: Question): Promise<LogReport[]> {
  const slots = seeSlots(home).flatMap(({ folder, nodeId }) => (nodeId === null ? [] : [{ folder, nodeId }]));
  const isThere = !store.startsWith("sqlite:") || existsSync(store.slice("sqlite:".length));
  const stored = new Map<string, Stored>();
  const nothing = { notes: [], seq: isThere ? 0 : Number.POSITIVE_INFINITY };
  const reports = isThere ? await verifyStore(store, question, stored) : [];
  for (const slot of slots) {
    const anchors = question.anchors.get(slot.nodeId);
    const own = { ...question, anchors: new Map(anchors === undefined ? [] : [[slot.nodeId, anchors]]) };
    const known = stored.get(slot.nodeId) ?? nothing;
    const look = () => verify(slotPlace(slot.folder, slot, known, question.range), own, 0);
    reports.push(...(await twiceIfMissing(look)));
  }
  return reports;
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
): Promise<LogReport[]> {
  const store = await openStore(address, "read");
  try {
    return await twiceIfMissing(async () => {
      const place = await storePlace(address.replace(/^sqlite:/, ""), store, question.range);
      for (const { nodeId, checkpoints, end } of place.logs)
        stored.set(nodeId, { notes: checkpoints, seq: end?.seq ?? 0 });
      const events = place.logs.reduce((sum, { end }) => sum + (end?.seq ?? 0), 0);
      return verify(place, question, 2 * events);
    });
  } finally {
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
