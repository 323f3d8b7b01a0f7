// A store as a place to verify: every event of it, and what it has of the logs.
import type { FoundLog } from "../evidence/log-check.ts";
import { type FoundEvent, type Place, strangeEvent } from "../evidence/verify.ts";
import type { Store } from "../stores/store.ts";
import { foundEvent, type TimeRange } from "./found-event.ts";
import { eventsOf } from "./found-part.ts";
import type { PartReader } from "./part-reader.ts";
import { partsAfter } from "./parts.ts";

/** `helpers`: threads that read and hash beside this one. */
export async function storePlace(
  name: string,
  store: Store,
  range: TimeRange,
  helpers: readonly PartReader[] = [],
): Promise<Place> {
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
  const someLog = logs[0]?.nodeId ?? "";
  return { name, logs, events: () => eventsIn(store, range, helpers, someLog) };
}

/** `someLog`: which log what cannot be read as an event is told of. */
async function* eventsIn(
  store: Store,
  range: TimeRange,
  helpers: readonly PartReader[],
  someLog: string,
): AsyncGenerator<FoundEvent[]> {
  const strange = (count: number) => Array.from({ length: count }, () => strangeEvent(someLog));
  // Where the rows begin, and what is in none that can be read.
  const { events, unreadable, next } = await store.scan(null, 1);
  yield [...events.map((event) => foundEvent(event, range)), ...strange(unreadable)];
  if (next === null) return;
  for await (const part of partsAfter(next, { store, range, helpers })) {
    yield* eventsOf(part);
    if (part.unreadable > 0) yield strange(part.unreadable);
  }
}
