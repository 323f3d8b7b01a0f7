// A store as a place to verify: every event of it, and what it has of the logs.
import { COLUMN } from "../event/fields.ts";
import { isErased, type JournalEvent } from "../event/leaf.ts";
import { parsePruned } from "../event/pruned.ts";
import { leafOf } from "../evidence/leaves.ts";
import type { FoundLog } from "../evidence/log-check.ts";
import { type FoundEvent, type Place, strangeEvent } from "../evidence/verify.ts";
import type { Store } from "../stores/store.ts";

/** Times of recording, UTC ms, both included; events outside are not looked at. */
export interface TimeRange {
  readonly since: number;
  readonly until: number;
}

/** Whatever time an event says: also one that no event can have. */
export const ALL_TIME: TimeRange = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

/** Small: what a part holds is gone before the heap keeps it for long. 1,000 take some 100 MiB more. */
const PART = 100;

export async function storePlace(name: string, store: Store, range: TimeRange): Promise<Place> {
  // What was sealed first: the events that it covers were there before it.
  const sealed = await store.seals();
  const positions = await store.positions();
  const nodes = new Set([...sealed, ...positions].map(({ nodeId }) => nodeId));
  const logs = [...nodes].sort().map((nodeId): FoundLog => {
    const log = sealed.find((found) => found.nodeId === nodeId);
    return {
      nodeId,
      place: name,
      keys: log?.keys ?? null,
      checkpoints: log?.checkpoints.map(({ note }) => note) ?? [],
      end: positions.find((position) => position.nodeId === nodeId) ?? null,
      firstSeq: 1,
      tile: (level, index) => store.tile(nodeId, level, index),
    };
  });
  return { name, logs, events: () => eventsIn(store, range, logs[0]?.nodeId ?? "") };
}

/** `someLog`: which log what cannot be read as an event is told of. */
async function* eventsIn(store: Store, range: TimeRange, someLog: string): AsyncGenerator<FoundEvent[]> {
  for (let after: number | null | undefined; after !== null; ) {
    const { events, unreadable, next } = await store.scan(after ?? null, PART);
    yield events.map((event) => foundEvent(event, range));
    if (unreadable > 0) yield Array.from({ length: unreadable }, () => strangeEvent(someLog));
    after = next;
  }
}

export function foundEvent(event: JournalEvent, { since, until }: TimeRange): FoundEvent {
  const { row } = event;
  const recordedAt = Number(row[COLUMN.recorded_at]);
  const isOutside = recordedAt < since || recordedAt > until;
  const isPruned = row[COLUMN.action] === "pruned" && row[COLUMN.kind] === "system";
  const metadata = row[COLUMN.metadata];
  return {
    nodeId: String(row[COLUMN.node_id]),
    seq: Number(row[COLUMN.seq]),
    // Where something is missing, and why, is looked at whatever the time.
    leaf: isPruned || !isOutside ? leafOf(event) : null,
    isErased: isErased(event),
    pruned: isPruned && typeof metadata === "string" ? parsePruned(metadata) : null,
  };
}
