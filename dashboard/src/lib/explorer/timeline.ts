// A list of any length of which only some is here: slices of the trail, newest first, each with its events or with how
// many it has. A slice begins after a key and ends at an instant, so that any of them can be fetched by itself, in any
// order, as of the same positions: nothing shows twice and nothing is passed over.
import type { EventJson } from "../../../../src/event/json.ts";
import type { EventKey } from "../../../../src/query/filter.ts";

export interface Slice {
  /** Everything in it comes after this key in list order: it is older. */
  readonly after: EventKey;
  /** UTC ms; everything in it was recorded then or later. */
  readonly since: number;
  /** How many events it has: as counted, or as found. */
  readonly count: number;
  /** Fetched before: `count` is what it has, whatever is in it. */
  readonly isKnown: boolean;
  readonly events: readonly EventJson[] | null;
}

export interface Bucket {
  /** UTC ms. */
  readonly from: number;
  readonly requests: number;
}

export function keyOf({ recorded_at: at, node_id: nodeId, seq }: EventJson): EventKey {
  return { recordedAt: Date.parse(at), nodeId, seq };
}

/** Comes before everything recorded at `at`. */
export function before(at: number): EventKey {
  return { recordedAt: at, nodeId: "ffffffffffffffff", seq: Number.MAX_SAFE_INTEGER };
}

export interface Found {
  readonly slice: Slice;
  /** Index of its first event in the whole list. */
  readonly start: number;
}

/** Values: each change makes another one. */
export class Timeline {
  readonly slices: readonly Slice[];
  readonly total: number;
  readonly #starts: readonly number[];

  constructor(slices: readonly Slice[] = []) {
    this.slices = slices.filter(({ count }) => count > 0);
    let total = 0;
    this.#starts = this.slices.map(({ count }) => {
      total += count;
      return total - count;
    });
    this.total = total;
  }

  /** The slice that holds the event at `index`. */
  at(index: number): Found | null {
    if (index < 0 || index >= this.total) return null;
    let [low, high] = [0, this.slices.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const slice = this.slices[low];
    return slice === undefined ? null : { slice, start: this.#starts[low] ?? 0 };
  }

  event(index: number): EventJson | null {
    const found = this.at(index);
    return found?.slice.events?.[index - found.start] ?? null;
  }

  /** Index of an event that is here, or -1. */
  indexOf(eventId: string): number {
    for (const [at, { events }] of this.slices.entries()) {
      const index = events?.findIndex(({ event_id: id }) => id === eventId) ?? -1;
      if (index >= 0) return (this.#starts[at] ?? 0) + index;
    }
    return -1;
  }

  /** The slices between two indexes (the second excluded) that are not here. */
  missing(from: number, to: number): Found[] {
    const found: Found[] = [];
    for (let index = Math.max(0, from); index < Math.min(to, this.total); ) {
      const here = this.at(index);
      if (here === null) break;
      if (here.slice.events === null) found.push(here);
      index = here.start + here.slice.count;
    }
    return found;
  }

  /** `slice` with its first events, and the rest of it, if any (`isWhole`: there is none). */
  filled(slice: Slice, events: readonly EventJson[], isWhole: boolean): Timeline {
    const last = events.at(-1);
    const here = { ...slice, count: events.length, isKnown: true, events };
    if (isWhole || last === undefined) return this.#with(slice, [here]);
    const rest = Math.max(1, slice.count - events.length);
    return this.#with(slice, [
      { ...here, since: Date.parse(last.recorded_at) },
      { after: keyOf(last), since: slice.since, count: rest, isKnown: false, events: null },
    ]);
  }

  /** `slice` cut at the bounds of buckets (oldest first, `width` ms each), with their counts. */
  divided(slice: Slice, buckets: readonly Bucket[], width: number): Timeline {
    return this.#with(slice, slicesOf(slice, buckets, width));
  }

  /** With `slices` before all others. */
  headed(slices: readonly Slice[]): Timeline {
    return new Timeline([...slices, ...this.slices]);
  }

  /** Forgets the events of slices that are far from `index`, when there are more than `most` of them. */
  lightened(index: number, most: number): Timeline {
    const here = this.slices.map((slice, at) => ({ slice, away: Math.abs((this.#starts[at] ?? 0) - index) }));
    let held = 0;
    const dropped = new Set<Slice>();
    for (const { slice } of here
      .filter(({ slice: { events } }) => events !== null)
      .sort((one, other) => one.away - other.away)) {
      held += slice.count;
      if (held > most) dropped.add(slice);
    }
    if (dropped.size === 0) return this;
    return new Timeline(
      this.slices.map((slice) => (dropped.has(slice) ? { ...slice, events: null } : slice)),
    );
  }

  #with(slice: Slice, others: readonly Slice[]): Timeline {
    return new Timeline(this.slices.flatMap((each) => (each === slice ? others : [each])));
  }
}

/** What `whole` is made of by its histogram. */
export function slicesOf(whole: Slice, buckets: readonly Bucket[], width: number): Slice[] {
  return buckets
    .filter(({ from }) => from <= whole.after.recordedAt && from + width > whole.since)
    .map(({ from, requests }) => {
      const newest = from + width - 1;
      return {
        after: newest >= whole.after.recordedAt ? whole.after : before(newest),
        since: Math.max(from, whole.since),
        count: requests,
        isKnown: false,
        events: null,
      };
    })
    .reverse();
}
