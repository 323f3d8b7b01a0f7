// The events of some rows of a store, as they are verified, in few buffers: so they cost next to nothing to hand from
// thread to thread.
import type { Pruned } from "../event/pruned.ts";
import type { FoundEvent } from "../evidence/verify.ts";
import type { Store } from "../stores/store.ts";
import { foundEvent, type TimeRange } from "./found-event.ts";

/** By their numbers, from after the first to the last. */
export interface Rows {
  readonly after: number;
  readonly upTo: number;
}

export interface FoundPart {
  readonly rows: Rows;
  readonly nodes: readonly string[];
  /** For each event: its node's index, its seq, and what else it is (IS_…). */
  readonly node: Uint32Array<ArrayBuffer>;
  readonly seq: Float64Array<ArrayBuffer>;
  readonly is: Uint8Array<ArrayBuffer>;
  /** LEAF_BYTES for each event; of those that are not to be looked at, nothing. */
  readonly leaves: Uint8Array<ArrayBuffer>;
  readonly pruned: ReadonlyMap<number, Pruned>;
  /** How many rows more cannot be read as events. */
  readonly unreadable: number;
}

const LEAF_BYTES = 32;
const IS_LOOKED_AT = 1;
const IS_ERASED = 2;
/** Small: what a reading holds is gone before the heap keeps it for long. 1,000 take some 100 MiB more. */
const AT_ONCE = 100;

export async function readPart(store: Store, rows: Rows, range: TimeRange): Promise<FoundPart> {
  const most = rows.upTo - rows.after;
  const [node, seq, is] = [new Uint32Array(most), new Float64Array(most), new Uint8Array(most)];
  const leaves = new Uint8Array(most * LEAF_BYTES);
  const [nodes, pruned] = [new Map<string, number>(), new Map<number, Pruned>()];
  let [count, unreadable] = [0, 0];
  const add = ({ nodeId, leaf, isErased, ...event }: FoundEvent) => {
    const known = nodes.get(nodeId) ?? nodes.size;
    if (known === nodes.size) nodes.set(nodeId, known);
    node[count] = known;
    seq[count] = event.seq;
    is[count] = (leaf === null ? 0 : IS_LOOKED_AT) | (isErased ? IS_ERASED : 0);
    if (leaf !== null) leaves.set(leaf, count * LEAF_BYTES);
    if (event.pruned !== null) pruned.set(count, event.pruned);
    count++;
  };
  for (let after: number | null = rows.after; after !== null; ) {
    const part = await store.scan(after, AT_ONCE, rows.upTo);
    for (const event of part.events) add(foundEvent(event, range));
    unreadable += part.unreadable;
    after = part.next;
  }
  const events = { node: node.slice(0, count), seq: seq.slice(0, count), is: is.slice(0, count) };
  return { rows, nodes: [...nodes.keys()], ...events, leaves, pruned, unreadable };
}

/** Some at a time. */
export function* eventsOf(part: FoundPart): Generator<FoundEvent[]> {
  const count = part.node.length;
  for (let from = 0; from < count; from += AT_ONCE)
    yield Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => eventAt(part, from + at));
}

function eventAt({ nodes, node, seq, is, leaves, pruned }: FoundPart, at: number): FoundEvent {
  const what = is[at] as number;
  const isLookedAt = (what & IS_LOOKED_AT) !== 0;
  return {
    nodeId: nodes[node[at] as number] as string,
    seq: seq[at] as number,
    leaf: isLookedAt ? leaves.subarray(at * LEAF_BYTES, (at + 1) * LEAF_BYTES) : null,
    isErased: (what & IS_ERASED) !== 0,
    pruned: pruned.get(at) ?? null,
  };
}
