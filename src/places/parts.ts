// All events of a store in parts, in the order of its rows. Where there are helpers, several parts are read and hashed at
// a time; which rows a part has is known before it is read.
import { setImmediate } from "node:timers/promises";
import type { Store } from "../stores/store.ts";
import type { TimeRange } from "./found-event.ts";
import { type FoundPart, type Rows, readPart } from "./found-part.ts";
import type { PartReader } from "./part-reader.ts";

export interface Reading {
  readonly store: Store;
  readonly range: TimeRange;
  readonly helpers: readonly PartReader[];
}

interface Due {
  readonly part: Promise<FoundPart>;
  isThere: boolean;
}

/** Numbers of rows of a part: some 10 ms of work. */
const SPAN = 1_000;
/** That a helper has to do: so that it goes on while what it has done is looked at. */
const AHEAD = 2;

/** Of the rows beyond number `after`. */
export async function* partsAfter(after: number, reading: Reading): AsyncGenerator<FoundPart> {
  const { store, range, helpers } = reading;
  const due: Due[] = [];
  let last = after;
  const nextRows = (): Rows => {
    const rows = { after: last, upTo: Math.min(last + SPAN, Number.MAX_SAFE_INTEGER) };
    last = rows.upTo;
    return rows;
  };
  for (;;) {
    for (const helper of helpers)
      for (let asked = helper.asked; asked < AHEAD; asked++) due.push(dueOf(helper.read(nextRows())));
    // While the part that comes first is being read elsewhere, this thread reads one that comes later.
    if (!due[0]?.isThere && due.length <= 2 * AHEAD * helpers.length) {
      due.push(dueOf(readPart(store, nextRows(), range)));
      await due.at(-1)?.part;
      // What the helpers have done is told between two turns of the event loop.
      await setImmediate();
    }
    const part = await due.shift()?.part;
    if (part === undefined) continue;
    yield part;
    if (part.node.length > 0 || part.unreadable > 0) continue;
    const { next } = await store.scan(part.rows.upTo, 1);
    if (next === null) return;
    // What was asked for meanwhile has nothing either.
    if (next > last) {
      due.length = 0;
      last = next - 1;
    }
  }
}

function dueOf(part: Promise<FoundPart>): Due {
  const due: Due = { part, isThere: false };
  const settled = () => {
    due.isThere = true;
  };
  part.then(settled, settled);
  return due;
}
