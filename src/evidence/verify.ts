// Verifies a place where logs and their events are: a store, a slot's folder, an export bundle. The same code runs in
// Node and in browsers; what differs is where the logs are read from.
import { accountedFor, type Pruned, type Told } from "../event/pruned.ts";
import type { FoundLog } from "./log-check.ts";
import { type Anchored, LogCheck } from "./log-check.ts";
import type { Sha256 } from "./note.ts";
import type { LogReport } from "./report.ts";

export interface FoundEvent {
  readonly nodeId: string;
  readonly seq: number;
  /** Computed anew; null: not to be looked at. */
  readonly leaf: Uint8Array | null;
  readonly isErased: boolean;
  /** What a `pruned` event says; null: it is none. */
  readonly pruned: Pruned | null;
}

/** What is there in the place of an event, and cannot be one. */
export function strangeEvent(nodeId: string): FoundEvent {
  return { nodeId, seq: 0, leaf: null, isErased: false, pruned: null };
}

export interface Place {
  readonly name: string;
  readonly logs: readonly FoundLog[];
  /** All events that are there, in parts; of logs that are not named, too. */
  events(): AsyncIterable<readonly FoundEvent[]>;
}

export interface VerifyOptions {
  readonly sha256: Sha256;
  /** Verifier keys that are known from elsewhere; null: the logs' own are taken at their word. */
  readonly trusted: readonly string[] | null;
  /** What was anchored outside, by node. */
  readonly anchors: ReadonlyMap<string, readonly Anchored[]>;
  /** Leaves and events checked since the last call. */
  readonly onProgress?: (count: number) => void;
}

export async function verifyPlace(place: Place, options: VerifyOptions): Promise<LogReport[]> {
  const checks = new Map<string, LogCheck>();
  for (const log of place.logs) checks.set(log.nodeId, await opened(log, options));
  const told: Told[] = [];
  for await (const events of place.events()) {
    for (const event of events) {
      const { nodeId, seq, leaf, isErased, pruned } = event;
      let check = checks.get(nodeId);
      if (check === undefined) {
        check = await opened(unsealed(nodeId, place.name), options);
        checks.set(nodeId, check);
      }
      const added = check.add(seq, leaf, isErased);
      const isSealed = typeof added === "boolean" ? added : await added;
      // Only what is sealed explains why something is not there.
      if (isSealed && pruned !== null) told.push({ ...pruned, by: nodeId, seq });
    }
    options.onProgress?.(events.length);
  }
  // A log that was anchored and is not there at all.
  for (const nodeId of options.anchors.keys())
    if (!checks.has(nodeId)) checks.set(nodeId, await opened(unsealed(nodeId, place.name), options));
  return [...checks].map(([nodeId, check]) => {
    const ranges = told.filter((range) => range.nodeId === nodeId);
    return check.finish({ ranges, count: accountedFor(ranges) });
  });
}

async function opened(log: FoundLog, options: VerifyOptions): Promise<LogCheck> {
  const { sha256, trusted, anchors, onProgress } = options;
  const check = new LogCheck(log, {
    sha256,
    trusted,
    anchors: anchors.get(log.nodeId) ?? [],
    ...(onProgress === undefined ? {} : { onLeaves: onProgress }),
  });
  await check.open();
  return check;
}

/** Events are there of a log that nothing else is known of. */
function unsealed(nodeId: string, place: string): FoundLog {
  return { nodeId, place, keys: null, checkpoints: [], end: null, firstSeq: 1, tile: async () => null };
}
