// Where a crash leaves open what survived, one of these decides: every possibility in turn, or a seeded sample.

/** Below `limit`, a whole number. */
export type Random = (limit: number) => number;

export interface Choices {
  /** One of `options`, as its index. */
  among(options: number): number;
  /** Which of `pieces` are there: one bit each. */
  subset(pieces: number): number;
}

/** mulberry32: small, and good enough to vary test data. */
export function seededRandom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Nothing, everything and a prefix are as likely as any other subset: they are what disks mostly leave. */
export function sampledChoices(random: Random): Choices {
  const masks = [
    () => 0,
    (pieces: number) => 2 ** pieces - 1,
    (pieces: number) => 2 ** random(pieces + 1) - 1,
    (pieces: number) => random(2 ** pieces),
  ];
  return { among: random, subset: (pieces) => masks[random(masks.length)]?.(pieces) ?? 0 };
}

/** Everything that `build` can make; null when that is more than `limit`. */
export function everyChoice<T>(build: (choices: Choices) => T, limit: number): T[] | null {
  const made: T[] = [];
  const digits: number[] = [];
  for (;;) {
    const radices: number[] = [];
    const among = (options: number) => {
      radices.push(options);
      return digits[radices.length - 1] ?? 0;
    };
    const one = build({ among, subset: (pieces) => among(2 ** pieces) });
    if (made.push(one) > limit) return null;
    digits.length = radices.length;
    let last = digits.length - 1;
    while (last >= 0 && (digits[last] ?? 0) + 1 === radices[last]) last--;
    if (last < 0) return made;
    digits[last] = (digits[last] ?? 0) + 1;
    digits.length = last + 1;
  }
}
