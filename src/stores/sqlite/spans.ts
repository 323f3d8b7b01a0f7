// Time cut into whole periods, the coarsest first, and the rests at the ends that no period covers.

/** Whole periods of `unitMs`, numbered from 1970 on: `from` included, `to` not (Infinity: no end). */
export interface Span {
  readonly unitMs: number;
  readonly from: number;
  readonly to: number;
}

/** UTC ms, `from` included, `to` not. */
export interface Rest {
  readonly from: number;
  readonly to: number;
}

export interface Cover {
  readonly spans: readonly Span[];
  readonly rests: readonly Rest[];
}

/** Covers `from` to `to` (Infinity: no end) with periods of `unitsMs`, which are given from the longest to the shortest. */
export function cover(from: number, to: number, unitsMs: readonly number[]): Cover {
  if (from >= to) return { spans: [], rests: [] };
  const [unitMs, ...shorter] = unitsMs;
  if (unitMs === undefined) return { spans: [], rests: [{ from, to }] };
  const [first, end] = [Math.ceil(from / unitMs), Math.floor(to / unitMs)];
  if (first >= end) return cover(from, to, shorter);
  const before = cover(from, first * unitMs, shorter);
  const after =
    end === Number.POSITIVE_INFINITY ? { spans: [], rests: [] } : cover(end * unitMs, to, shorter);
  return {
    spans: [...before.spans, { unitMs, from: first, to: end }, ...after.spans],
    rests: [...before.rests, ...after.rests],
  };
}
