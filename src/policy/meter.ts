// What judging a request may cost, counted while it is judged: each operation pays for the size of what it is handed
// before it begins, so that no condition and no argument can hold the thread. A unit is about 100 ns of the slowest
// operation of its sort; patterns say their own price (patterns.ts). `npm run bench -- policies` measures it.

/** Of one request, all its policies together: 20 ms by the measure above. */
export const BUDGET = 200_000;

/** Thrown by whatever cannot be paid. One object: evaluation may catch it a great many times. */
export const OUT_OF_BUDGET = new Error("out of budget");

/** Characters of a string that cost one unit. */
const STRING_PIECE = 16;
/** The longest text to look for within another: beyond it, searching takes time by both lengths. */
const MAX_NEEDLE = 255;
/** A step through a list may end in an error that another part of the condition passes over; making one takes this. */
const STEP = 50;
/** Of a request whose arguments can be judged: it takes time already to see how many members a map has. */
const MAX_REQUEST = 2 * 1024 * 1024;
/** To put a member into a map takes this, paid for all before the first: large maps grow slowly. */
const MEMBER = 4;
/** Levels of arguments that conditions see: each new shape makes types in the evaluator that stay there. */
const MAX_DEPTH = 8;

/** Stands where a condition may not look; to touch it is an error of the code `unsupported_type`. */
export class Hidden {}
const HIDDEN = new Hidden();

export class Meter {
  #left = 0;
  #requestSize = 0;

  /** Begins a request of so many bytes, of whose budget so much is spent. */
  start(requestSize: number, spent = 0): void {
    this.#left = BUDGET - spent;
    this.#requestSize = requestSize;
  }

  /** Once this is so, everything that is still asked is refused at once. */
  get isOut(): boolean {
    return this.#left < 0;
  }

  get spent(): number {
    return BUDGET - this.#left;
  }

  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw OUT_OF_BUDGET;
  }

  /** Arguments as conditions see them: objects as maps, whose members are at hand however many there are. */
  seen(value: unknown): unknown {
    if (this.#requestSize > MAX_REQUEST) this.spend(BUDGET + 1);
    return this.#seen(value, 0);
  }

  #seen(value: unknown, depth: number): unknown {
    this.spend(1);
    if (typeof value !== "object" || value === null || value instanceof Hidden) return value;
    if (depth >= MAX_DEPTH) return HIDDEN;
    if (Array.isArray(value)) return value.map((item) => this.#seen(item, depth + 1));
    const keys = Object.keys(value);
    this.spend(keys.length * MEMBER);
    const members = new Map<string, unknown>();
    for (const key of keys)
      members.set(key, this.#seen((value as Readonly<Record<string, unknown>>)[key], depth + 1));
    return members;
  }

  /** Pays for a look at all of `value`. */
  weigh<T>(value: T): T {
    if (typeof value === "string") this.spend(1 + Math.ceil(value.length / STRING_PIECE));
    else if (Array.isArray(value)) {
      this.spend(1 + value.length);
      for (const item of value) this.weigh(item);
    } else if (value instanceof Map) {
      this.spend(1 + value.size);
      for (const [key, member] of value) {
        this.weigh(key);
        this.weigh(member);
      }
    }
    return value;
  }

  /** Pays for asking whether something is in `value`: a map has its members at hand. */
  weighRange<T>(value: T): T {
    return Array.isArray(value) ? this.weigh(value) : value;
  }

  /** Pays for each member of a list or map that is walked through, at `units` a member. */
  each<T>(value: T, units: number): T {
    if (Array.isArray(value)) this.spend(1 + value.length * (STEP + units));
    else if (value instanceof Map) this.spend(1 + value.size * (STEP + units));
    return value;
  }

  /** Pays for a text that is looked for in another. */
  needle<T>(value: T): T {
    if (typeof value === "string" && value.length > MAX_NEEDLE) throw OUT_OF_BUDGET;
    return this.weigh(value);
  }
}
