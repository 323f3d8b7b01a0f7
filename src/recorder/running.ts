// What is under way, in no order. A Map or Set of things that come and go moves to a new table now and then, and the old
// table, once it is in V8's old generation, keeps all of them alive until that is collected: at thousands a second, most
// of what garbage collection costs. Here what leaves leaves nothing behind.

/** `place` is the collection's own: where the thing stands, -1 while it does not. */
export interface Placed {
  place: number;
}

export class Running<T extends Placed> implements Iterable<T> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(thing: T): void {
    if (thing.place !== -1) return;
    thing.place = this.#all.length;
    this.#all.push(thing);
  }

  /** A thing that is not here stays as it is. */
  delete(thing: T): void {
    const { place } = thing;
    if (place === -1) return;
    thing.place = -1;
    const last = this.#all.pop() as T;
    if (last === thing) return;
    this.#all[place] = last;
    last.place = place;
  }

  /** Those that are here now: what leaves or comes meanwhile changes nothing. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#all.slice().values();
  }
}
