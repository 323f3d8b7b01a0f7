// How many feeds there may be: each costs memory and a part of every event's way.
import { Refusal } from "../problem.ts";

const MAX_FEEDS = 1000;
/** So that one holder does not take every place. */
const MAX_OF_ONE = 250;

export class FeedPlaces {
  readonly #taken = new Map<string, number>();
  #all = 0;

  /** Takes a place for a holder; call what is answered once to give it back. Throws the refusal: 503. */
  take(holderId: string): () => void {
    const own = this.#taken.get(holderId) ?? 0;
    if (this.#all >= MAX_FEEDS) throw full(`${MAX_FEEDS} live feeds are open, as many as there may be.`);
    if (own >= MAX_OF_ONE) throw full(`You have ${MAX_OF_ONE} live feeds open, as many as one may have.`);
    this.#all++;
    this.#taken.set(holderId, own + 1);
    return () => {
      this.#all--;
      const left = (this.#taken.get(holderId) ?? 1) - 1;
      if (left > 0) this.#taken.set(holderId, left);
      else this.#taken.delete(holderId);
    };
  }
}

function full(what: string): Refusal {
  return new Refusal("overloaded", {
    detail: `${what} Close one, or come again later.`,
    errorType: "too_many_feeds",
    headers: { "retry-after": "5" },
  });
}
