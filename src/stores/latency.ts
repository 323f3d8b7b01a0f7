// Latencies as counts in buckets that grow by 9 %: sums of them are made by adding, and a quantile is off by at most
// 5 % (DDSketch, Masson et al. 2019, with buckets instead of a limit). Kept as varints: for each bucket that is not
// empty its distance from the one before, and its count.

const GROWTH = 1.09;
const LOG_GROWTH = Math.log(GROWTH);
/** A bucket's value that is as far, in proportion, from its lower as from its upper end. */
const MIDDLE = (2 * GROWTH) / (1 + GROWTH);

export class Latency {
  /** Bucket 0 is for 0; bucket n for [GROWTH^(n-1), GROWTH^n). */
  readonly #counts: number[] = [];

  /** `ms` is 0 or more. */
  add(ms: number): void {
    const bucket = ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / LOG_GROWTH);
    this.#count(bucket, 1);
  }

  merge(other: Latency): void {
    for (const [bucket, count] of other.#counts.entries()) if (count > 0) this.#count(bucket, count);
  }

  /** Adds what `encode` made, or what lies between two places of `bytes`. */
  mergeEncoded(bytes: Uint8Array, from = 0, to = bytes.length): void {
    let at = from;
    const next = (): number => {
      let value = 0;
      for (let unit = 1; ; unit *= 128) {
        const byte = bytes[at++] as number;
        value += (byte & 127) * unit;
        if (byte < 128) return value;
      }
    };
    for (let bucket = -1; at < to; ) {
      bucket += 1 + next();
      this.#count(bucket, next());
    }
  }

  /** Null when nothing was added. */
  encode(): Uint8Array | null {
    const bytes: number[] = [];
    const push = (value: number): void => {
      let rest = value;
      for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
      bytes.push(rest);
    };
    let before = -1;
    for (const [bucket, count] of this.#counts.entries()) {
      if (count === 0) continue;
      push(bucket - before - 1);
      push(count);
      before = bucket;
    }
    return bytes.length === 0 ? null : Uint8Array.from(bytes);
  }

  /** The value at `quantile` by nearest rank, in ms, within 5 %; null when nothing was added. */
  quantile(quantile: number): number | null {
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    let left = Math.max(1, Math.ceil(total * quantile));
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.round(middleOf(bucket) * 10) / 10;
    }
    return null;
  }

  /** The average, in ms, within 5 %; null when nothing was added. */
  mean(): number | null {
    let [count, sum] = [0, 0];
    for (const [bucket, times] of this.#counts.entries()) {
      count += times;
      sum += times * middleOf(bucket);
    }
    return count === 0 ? null : Math.round((sum / count) * 10) / 10;
  }

  #count(bucket: number, count: number): void {
    // Without holes: an array with holes is slow to walk.
    while (this.#counts.length <= bucket) this.#counts.push(0);
    this.#counts[bucket] = (this.#counts[bucket] as number) + count;
  }
}

function middleOf(bucket: number): number {
  return bucket === 0 ? 0 : GROWTH ** (bucket - 1) * MIDDLE;
}
