// How credit went: back from what is left, day by day, over what was spent and given.
export interface Spent {
  /** UTC ms. */
  readonly from: number;
  readonly micros: number;
}
export interface Given {
  readonly at: number;
  readonly micros: number;
}
export interface Point {
  readonly at: number;
  readonly micros: number;
}

/** The balance at each of `times`, which ascend; the last is now. */
export function burnDown(
  balance: number,
  spent: readonly Spent[],
  given: readonly Given[],
  times: readonly number[],
): Point[] {
  return times.map((at) => {
    const spentSince = spent.filter(({ from }) => from >= at).reduce((sum, { micros }) => sum + micros, 0);
    const givenSince = given
      .filter(({ at: then }) => then >= at)
      .reduce((sum, { micros }) => sum + micros, 0);
    return { at, micros: balance + spentSince - givenSince };
  });
}

/** Days that the balance lasts at the pace of the last `days`; null: nothing was spent, or nothing is left. */
export function lasts(balance: number, spent: readonly Spent[], days: number): number | null {
  const sum = spent.reduce((total, { micros }) => total + micros, 0);
  return sum <= 0 || balance <= 0 ? null : balance / (sum / days);
}
